// Whole stacks that were measured, beside what the look-up table of the same place and conditions says of them.

import { HeddleError } from '#core/errors.ts'
import { indexTable, latencyNeeds, operatorName, predictLatency } from '#core/model/latency-table.ts'
import type { LatencyConditions } from '#core/model/latency-table.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import { additivity } from '#core/stats/latency/additivity.ts'
import type { Additivity } from '#core/stats/latency/additivity.ts'
import type { Project } from '#main/store/db.ts'
import { listLut } from '#main/store/lut.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import type { MeasurementKey } from '#main/store/measurements.ts'
import { getSpec } from '#main/store/specs.ts'
import { entryOfRow } from './lut.ts'

interface Latency {
  readonly ms: number
  readonly low: number
  readonly high: number
}

export interface PredictedStack {
  /** Hash in the project. */
  readonly spec: string
  /** Number of the measurement. */
  readonly measurement: number
  readonly blocks: readonly string[]
  readonly predicted: Latency
  readonly measured: Latency
}

/** Stacks of one place and one set of conditions. */
export interface PredictedGroup extends Omit<MeasurementKey, 'graphHash'> {
  readonly stacks: readonly PredictedStack[]
  /** Null for fewer than two stacks. */
  readonly additivity: Additivity | null
}

/** A stored stack; undefined for one that cannot be read, as a project from elsewhere may hold. */
function readStored(json: unknown): ResolvedSpec | undefined {
  try {
    return resolveSpec(parseSpec(json))
  } catch (error) {
    if (error instanceof HeddleError) return undefined
    throw error
  }
}

/** Where and under which conditions a latency holds. */
const placeOf = (row: Omit<MeasurementKey, 'graphHash'>): string =>
  JSON.stringify([row.environment, row.target, row.dtype, row.phase, row.batch, row.context, row.protocolVersion])

/** The latest measurement of every stack that the table can predict. */
export function predictedStacks(project: Project): PredictedGroup[] {
  const measured = Map.groupBy(listMeasurements(project), placeOf)
  return [...Map.groupBy(listLut(project, {}, { latest: true }), placeOf)].flatMap(([key, group]) => {
    const { environment, target, dtype, phase, batch, context, protocolVersion } = group[0]!
    if (phase === 'train') return []
    const conditions: LatencyConditions = { phase, batch, context }
    const table = group.map(entryOfRow)
    const find = indexTable(table, conditions)
    const latest = new Map((measured.get(key) ?? []).map((row) => [row.spec, row]))
    const stacks = [...latest.values()].flatMap((row): PredictedStack[] => {
      const stored = getSpec(project, row.spec)
      if (stored === undefined) return []
      const resolved = readStored(stored.json)
      if (resolved === undefined || latencyNeeds(resolved).some((need) => find(need) === undefined)) return []
      const { ms, low, high } = predictLatency(resolved, table, conditions)
      return [
        {
          spec: row.spec,
          measurement: row.id,
          blocks: resolved.blocks.map(operatorName),
          predicted: { ms, low, high },
          measured: { ms: row.p50Ms, low: row.lowMs, high: row.highMs },
        },
      ]
    })
    if (stacks.length === 0) return []
    const cases = stacks.map((s) => ({ predicted: s.predicted.ms, measured: s.measured.ms, blocks: s.blocks }))
    return [
      {
        environment,
        target,
        dtype,
        phase,
        batch,
        context,
        protocolVersion,
        stacks,
        additivity: cases.length < 2 ? null : additivity(cases),
      },
    ]
  })
}
