// Studies: what is searched, how, and towards which objectives. The trials are in trials.ts.

import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { Project } from './db.ts'
import { hash, integer, list, optional, problem, record, text, word } from './file/columns.ts'
import { encode, insert, select, table, where } from './file/table.ts'
import type { InsertOf, RowOf } from './file/table.ts'

export const STUDY_STATES = ['running', 'paused', 'done', 'failed', 'cancelled', 'interrupted'] as const
export type StudyState = (typeof STUDY_STATES)[number]

export const studies = table('studies', 'Searches, sweeps and other experiments over many specs.', {
  id: integer(),
  name: text(),
  /** What the study does: search, sweep, proxy-trust ... */
  kind: text(),
  searcher: text(200, 0),
  config: record,
  space: record,
  objectives: list,
  seed: integer(),
  gitRevision: optional(text()),
  environment: optional(hash),
  state: word(STUDY_STATES),
  error: optional(problem),
  createdAt: integer(),
  updatedAt: integer(),
})

export type StudyRow = RowOf<typeof studies.columns>
type Insert = InsertOf<typeof studies.columns>

/** What a study is created with; what is left out is empty. */
export type StudyStart = Pick<Insert, 'name' | 'kind' | 'config' | 'seed'> &
  Partial<Pick<Insert, 'searcher' | 'space' | 'objectives' | 'gitRevision' | 'environment' | 'state'>>

/** Stores a study (state `running` unless given) and returns its number. Throws `usage` on a bad field. */
export function createStudy(project: Project, start: StudyStart): number {
  const blank = {
    searcher: '',
    space: {},
    objectives: [],
    gitRevision: null,
    environment: null,
    state: 'running' as const,
  }
  const now = Date.now()
  return insert(project.sql, studies, { ...blank, ...start, error: null, createdAt: now, updatedAt: now })
}

/**
 * Changes the state, the error or the config (to extend its budget) of a study; its seed, space and objectives stay,
 * because its trials depend on them.
 */
export function updateStudy(
  project: Project,
  study: number,
  change: { readonly state?: StudyState; readonly error?: ErrorRecord | null; readonly config?: StudyRow['config'] },
): void {
  const given = Object.entries({
    state: change.state,
    error: change.error,
    config: change.config,
    updatedAt: Date.now(),
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, encode(studies, name, value)] as const)
  const assignments = given.map(([name]) => `${name} = ?`).join(', ')
  const values = given.map(([, value]) => value)
  const { changes } = project.sql.run(`UPDATE studies SET ${assignments} WHERE id = ?`, ...values, study)
  if (changes === 0) throw unknownStudy(project, study)
}

/** One study. Throws `usage` if there is none with this number. */
export function getStudy(project: Project, study: number): StudyRow {
  const row = select(project.sql, studies, project.path, 'WHERE id = ?', study)[0]
  if (row === undefined) throw unknownStudy(project, study)
  return row
}

/** Studies in the order of their creation. */
export function listStudies(
  project: Project,
  filter: Partial<Pick<StudyRow, 'name' | 'kind' | 'state'>> = {},
): StudyRow[] {
  const { text, values } = where({ name: filter.name, kind: filter.kind, state: filter.state })
  return select(project.sql, studies, project.path, `${text} ORDER BY id`, ...values)
}

function unknownStudy(project: Project, study: number): HeddleError {
  return new HeddleError('usage', `no study ${study} in ${project.path}`, { path: 'study' })
}
