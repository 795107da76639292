// Connects the states to the events of the workbench. After a gap in the events everything is read again.

import type { NumberedEvent } from '#main/api/workbench/events.ts'
import type { Listed } from '#main/api/workbench/events.ts'
import { carrier } from '../carrier.ts'
import { jobs } from './jobs.svelte.ts'
import { notices } from './notices.svelte.ts'
import { project } from './project.svelte.ts'
import { runs } from './runs.svelte.ts'
import { runSelection } from './selection.svelte.ts'
import { studies } from './studies.svelte.ts'

/** How often each table changed: a view that reads `live.versions.lut` in an effect reads its rows again when it grows. */
class Live {
  versions = $state<Record<Listed, number>>({
    measurements: 0,
    lut: 0,
    studies: 0,
    documents: 0,
    notebooks: 0,
    annotations: 0,
    correlations: 0,
    fits: 0,
  })

  /** Reads everything and follows the events from then on. */
  async start(): Promise<void> {
    carrier.onEvent((event) => this.#receive(event))
    carrier.onGap(() => void notices.attempt(() => this.#reload()))
    await this.#reload()
  }

  async #reload(): Promise<void> {
    await Promise.all([project.load(), jobs.load()])
    await this.#readProject()
    await project.loadDevices()
  }

  async #readProject(): Promise<void> {
    studies.clear()
    runSelection.clear()
    if (project.info === null) runs.clear()
    else await Promise.all([runs.load(), studies.load()])
    for (const table of Object.keys(this.versions) as Listed[]) this.versions[table]++
  }

  #receive(event: NumberedEvent): void {
    if (event.type === 'job') jobs.put(event.job)
    else if (event.type === 'run') runs.put(event.run)
    else if (event.type === 'points') runs.append(event.run, event.points)
    else if (event.type === 'trial') studies.put(event.study, event.trial, event.problem)
    else if (event.type === 'changed') {
      this.versions[event.table]++
      if (event.table === 'studies') void notices.attempt(() => studies.load())
      if (event.table === 'measurements' || event.table === 'lut') void notices.attempt(() => project.refresh())
    } else void notices.attempt(() => project.set(event.project).then(() => this.#readProject()))
  }
}

export const live = new Live()
