// Trials of a study with their lineage. Append-only in three tables: the proposal, the states that it went through,
// and its death in the population. `trial_results` joins them.

import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { TrialColumns } from '#core/search/index.ts'
import type { Project } from './db.ts'
import { hash, integer, numbers, optional, problem, record, word } from './file/columns.ts'
import type { JsonRecord } from './file/columns.ts'
import type { SqlValue } from './file/sql.ts'
import { insert, select, table, where } from './file/table.ts'
import type { RowOf } from './file/table.ts'
import { STATES } from './runs.ts'
import type { State } from './runs.ts'

const facts = {
  id: integer(),
  study: integer(),
  /** The place in the study's sequence, from 0. */
  number: integer(),
  spec: hash,
  /** The trial that this one was mutated from. */
  parent: optional(integer()),
  mutation: optional(record),
  bornAt: integer(),
} as const

export const trials = table('trials', 'Trials as they were proposed. Append-only.', facts)

export const trialStates = table(
  'trial_states',
  'The states that each trial went through, with its metrics. Append-only.',
  {
    id: integer(),
    trial: integer(),
    state: word(STATES),
    metrics: optional(numbers),
    error: optional(problem),
    at: integer(),
  },
)

export const trialDeaths = table('trial_deaths', 'When trials left the population. Append-only.', {
  trial: integer(),
  /** The number of the trial whose arrival pushed this one out. */
  died: integer(),
  at: integer(),
})

export const trialResults = table('trial_results', 'Trials with their present state, metrics and death.', {
  ...facts,
  /** Orders trials by their last change: the history that a searcher sees. */
  change: integer(),
  state: word(STATES),
  metrics: optional(numbers),
  error: optional(problem),
  changedAt: integer(),
  /** The number of the trial whose arrival pushed this one out of the population. */
  died: optional(integer()),
})

export type TrialRow = RowOf<typeof trialResults.columns>

/** A proposal: what is known of a trial before it runs. */
export interface TrialStart {
  readonly study: number
  readonly number: number
  readonly spec: string
  readonly parent?: number | null
  readonly mutation?: JsonRecord | null
}

/**
 * Stores a trial in state `running` and returns its id. A number whose trial was interrupted or cancelled runs again
 * under its old id.
 * @throws HeddleError `usage` if the number is taken by a trial that runs or has ended, or proposed another spec.
 */
export function startTrial(project: Project, start: TrialStart): number {
  return project.sql.transaction(() => {
    const at = Date.now()
    const known = select(
      project.sql,
      trials,
      project.path,
      'WHERE study = ? AND number = ?',
      start.study,
      start.number,
    )[0]
    if (known !== undefined && known.spec !== start.spec)
      throw new HeddleError('usage', `trial ${start.number} of study ${start.study} has another spec (${known.spec})`, {
        path: 'spec',
      })
    const trial =
      known?.id ??
      insert(project.sql, trials, {
        ...start,
        parent: start.parent ?? null,
        mutation: start.mutation ?? null,
        bornAt: at,
      })
    insert(project.sql, trialStates, { trial, state: 'running', metrics: null, error: null, at })
    return trial
  })
}

/** How a trial ended. */
export interface TrialEnd {
  readonly state: Exclude<State, 'running'>
  /** Numbers by the names of core/metrics; what is not finite is stored as null. */
  readonly metrics?: Readonly<Record<string, number | null>>
  readonly error?: ErrorRecord
}

/** Ends a running trial. Throws `usage` if it does not run. */
export function finishTrial(project: Project, trial: number, end: TrialEnd): void {
  insert(project.sql, trialStates, {
    trial,
    state: end.state,
    metrics: end.metrics ?? null,
    error: end.error ?? null,
    at: Date.now(),
  })
}

/** Records that the arrival of trial number `died` pushed `trial` (an id) out of the population. */
export function recordDeath(project: Project, trial: number, died: number): void {
  insert(project.sql, trialDeaths, { trial, died, at: Date.now() })
}

/** One trial. Throws `usage` if there is none with this id. */
export function getTrial(project: Project, trial: number): TrialRow {
  const row = select(project.sql, trialResults, project.path, 'WHERE id = ?', trial)[0]
  if (row === undefined) throw new HeddleError('usage', `no trial ${trial} in ${project.path}`, { path: 'trial' })
  return row
}

/** Which trials to list and in which order. */
export interface TrialFilter {
  readonly number?: number
  readonly state?: State
  readonly spec?: string
  readonly parent?: number
  /** Bounds on metrics; a trial without the metric is left out. */
  readonly metrics?: Readonly<Record<string, { readonly min?: number; readonly max?: number }>>
  /** `number` (default), `change` (the order in which they ended), or the name of a metric; nulls come last. */
  readonly orderBy?: string
  readonly descending?: boolean
  readonly limit?: number
  readonly offset?: number
}

/** The trials of a study that pass a filter. */
export function listTrials(project: Project, study: number, filter: TrialFilter = {}): TrialRow[] {
  const { text, values } = conditions(study, filter)
  const order = filter.orderBy ?? 'number'
  const byMetric = !['number', 'change'].includes(order)
  const direction = filter.descending === true ? 'DESC' : 'ASC'
  const key = byMetric ? `json_extract(metrics, ?) ${direction} NULLS LAST, number` : `${order} ${direction}`
  const keyValues = byMetric ? [metricPath(order)] : []
  return select(
    project.sql,
    trialResults,
    project.path,
    `${text} ORDER BY ${key} LIMIT ? OFFSET ?`,
    ...values,
    ...keyValues,
    filter.limit ?? -1,
    filter.offset ?? 0,
  )
}

/** The trials of a study by number, `from` to `end`, their JSON not read: what is sent on is read where it arrives. */
export function trialColumns(
  project: Project,
  study: number,
  { from = 0, end = Number.MAX_SAFE_INTEGER }: { readonly from?: number; readonly end?: number } = {},
): TrialColumns {
  const rows = project.sql.all(
    'SELECT number, state, metrics, mutation, error FROM trial_results WHERE study = ? AND number >= ? AND number < ? ORDER BY number',
    study,
    from,
    end,
  )
  const texts = (name: string): (string | null)[] => rows.map((row) => row[name] as string | null)
  return {
    numbers: Int32Array.from(rows, (row) => row['number'] as number),
    states: rows.map((row) => String(row['state'])),
    metrics: texts('metrics'),
    mutations: texts('mutation'),
    errors: rows.flatMap(({ number, error }) => (error === null ? [] : [[number as number, error as string] as const])),
  }
}

/** How many trials of a study pass a filter. */
export function countTrials(project: Project, study: number, filter: TrialFilter = {}): number {
  const { text, values } = conditions(study, filter)
  return Number(project.sql.get(`SELECT count(*) AS n FROM trial_results ${text}`, ...values)?.['n'])
}

/** A trial and its ancestors, the youngest first. */
export function lineageOf(project: Project, trial: number): TrialRow[] {
  return select(
    project.sql,
    trialResults,
    project.path,
    `WHERE id IN (WITH RECURSIVE line (id) AS (SELECT ? UNION SELECT parent FROM trials JOIN line USING (id) WHERE parent IS NOT NULL)
      SELECT id FROM line) ORDER BY number DESC`,
    trial,
  )
}

function conditions(study: number, filter: TrialFilter): { readonly text: string; readonly values: SqlValue[] } {
  const { text, values } = where({
    study,
    number: filter.number,
    state: filter.state,
    spec: filter.spec,
    parent: filter.parent,
  })
  let bounds = ''
  for (const [name, { min, max }] of Object.entries(filter.metrics ?? {})) {
    bounds += ' AND json_extract(metrics, ?) BETWEEN ? AND ?'
    values.push(metricPath(name), min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY)
  }
  return { text: text + bounds, values }
}

function metricPath(name: string): string {
  if (!/^[^"\\]{1,200}$/.test(name))
    throw new HeddleError('usage', `${JSON.stringify(name)} is not the name of a metric`, { path: 'metrics' })
  return `$."${name}"`
}
