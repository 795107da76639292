// A stored study under another budget, with other objectives, or with the latencies of another device. Nothing runs.

import { measuredOf, predictionOf } from '#core/metrics.ts'
import { metricsOf, parseGoal, renameMetrics, specOf, whatIf } from '#core/search/index.ts'
import type { Goal, Trial, WhatIfResult } from '#core/search/index.ts'
import type { Study } from '#main/api/search.ts'
import { parseEvaluation } from './evaluation.ts'
import { conditionsOf, predictedMetrics, tablePredictor } from './table.ts'
import type { FrozenTable, LatencyMetric } from './table.ts'

export interface WhatIfRequest {
  /** JSON as `parseGoal` reads it: absent objectives are those of the study; bounds of a metric replace the study's. */
  readonly goal?: { readonly objectives?: readonly unknown[]; readonly constraints?: readonly unknown[] }
  /** Predicts the latencies in the place of what the study knows; see `tableOfProject`. */
  readonly table?: FrozenTable
}

export interface WhatIfAnswer extends WhatIfResult {
  /** Over predicted latencies where a table gives them, or the study has no others. */
  readonly goal: Goal
}

/** The goal as the trials can answer it: over predicted latencies where those are what they have. */
export function goalOf(study: Study, json: WhatIfRequest['goal'] = {}, isPredicted = false): Goal {
  const given = parseGoal({
    objectives: json.objectives ?? study.goal.objectives,
    constraints: json.constraints ?? [],
  })
  const isBound = new Set(given.constraints.map(({ metric }) => measuredOf(metric)))
  const kept = study.goal.constraints.filter(({ metric }) => !isBound.has(measuredOf(metric)))
  const { latency } = parseEvaluation(study.config.evaluation)
  const rename =
    isPredicted || latency === 'predicted'
      ? (metric: string): string => predictionOf(metric)?.kind ?? metric
      : (metric: string): string => metric
  return renameMetrics({ ...given, constraints: [...given.constraints, ...kept] }, rename)
}

/**
 * Ranks the trials of a study anew. A trial that the table cannot predict has a problem and no place.
 * @throws HeddleError `param-invalid` for a bad goal
 */
export function whatIfStudy(
  study: Study,
  trials: readonly Trial[],
  { goal: json, table }: WhatIfRequest,
): WhatIfAnswer {
  const goal = goalOf(study, json, table !== undefined)
  const predict = table === undefined ? undefined : tablePredictor(table)
  const result = whatIf(trials, {
    goal,
    ...(predict !== undefined && {
      predict: ({ genome }: Trial) => predictedMetrics(predict, specOf(genome, study.plan.space)),
    }),
  })
  return { ...result, goal }
}

/** Under which conditions a table must hold to answer for a study: those of the latencies that a goal looks at. */
export function whatIfConditions(study: Study, goal: Goal): FrozenTable['conditions'] {
  const all = conditionsOf(parseEvaluation(study.config.evaluation))
  const named = [...metricsOf(goal)].map(measuredOf)
  const wanted = (Object.keys(all) as LatencyMetric[]).filter((metric) => named.includes(metric))
  return Object.fromEntries((wanted.length > 0 ? wanted : (['tpotMs'] as const)).map((metric) => [metric, all[metric]]))
}
