// Rank correlations of proxies with their targets, and fitted laws. One row for each number that a claim rests on.

import type { Project } from './db.ts'
import { integer, numbers, optional, real, record, text, word } from './file/columns.ts'
import { insert, select, table, where } from './file/table.ts'
import type { InsertOf, RowOf } from './file/table.ts'

export const CORRELATION_METHODS = ['spearman', 'kendall', 'pearson'] as const

export const correlations = table(
  'correlations',
  'Correlations between two metrics over a set of specs, with intervals.',
  {
    id: integer(),
    study: optional(integer()),
    name: text(200, 0),
    method: word(CORRELATION_METHODS),
    /** The metrics compared, as `valLoss@200` and `valLoss@2000`. */
    x: text(),
    y: text(),
    /** The step at which the short run was read. */
    step: optional(integer()),
    /** How many pairs. */
    count: integer(),
    /** Null where it is not defined (all values equal). */
    value: optional(real),
    low: optional(real),
    high: optional(real),
    details: record,
    createdAt: integer(),
  },
)

export const fits = table('fits', 'Laws fitted to measurements, as the scaling law of depth and width.', {
  id: integer(),
  study: optional(integer()),
  name: text(200, 0),
  law: text(),
  coefficients: numbers,
  /** Errors of the fit, as held-out relative errors. */
  errors: numbers,
  /** What else is known: intervals, bands, residuals, starts. */
  details: record,
  createdAt: integer(),
})

export type CorrelationRow = RowOf<typeof correlations.columns>
export type FitRow = RowOf<typeof fits.columns>

/** Adds a correlation and returns its number. Throws `usage` on a bad field. */
export function addCorrelation(
  project: Project,
  row: Omit<InsertOf<typeof correlations.columns>, 'createdAt'>,
): number {
  return insert(project.sql, correlations, { ...row, createdAt: Date.now() })
}

/** Correlations in the order in which they were added. */
export function listCorrelations(
  project: Project,
  filter: Partial<Pick<CorrelationRow, 'study' | 'method' | 'x' | 'y'>> = {},
): CorrelationRow[] {
  const { text, values } = where({ study: filter.study ?? undefined, method: filter.method, x: filter.x, y: filter.y })
  return select(project.sql, correlations, project.path, `${text} ORDER BY id`, ...values)
}

/** Adds a fit and returns its number. Throws `usage` on a bad field. */
export function addFit(project: Project, row: Omit<InsertOf<typeof fits.columns>, 'createdAt'>): number {
  return insert(project.sql, fits, { ...row, createdAt: Date.now() })
}

/** Fits in the order in which they were added. */
export function listFits(project: Project, filter: Partial<Pick<FitRow, 'study' | 'law'>> = {}): FitRow[] {
  const { text, values } = where({ study: filter.study ?? undefined, law: filter.law })
  return select(project.sql, fits, project.path, `${text} ORDER BY id`, ...values)
}
