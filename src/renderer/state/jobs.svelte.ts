// Long work, as the workbench tells of it.

import type { JobRow } from '#main/api/workbench/jobs.ts'
import { client } from '../client.ts'

class Jobs {
  list = $state.raw<readonly JobRow[]>([])
  readonly running = $derived(this.list.filter((job) => job.state === 'running'))

  async load(): Promise<void> {
    this.list = await client.jobs.list()
  }

  put(job: JobRow): void {
    const at = this.list.findIndex((other) => other.id === job.id)
    this.list = at < 0 ? [...this.list, job] : this.list.with(at, job)
  }

  cancel = (id: number): Promise<void> => client.jobs.cancel({ id })
  pause = (id: number): Promise<void> => client.jobs.pause({ id })

  async dismiss(id: number): Promise<void> {
    await client.jobs.dismiss({ id })
    this.list = this.list.filter((job) => job.id !== id)
  }

  /** The running job of a run or study, if there is one. */
  of(subject: JobRow['subject']): JobRow | undefined {
    return this.running.find(
      (job) =>
        (subject.run !== undefined && job.subject.run === subject.run) ||
        (subject.study !== undefined && job.subject.study === subject.study),
    )
  }
}

export const jobs = new Jobs()
