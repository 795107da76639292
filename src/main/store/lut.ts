// The look-up table of block latencies: what one more block costs on a device. Append-only and versioned by protocol
// and runtime; a prediction uses the latest row of each key.

import type { Project } from './db.ts'
import { floats, hash, integer, real, record, text, word } from './file/columns.ts'
import { insert, select, table, where } from './file/table.ts'
import type { InsertOf, RowOf } from './file/table.ts'
import { PHASES } from './measurements.ts'

/** What an entry times: one more block, the embedding, the head, the overhead of a layer, an empty model. */
export const LUT_PARTS = ['block', 'embedding', 'head', 'layer', 'floor'] as const

export const lutEntries = table(
  'lut_entries',
  'Costs of single blocks, from the slope over stacks of copies. Append-only.',
  {
    id: integer(),
    environment: hash,
    target: text(),
    runtimeVersion: text(),
    protocolVersion: integer(1),
    dtype: text(),
    phase: word(PHASES),
    batch: integer(1),
    context: integer(),
    dModel: integer(1),
    part: word(LUT_PARTS),
    /** The block's kind; empty for other parts. */
    block: text(200, 0),
    /** A hash of the block's parameters; empty for other parts. */
    paramsHash: text(128, 0),
    params: record,
    slopeMs: real,
    lowMs: real,
    highMs: real,
    /** What else is known: numbers of copies, residuals, intercept. */
    details: record,
    samples: floats,
    createdAt: integer(),
  },
)

export type LutRow = RowOf<typeof lutEntries.columns>

const KEY = [
  'environment',
  'target',
  'dtype',
  'phase',
  'batch',
  'context',
  'dModel',
  'part',
  'block',
  'paramsHash',
  'protocolVersion',
  'runtimeVersion',
] as const satisfies readonly (keyof LutRow)[]

/** Adds an entry and returns its number. Throws `usage` on a bad field or an unknown environment. */
export function addLutEntry(project: Project, entry: Omit<InsertOf<typeof lutEntries.columns>, 'createdAt'>): number {
  return insert(project.sql, lutEntries, { ...entry, createdAt: Date.now() })
}

export type LutFilter = Partial<Pick<LutRow, (typeof KEY)[number]>>

/** Entries in the order in which they were taken; `latest` leaves one for each key. */
export function listLut(
  project: Project,
  filter: LutFilter = {},
  options: { readonly latest?: boolean } = {},
): LutRow[] {
  const { text, values } = where(Object.fromEntries(KEY.map((name) => [name, filter[name]])))
  const newest = `id IN (SELECT max(id) FROM lut_entries ${text} GROUP BY ${KEY.join(', ')})`
  const rest = options.latest === true ? `WHERE ${newest}` : text
  return select(project.sql, lutEntries, project.path, `${rest} ORDER BY id`, ...values)
}
