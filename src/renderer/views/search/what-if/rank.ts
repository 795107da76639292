// A finished search seen under another bound, or with the latencies of another device. Pure; nothing runs.

import { HeddleError } from '#core/errors.ts'
import { measuredOf, predictionOf } from '#core/metrics.ts'
import { costsOf, renameMetrics, whatIf } from '#core/search/index.ts'
import type { Goal, Metrics, Trial, WhatIfResult } from '#core/search/index.ts'
import type { Predictions } from '../../../state/predictions.ts'

/** A bound in the place of the search's own on that metric, under its measured name. */
export interface OtherBound {
  readonly metric: string
  readonly value: number
}

/** The goal with another bound; over predicted latencies where a table predicts them. */
export function otherGoal(goal: Goal, { metric, value }: OtherBound, predicted: ReadonlySet<string>): Goal {
  const rename = (name: string): string =>
    predicted.has(measuredOf(name)) ? (predictionOf(measuredOf(name))?.kind ?? name) : name
  const isLow = goal.objectives.find((o) => measuredOf(o.metric) === metric)?.direction !== 'maximise'
  const kept = goal.constraints.filter((c) => measuredOf(c.metric) !== metric)
  // a search over predictions keeps their name
  const own =
    [...goal.objectives, ...goal.constraints].find((one) => measuredOf(one.metric) === metric)?.metric ?? metric
  return renameMetrics(
    {
      objectives: goal.objectives,
      constraints: [...kept, { metric: own, ...(isLow ? { max: value } : { min: value }) }],
    },
    rename,
  )
}

/** Predictions as metrics of a trial. Throws HeddleError `usage` naming what a table lacks. */
export function asMetrics(predictions: Predictions): Metrics {
  return Object.fromEntries(
    Object.entries(predictions).map(([metric, { ms, missing }]) => {
      if (missing.length > 0) throw new HeddleError('usage', `the table lacks ${missing.join(', ')}`)
      return [predictionOf(metric)!.kind, ms]
    }),
  )
}

/** A trial with its places by the first objective among those that keep the bounds, 1 the best; none for the others. */
export interface Ranked {
  readonly trial: Trial
  readonly metrics: Metrics
  readonly predicted: readonly string[]
  readonly before: number | undefined
  readonly now: number | undefined
  readonly isOnFront: boolean
  readonly problem: string | undefined
}

/** Every trial with a result, the best now first; then those out of bounds by what they miss. */
export function rank(trials: readonly Trial[], before: Goal, now: Goal, other: WhatIfResult): Ranked[] {
  const places = (result: WhatIfResult, goal: Goal): ReadonlyMap<number, number> => {
    const within = result.trials.flatMap(({ number, metrics, violation }) => {
      const costs = violation === 0 ? costsOf(goal, { state: 'done', metrics }) : undefined
      return costs === undefined ? [] : [{ number, costs }]
    })
    within.sort((a, b) => compare(a.costs, b.costs) || a.number - b.number)
    return new Map(within.map(({ number }, i) => [number, i + 1]))
  }
  const was = places(whatIf(trials, { goal: before }), before),
    is = places(other, now)
  const byNumber = new Map(trials.map((trial) => [trial.number, trial]))
  return other.trials
    .map((one) => ({ one, place: is.get(one.number) }))
    .sort(
      (a, b) =>
        order(a.place ?? Infinity, b.place ?? Infinity) ||
        order(a.one.violation, b.one.violation) ||
        a.one.number - b.one.number,
    )
    .map(({ one, place }) => ({
      trial: byNumber.get(one.number)!,
      metrics: one.metrics,
      predicted: one.predicted,
      before: was.get(one.number),
      now: place,
      isOnFront: one.isOnFront,
      problem: one.problem?.message,
    }))
}

function compare(a: readonly number[], b: readonly number[]): number {
  const axis = a.findIndex((cost, i) => cost !== b[i])
  return axis < 0 ? 0 : a[axis]! - b[axis]!
}

/** Both may be infinite: their difference would be NaN. */
const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)
