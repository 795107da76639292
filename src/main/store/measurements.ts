// Latency measurements with their raw samples. Append-only: measuring again adds a row.

import type { Project } from './db.ts'
import { floats, hash, integer, real, record, text, texts, word } from './file/columns.ts'
import { insert, select, table, where } from './file/table.ts'
import type { InsertOf, RowOf } from './file/table.ts'

export const PHASES = ['train', 'prefill', 'decode'] as const

export const measurements = table(
  'measurements',
  'Latencies of whole models with raw samples, in milliseconds. Append-only.',
  {
    id: integer(),
    spec: hash,
    environment: hash,
    target: text(),
    phase: word(PHASES),
    dtype: text(),
    batch: integer(1),
    context: integer(),
    graphHash: hash,
    protocolVersion: integer(1),
    p50Ms: real,
    /** The ends of the bootstrap interval of the median. */
    lowMs: real,
    highMs: real,
    iqrMs: real,
    p95Ms: real,
    /** For each block `fused` or `decomposed`, with the execution provider. */
    status: texts,
    /** What else is known: floor, warm-up, repeats, load, clock. */
    details: record,
    samples: floats,
    createdAt: integer(),
  },
)

export type MeasurementRow = RowOf<typeof measurements.columns>

/** Adds a measurement and returns its number. Throws `usage` on a bad field or an unknown spec or environment. */
export function addMeasurement(
  project: Project,
  measurement: Omit<InsertOf<typeof measurements.columns>, 'createdAt'>,
): number {
  return insert(project.sql, measurements, { ...measurement, createdAt: Date.now() })
}

/** What identifies a measurement: two with the same key timed the same thing. */
export type MeasurementKey = Pick<
  MeasurementRow,
  'graphHash' | 'target' | 'protocolVersion' | 'environment' | 'phase' | 'dtype' | 'batch' | 'context'
>

/** The latest measurement with exactly this key, or undefined: an identical graph need not be timed twice. */
export function findMeasurement(project: Project, key: MeasurementKey): MeasurementRow | undefined {
  return listMeasurements(project, key).at(-1)
}

export type MeasurementFilter = Partial<MeasurementKey & Pick<MeasurementRow, 'id' | 'spec'>>

/** Measurements in the order in which they were taken. */
export function listMeasurements(project: Project, filter: MeasurementFilter = {}): MeasurementRow[] {
  const { id, spec, graphHash, target, protocolVersion, environment, phase, dtype, batch, context } = filter
  const { text, values } = where({
    id,
    spec,
    graphHash,
    target,
    protocolVersion,
    environment,
    phase,
    dtype,
    batch,
    context,
  })
  return select(project.sql, measurements, project.path, `${text} ORDER BY id`, ...values)
}
