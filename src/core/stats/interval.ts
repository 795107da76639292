// Intervals of confidence: the shape that every estimate of this folder has.

import { normalQuantile } from './normal.ts'
import { check, checkLevel } from './check.ts'

/** An estimate with its interval of confidence, all in the unit of the estimate. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** Level of confidence where a caller gives none. */
export const DEFAULT_LEVEL = 0.95

/**
 * The value at position (n + 1) p of values in ascending order, clamped to the ends: type 6 of Hyndman & Fan (1996),
 * which leaves a share p of further draws below it on average and is the usual one for resampled statistics.
 */
export function resampledQuantile(ascending: ArrayLike<number>, p: number): number {
  const position = Math.min(Math.max((ascending.length + 1) * p - 1, 0), ascending.length - 1)
  const below = Math.floor(position)
  const share = position - below
  return share === 0 ? ascending[below]! : (1 - share) * ascending[below]! + share * ascending[below + 1]!
}

/** Percentile interval of an estimate from its values over resamples, in any order; NaN bounds where there are none. */
export function percentileInterval(estimate: number, resampled: ArrayLike<number>, level: number): Interval {
  if (resampled.length === 0) return { estimate, low: NaN, high: NaN }
  const ascending = Float64Array.from(resampled).sort()
  return {
    estimate,
    low: resampledQuantile(ascending, (1 - level) / 2),
    high: resampledQuantile(ascending, (1 + level) / 2),
  }
}

/** Whether `value` lies in the interval, bounds included. */
export function contains(interval: Interval, value: number): boolean {
  return interval.low <= value && value <= interval.high
}

/**
 * Whether two intervals share a value. Disjoint 95 % intervals mean a difference at far more than 95 %; overlapping
 * ones say little: compare the samples themselves with `compareSamples`.
 */
export function overlap(a: Interval, b: Interval): boolean {
  return a.low <= b.high && b.low <= a.high
}

/**
 * Wilson's score interval for a proportion of `successes` among `trials` (Wilson 1927).
 * It keeps its coverage at few trials and near 0 and 1, where the bootstrap collapses to a point. Ties may count half.
 */
export function proportionCi(successes: number, trials: number, level: number = DEFAULT_LEVEL): Interval {
  check(
    trials > 0 && successes >= 0 && successes <= trials,
    'successes, trials',
    `a proportion needs 0 <= successes (${successes}) <= trials (${trials}) and at least one trial`,
  )
  const z2 = normalQuantile((1 + checkLevel(level)) / 2) ** 2
  const estimate = successes / trials
  const centre = (estimate + z2 / (2 * trials)) / (1 + z2 / trials)
  const half = Math.sqrt((estimate * (1 - estimate) + z2 / (4 * trials)) * (z2 / trials)) / (1 + z2 / trials)
  return {
    estimate,
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  }
}
