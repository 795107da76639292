// Runs the cells of a notebook: one after the other, each after its inputs; what is cheap by itself, what takes long when asked.

import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { problemOf } from '../state/errors.ts'
import { jobs } from '../state/jobs.svelte.ts'
import { project } from '../state/project.svelte.ts'
import { cellViewOf } from './cells/index.ts'
import type { CellContext, CellResult, RunContext } from './cells/view.ts'
import { begin, forget, pendingAt, placeOf } from './pending.ts'
import type { NotebookState } from './state.svelte.ts'

export interface Activity {
  readonly state: 'queued' | 'running' | 'failed'
  readonly job: number | undefined
  readonly startedAt: number
  readonly problem: ErrorRecord | undefined
  /** What failed or runs: the hash of the cell then. */
  readonly hash: string
  readonly partial: CellResult | undefined
}

const POLL_MS = 120
/** Text is typed one key after another: cells that run by themselves wait for the end. */
const SETTLE_MS = 500

export class NotebookRunner {
  readonly #notebook: NotebookState
  activities = $state.raw<ReadonlyMap<string, Activity>>(new Map())
  #controllers = new Map<string, AbortController>()
  #queue: string[] = []
  #isBusy = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(notebook: NotebookState) {
    this.#notebook = notebook
  }

  get isRunning(): boolean {
    return [...this.activities.values()].some(({ state }) => state !== 'failed')
  }

  /** Whether a cell may run now. */
  canRun(id: string): boolean {
    const status = this.#notebook.statuses.get(id)
    if (status?.kind === undefined || status.kind.runs === 'never' || !this.#notebook.isTrusted) return false
    return status.kind.runs === 'itself' || !project.isReadonly
  }

  /** Runs these cells and what they need that is not fresh; `force` runs the cells themselves even where they are. */
  run(ids: readonly string[], { force = false } = {}): void {
    const { statuses } = this.#notebook
    const wanted = this.#notebook
      .order(ids)
      .filter((id) => this.canRun(id) && ((force && ids.includes(id)) || statuses.get(id)?.state !== 'fresh'))
      .filter((id) => !this.#queue.includes(id) && this.activities.get(id)?.state !== 'running')
    for (const id of wanted) this.#set(id, { ...IDLE, state: 'queued' })
    this.#queue.push(...wanted)
    void this.#work()
  }

  /** Takes up what a page began that was left before it ended: its jobs went on. */
  resume(): void {
    const left = [...this.#notebook.statuses].filter(([id, { hash, state }]) => {
      if (state === 'fresh' || hash === '' || !this.canRun(id)) return false
      const begun = pendingAt(this.#placeOf(id), hash)
      const known = Object.entries(begun ?? {}).filter(([key]) => key.startsWith('job'))
      return known.length > 0 && known.every(([, job]) => isKnown(job))
    })
    if (left.length > 0) this.run(left.map(([id]) => id))
  }

  /** Runs everything that is not fresh. */
  runStale(): void {
    this.run(
      [...this.#notebook.statuses].filter(([, { state }]) => state !== 'text' && state !== 'broken').map(([id]) => id),
    )
  }

  /** Stops a cell, or takes it out of the queue. */
  cancel(id: string): void {
    this.#queue = this.#queue.filter((other) => other !== id)
    this.#controllers.get(id)?.abort()
    if (this.activities.get(id)?.state === 'queued') this.#set(id, undefined)
  }

  cancelAll(): void {
    for (const id of [...this.#queue, ...this.#controllers.keys()]) this.cancel(id)
  }

  dismiss(id: string): void {
    if (this.activities.get(id)?.state === 'failed') this.#set(id, undefined)
  }

  /** Runs what is cheap and out of date, once the typing is over. */
  settle(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const due = [...this.#notebook.statuses].filter(([id, { kind, state, hash }]) => {
        const isDue = kind?.runs === 'itself' && (state === 'new' || state === 'stale') && hash !== ''
        // what failed would fail again
        return isDue && this.canRun(id) && this.activities.get(id)?.hash !== hash
      })
      if (due.length > 0) this.run(due.map(([id]) => id))
    }, SETTLE_MS)
  }

  /** Ends with the screen: running jobs go on, and cells that wait do not begin. */
  close(): void {
    clearTimeout(this.#timer)
    this.#queue = []
  }

  /** What a cell sees of the others. */
  contextOf(id: string): CellContext {
    const notebook = this.#notebook
    const contextOf = (other: string): CellContext => this.contextOf(other)
    const context: CellContext = {
      id,
      mayRedraw: this.canRun(id) && notebook.statuses.get(id)?.state === 'fresh',
      input(other) {
        const status = notebook.statuses.get(other)
        if (status === undefined) throw new HeddleError('usage', `there is no cell ${other}`)
        return { id: other, kind: status.kind?.kind ?? '', content: status.content, result: notebook.resultOf(other) }
      },
      spec: (other) => specOf(context, other),
      async rows(other) {
        const { kind, content, result } = context.input(other)
        const view = cellViewOf(kind)
        if (view?.rows === undefined)
          throw new HeddleError('usage', `${other} has no rows for code`, {
            path: 'inputs',
            hint: 'name the cell behind it',
          })
        // only plain data crosses into the frame
        return JSON.parse(JSON.stringify(await view.rows(content as never, result, contextOf(other)))) as unknown
      },
    }
    return context
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      for (let id = this.#queue.shift(); id !== undefined; id = this.#queue.shift()) await this.#runOne(id)
    } finally {
      this.#isBusy = false
    }
  }

  async #runOne(id: string): Promise<void> {
    const status = this.#notebook.statuses.get(id)
    const view = status?.kind === undefined ? undefined : cellViewOf(status.kind.kind)
    if (status === undefined || status.hash === '' || view?.run === undefined) {
      // an input failed, or the cell was changed meanwhile
      this.#set(id, undefined)
      return
    }
    const { hash } = status
    const controller = new AbortController()
    this.#controllers.set(id, controller)
    const activity: Activity = { ...IDLE, state: 'running', hash, startedAt: Date.now() }
    this.#set(id, activity)
    const change = (fields: Partial<Activity>): void =>
      this.#set(id, { ...(this.activities.get(id) ?? activity), ...fields })
    const place = this.#placeOf(id)
    const context: RunContext = {
      ...this.contextOf(id),
      once: async <T>(key: string, work: () => Promise<T>): Promise<T> => {
        const begun = pendingAt(place, hash)
        if (begun !== undefined && Object.hasOwn(begun, key) && (!key.startsWith('job') || isKnown(begun[key])))
          return begun[key] as T
        const value = await work()
        begin(place, hash, key, value)
        return value
      },
      signal: controller.signal,
      show: (partial) => change({ partial }),
      follow: async (job, onSubject) => {
        change({ job: job.id })
        return follow(job, controller.signal, onSubject)
      },
    }
    try {
      const result = await view.run(status.content as never, context)
      await this.#notebook.keep(id, status, result)
      this.#set(id, undefined)
    } catch (error) {
      const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
      if (isCancelled) this.#set(id, undefined)
      else change({ state: 'failed', problem: problemOf(error), job: undefined })
      // what takes from it cannot run
      const { order } = this.#notebook
      this.#queue = this.#queue.filter((other) => {
        const isBehind = other !== id && order([other]).includes(id)
        if (isBehind) this.#set(other, undefined)
        return !isBehind
      })
    } finally {
      forget(place)
      this.#controllers.delete(id)
    }
  }

  #placeOf = (id: string): string => placeOf(project.info?.path ?? '', this.#notebook.name, id)

  #set(id: string, activity: Activity | undefined): void {
    const next = new Map(this.activities)
    if (activity === undefined) next.delete(id)
    else next.set(id, activity)
    this.activities = next
  }
}

const IDLE = { job: undefined, startedAt: 0, problem: undefined, hash: '', partial: undefined } as const

function specOf(context: CellContext, id: string): ArchSpec {
  const { kind, content } = context.input(id)
  const { stack } = (content ?? {}) as { readonly stack?: unknown }
  if (kind !== 'stack' || typeof stack !== 'string')
    throw new HeddleError('usage', `${id} is no stack`, { path: 'stacks', hint: 'name cells that hold a stack' })
  return parseSpec(parseSpecText(stack))
}

/** Whether the workbench still knows a job; numbers begin anew when it is started again. */
const isKnown = (job: unknown): boolean => {
  const { id, startedAt } = (job ?? {}) as Partial<JobRow>
  return jobs.list.some((one) => one.id === id && one.startedAt === startedAt)
}

/** Waits for the end of a job. Throws what it failed with; `job-cancelled` where it was stopped. */
async function follow(job: JobRow, signal: AbortSignal, onSubject?: (job: JobRow) => void): Promise<JobRow> {
  let isStopping = false
  let row = job
  for (;;) {
    const found = jobs.list.find((one) => one.id === job.id)
    if (found !== undefined && found !== row) {
      row = found
      onSubject?.(row)
    }
    if (row.state !== 'running') break
    if (signal.aborted && !isStopping) {
      isStopping = true
      await jobs.cancel(job.id)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  if (row.state === 'cancelled') throw new HeddleError('job-cancelled', `${row.title} was cancelled`)
  if (row.error !== null) {
    const { code, message, path, hint } = row.error
    throw new HeddleError(code, message, { path, hint })
  }
  return row
}
