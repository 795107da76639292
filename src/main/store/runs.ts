// Training runs. A run is a fact; its states follow it, one row for each change, so that an interruption stays visible
// after the run went on. Its curves are in metrics.ts.

import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { Project } from './db.ts'
import { hash, integer, optional, problem, record, text, word } from './file/columns.ts'
import { insert, select, table, where } from './file/table.ts'
import type { InsertOf, RowOf } from './file/table.ts'

/** The states of a run or trial; `running` comes first, and again after `interrupted` or `cancelled`. */
export const STATES = ['running', 'done', 'failed', 'cancelled', 'interrupted'] as const
export type State = (typeof STATES)[number]

const facts = {
  id: integer(),
  name: text(200, 0),
  spec: hash,
  config: record,
  seed: integer(),
  gitRevision: optional(text()),
  environment: optional(hash),
  study: optional(integer()),
  trial: optional(integer()),
  startedAt: integer(),
} as const

export const runs = table('runs', 'Training runs as they were started. Append-only.', facts)

export const runStates = table('run_states', 'The states that each run went through. Append-only.', {
  id: integer(),
  run: integer(),
  state: word(STATES),
  error: optional(problem),
  at: integer(),
})

export const runResults = table('run_results', 'Runs with their present state.', {
  ...facts,
  state: word(STATES),
  error: optional(problem),
  changedAt: integer(),
})

export type RunRow = RowOf<typeof runResults.columns>

/** What a run is started with; what is left out is null. */
export type RunStart = Pick<InsertOf<typeof facts>, 'spec' | 'config' | 'seed'> &
  Partial<Pick<InsertOf<typeof facts>, 'name' | 'gitRevision' | 'environment' | 'study' | 'trial'>>

/** Stores a run in state `running` and returns its number. Throws `usage` on a bad field or an unknown spec. */
export function startRun(project: Project, start: RunStart): number {
  const blank = { name: '', gitRevision: null, environment: null, study: null, trial: null }
  return project.sql.transaction(() => {
    const now = Date.now()
    const run = insert(project.sql, runs, { ...blank, ...start, startedAt: now })
    insert(project.sql, runStates, { run, state: 'running', error: null, at: now })
    return run
  })
}

/** Marks an interrupted or cancelled run as running again. Throws `usage` if it is neither. */
export function resumeRun(project: Project, run: number): void {
  if (project.unended.has(run)) project.pending.get(run)!.flush()
  insert(project.sql, runStates, { run, state: 'running', error: null, at: Date.now() })
}

/** How a run ended. */
export interface RunEnd {
  readonly state: Exclude<State, 'running'>
  readonly error?: ErrorRecord
}

const AGAIN_MS = 2000

/**
 * Ends a run after writing what its metric writer holds. Where the file cannot be written, the run has ended for all who
 * ask this project, and the file is told so as soon as it can be.
 * @throws HeddleError `usage` if it is not running; `store-full`, `store-busy`
 */
export function finishRun(project: Project, run: number, end: RunEnd): void {
  const writer = project.pending.get(run)
  const at = Date.now()
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearInterval(timer)
    writer?.stop()
  }
  const write = (): void => {
    writer?.flush()
    insert(project.sql, runStates, { run, state: end.state, error: end.error ?? null, at })
    stop()
    project.pending.delete(run)
    project.unended.delete(run)
  }
  try {
    write()
  } catch (error) {
    if (!isUnwritable(error)) throw error
    project.unended.set(run, end)
    project.pending.set(run, { flush: write, stop })
    timer = setInterval(() => {
      try {
        write()
      } catch {
        // it was said when it failed first
      }
    }, AGAIN_MS)
    timer.unref()
    throw error
  }
}

/** Whether an error will pass: the file can be written when there is room, or the other program is done. */
export const isUnwritable = (error: unknown): boolean =>
  error instanceof HeddleError && (error.code === 'store-full' || error.code === 'store-busy')

/** One run with its present state. Throws `usage` if there is none with this number. */
export function getRun(project: Project, run: number): RunRow {
  const row = listRuns(project, { id: run })[0]
  if (row === undefined) throw new HeddleError('usage', `no run ${run} in ${project.path}`, { path: 'run' })
  return row
}

export type RunFilter = Partial<Pick<RunRow, 'id' | 'spec' | 'study' | 'trial' | 'state'>>

/** Runs in the order in which they were started. */
export function listRuns(project: Project, filter: RunFilter = {}): RunRow[] {
  const { id, spec, study, trial, state } = filter
  const { unended } = project
  const { text, values } = where({ id, spec, study, trial, ...(unended.size === 0 && { state }) })
  const rows = select(project.sql, runResults, project.path, `${text} ORDER BY id`, ...values)
  if (unended.size === 0) return rows
  const shown = rows.map((row): RunRow => {
    const end = unended.get(row.id)
    return end === undefined ? row : { ...row, state: end.state, error: end.error ?? null }
  })
  return state === undefined ? shown : shown.filter((row) => row.state === state)
}
