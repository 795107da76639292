// Latencies that a study's own look-up table predicts, computed here: no call is made.

import { latencyPredictor } from '#core/model/latency-table.ts'
import type { LatencyPrediction } from '#core/model/latency-table.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import type { FrozenTable, LatencyMetric } from '#main/api/search/table.ts'

/** What a table predicts of a stack, by the name of the measured metric. */
export type Predictions = Readonly<Partial<Record<LatencyMetric, LatencyPrediction>>>

/** Predicts stacks from a table: each latency that it holds. */
export function predictorOf({ conditions, entries }: FrozenTable): (spec: ArchSpec) => Predictions {
  const predictors = Object.entries(conditions).map(([metric, at]) => [metric, latencyPredictor(entries, at)] as const)
  return (spec) => {
    const resolved = resolveSpec(spec)
    return Object.fromEntries(predictors.map(([metric, predict]) => [metric, predict(resolved)]))
  }
}
