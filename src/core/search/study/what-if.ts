// A finished study seen with other eyes: another budget, other objectives, another device's latencies. Nothing runs.

import { errorRecord } from '../../errors.ts'
import type { ErrorRecord } from '../../errors.ts'
import { paretoFront } from '../../stats/pareto.ts'
import { costsOf, violation } from './objectives.ts'
import type { Goal } from './objectives.ts'
import type { Metrics, Trial } from './trial.ts'

export interface WhatIf {
  readonly goal: Goal
  /** Metrics of a trial in the other circumstances, as latencies from another table; they replace the stored ones. */
  readonly predict?: (trial: Trial) => Metrics
}

/** A finished trial in the other circumstances. */
export interface Reranked {
  readonly number: number
  /** Stored metrics with the predicted ones in their place. */
  readonly metrics: Metrics
  /** Names of the metrics that are predicted, not measured with this trial. */
  readonly predicted: readonly string[]
  /** By how much it breaks the constraints: 0 for none, infinite for a metric that is missing. */
  readonly violation: number
  readonly isOnFront: boolean
  /** Why there is no prediction. Such a trial has no place among the others. */
  readonly problem?: ErrorRecord
}

export interface WhatIfResult {
  /** Every trial that ended with metrics, by number. */
  readonly trials: readonly Reranked[]
  /** Numbers of the trials that meet the constraints and that none of those dominates, by the first objective. */
  readonly front: readonly number[]
  /** The best by the first objective among those that meet the constraints, later objectives break ties; absent if none does. */
  readonly best: number | undefined
}

/** Ranks the trials of a study by another goal, with other metrics where `predict` gives them. */
export function whatIf(rows: readonly Trial[], { goal, predict }: WhatIf): WhatIfResult {
  const seen = rows
    .filter(({ state }) => state === 'done')
    .sort((a, b) => a.number - b.number)
    .map((trial) => {
      const { problem, ...prediction } = predictionOf(trial, predict)
      const metrics = { ...trial.metrics, ...prediction.metrics }
      const excess = problem === undefined ? violation(goal.constraints, metrics) : Infinity
      return {
        trial,
        metrics,
        problem,
        predicted: Object.keys(prediction.metrics),
        excess,
        costs: costsOf(goal, { state: trial.state, metrics }),
      }
    })
  const candidates = seen.flatMap(({ trial, excess, costs }) =>
    excess === 0 && costs !== undefined ? [{ trial, costs }] : [],
  )
  const front = paretoFront(candidates.map(({ costs }) => costs)).map((i) => candidates[i]!)
  front.sort((a, b) => compareCosts(a.costs, b.costs))
  const onFront = new Set(front.map(({ trial }) => trial.number))
  return {
    trials: seen.map(({ trial, metrics, predicted, excess, problem }) => ({
      number: trial.number,
      metrics,
      predicted,
      violation: excess,
      isOnFront: onFront.has(trial.number),
      ...(problem !== undefined && { problem }),
    })),
    front: front.map(({ trial }) => trial.number),
    best: front[0]?.trial.number,
  }
}

interface Prediction {
  readonly metrics: Metrics
  readonly problem?: ErrorRecord
}

function predictionOf(trial: Trial, predict: WhatIf['predict']): Prediction {
  if (predict === undefined) return { metrics: {} }
  try {
    return { metrics: predict(trial) }
  } catch (error) {
    return { metrics: {}, problem: errorRecord(error) }
  }
}

/** In the order of the objectives; equals by nothing, which keeps their numbers' order. */
function compareCosts(a: readonly number[], b: readonly number[]): number {
  const axis = a.findIndex((cost, i) => cost !== b[i])
  return axis < 0 ? 0 : a[axis]! - b[axis]!
}
