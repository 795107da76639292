// From which training step on the order of the candidates no longer changes: how short a proxy run may be.

import { check, checkRange, checkSameLength } from './check.ts'
import { rankCorrelation, type RankCorrelation, type RankCorrelationOptions } from './rank-ci.ts'

/** A metric of one item at one training step. */
export interface CurvePoint {
  readonly step: number
  readonly value: number
}

export interface SettleOptions extends RankCorrelationOptions {
  /** Correlation to stay at or above, in [-1, 1]; default 0.9. */
  readonly threshold?: number | undefined
}

/** Correlation of the metric at a step with the final metric. */
export interface Checkpoint extends RankCorrelation {
  readonly step: number
}

export interface Settling {
  /** First step from which the correlation stays at or above the threshold to the last step; absent if it never does. */
  readonly step: number | undefined
  /** The same for the lower end of the interval: the step at which that is shown rather than estimated. */
  readonly shownStep: number | undefined
  /** All steps at which any item has a value, ascending. */
  readonly checkpoints: readonly Checkpoint[]
}

/**
 * Finds the step from which a ranking of items by their curves agrees with the ranking by their final metric.
 * `curves[i]` belongs to `final[i]`; curves may have different steps. An item without a finite value at a step is
 * dropped there, and the checkpoint counts it. A checkpoint without a defined correlation does not count as settled.
 */
export function settleStep(
  curves: readonly (readonly CurvePoint[])[],
  final: ArrayLike<number>,
  options: SettleOptions,
): Settling {
  return finish(settleSteps(curves, final, options))
}

/** The same work with a pause after each checkpoint. */
export function* settleSteps(
  curves: readonly (readonly CurvePoint[])[],
  final: ArrayLike<number>,
  options: SettleOptions,
): Generator<void, Settling> {
  checkSameLength('curves, final', curves, final)
  const threshold = checkRange('threshold', options.threshold ?? 0.9, -1, 1)
  curves.forEach((curve, i) =>
    curve.forEach(({ step }) => check(Number.isFinite(step), `curves[${i}]`, `step (${step}) must be a finite number`)),
  )
  const valueAt = curves.map((curve) => new Map(curve.map((point) => [point.step, point.value])))
  const steps = [...new Set(curves.flatMap((curve) => curve.map((point) => point.step)))].sort((a, b) => a - b)
  const checkpoints: Checkpoint[] = []
  for (const step of steps) {
    const values = valueAt.map((values) => values.get(step) ?? NaN)
    checkpoints.push({ step, ...rankCorrelation(values, final, options) })
    yield
  }
  const settledBy = (bound: (checkpoint: Checkpoint) => number): number | undefined => {
    const last = checkpoints.findLastIndex((checkpoint) => !(bound(checkpoint) >= threshold))
    return checkpoints[last + 1]?.step
  }
  return { step: settledBy((c) => c.estimate), shownStep: settledBy((c) => c.low), checkpoints }
}

/** Runs work that pauses between its steps to its end, without pausing. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}
