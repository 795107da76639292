// Long work that screens start and watch: its progress with rate and time left, its last lines, its end.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { progressTracker } from '#main/runtime/progress.ts'
import type { Progress, ProgressEvent } from '#main/runtime/progress.ts'

/** What a job works on in the project: what its screen opens. */
export interface JobSubject {
  readonly run?: number
  readonly study?: number
}

export interface JobRow {
  readonly id: number
  readonly kind: 'train' | 'profile' | 'table' | 'sweep' | 'search' | 'study'
  readonly title: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly subject: JobSubject
  readonly progress: Progress | null
  readonly error: ErrorRecord | null
  /** What it ended with, in one line. */
  readonly outcome: string | null
  readonly startedAt: number
  readonly endedAt: number | null
  /** Whether it can stop after what is in flight. */
  readonly canPause: boolean
}

/** What the work of a job is given. */
export interface JobHandle {
  readonly signal: AbortSignal
  /** Asks the work to end after what is in flight. */
  readonly pause: AbortSignal
  readonly onProgress: (event: ProgressEvent) => void
  /** Adds a line to the log. */
  note(line: string): void
  /** Says what rows it writes. */
  refer(subject: JobSubject): void
}

interface Job {
  row: JobRow
  readonly log: string[]
  readonly cancel: AbortController
  readonly pause: AbortController
  readonly ended: Promise<void>
}

const LOG_LINES = 1000
const KEPT_JOBS = 200

export interface Jobs {
  /** Starts work and returns its row at once; the work may return a line that says how it went. */
  start(
    about: {
      readonly kind: JobRow['kind']
      readonly title: string
      readonly canPause?: boolean
      readonly subject?: JobSubject
    },
    work: (handle: JobHandle) => Promise<string | undefined>,
  ): JobRow
  list(): readonly JobRow[]
  log(id: number): readonly string[]
  cancel(id: number): void
  pause(id: number): void
  /** Takes an ended job off the list. */
  dismiss(id: number): void
  /** Cancels everything and waits for its end. */
  close(): Promise<void>
}

/** The jobs of one workbench; `onChange` hears every new row. */
export function openJobs(onChange: (row: JobRow) => void): Jobs {
  const jobs = new Map<number, Job>()
  let nextId = 1
  const jobOf = (id: number): Job => {
    const job = jobs.get(id)
    if (job === undefined) throw new HeddleError('usage', `there is no job ${id}`, { path: 'id' })
    return job
  }
  const prune = (): void => {
    for (const [id, { row }] of jobs) {
      if (jobs.size <= KEPT_JOBS) return
      if (row.state !== 'running') jobs.delete(id)
    }
  }
  return {
    start({ kind, title, canPause = false, subject = {} }, work) {
      const id = nextId++
      const cancel = new AbortController(),
        pause = new AbortController()
      const log: string[] = []
      const tracker = progressTracker()
      const change = (fields: Partial<JobRow>): void => {
        job.row = { ...job.row, ...fields }
        onChange(job.row)
      }
      const handle: JobHandle = {
        signal: cancel.signal,
        pause: pause.signal,
        onProgress: (event) => change({ progress: tracker.update(event) }),
        note(line) {
          log.push(line)
          if (log.length > LOG_LINES) log.shift()
        },
        refer: (more) => change({ subject: { ...job.row.subject, ...more } }),
      }
      const run = async (): Promise<void> => {
        try {
          const outcome = (await work(handle)) ?? null
          if (outcome !== null) handle.note(outcome)
          change({ state: 'done', outcome, endedAt: Date.now() })
        } catch (error) {
          if (!(error instanceof HeddleError))
            process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
          const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
          const problem = errorRecord(error)
          handle.note(problem.message)
          change({
            state: isCancelled ? 'cancelled' : 'failed',
            error: isCancelled ? null : problem,
            endedAt: Date.now(),
          })
        }
        prune()
      }
      const row: JobRow = {
        id,
        kind,
        title,
        state: 'running',
        subject,
        progress: null,
        error: null,
        outcome: null,
        startedAt: Date.now(),
        endedAt: null,
        canPause,
      }
      const job: Job = { row, log, cancel, pause, ended: Promise.resolve().then(run) }
      jobs.set(id, job)
      onChange(row)
      return row
    },
    list: () => [...jobs.values()].map((job) => job.row),
    log: (id) => [...jobOf(id).log],
    cancel: (id) => jobOf(id).cancel.abort(),
    pause: (id) => jobOf(id).pause.abort(),
    dismiss(id) {
      if (jobOf(id).row.state === 'running')
        throw new HeddleError('usage', `job ${id} is running`, { hint: 'cancel it first' })
      jobs.delete(id)
    },
    async close() {
      for (const job of jobs.values()) job.cancel.abort()
      await Promise.all([...jobs.values()].map((job) => job.ended))
    },
  }
}
