// What one more copy of something costs: a line through medians of runs with different numbers of copies, and intervals
// by the bootstrap over rounds.

import type { Rng } from '../../rng.ts'
import { check, checkCount, checkLevel } from '../check.ts'
import { DEFAULT_LEVEL, percentileInterval, type Interval } from '../interval.ts'
import { median } from '../summary.ts'

export interface RoundsOptions {
  readonly rng: Rng
  /** Resamples, 20 to 10,000; default 400. */
  readonly resamples?: number | undefined
  /** Level of confidence in (0, 1); default 0.95. */
  readonly level?: number | undefined
}

export interface CopiesSlope {
  /** Cost of one more copy, in the unit of the samples. */
  readonly slope: Interval
  /** Where the line meets no copies at all. */
  readonly intercept: Interval
  /** Median minus line, for each number of copies. */
  readonly residuals: readonly number[]
}

/**
 * The slope over numbers of copies. `samples[j][i]` is the sample of round i with `copies[j]` copies. The line is the
 * weighted median of the slopes between all pairs of medians (Theil and Sen, with the distance as weight), so that one
 * disturbed median does not bend it.
 * Throws `sample-invalid` for fewer than two different numbers of copies, or rounds of different lengths.
 */
export function copiesSlope(
  copies: readonly number[],
  samples: readonly ArrayLike<number>[],
  options: RoundsOptions,
): CopiesSlope {
  check(
    new Set(copies).size >= 2 && copies.length === samples.length,
    'copies',
    `a slope needs at least two different numbers of copies with samples, got ${copies.join(', ')} and ${samples.length} lists`,
  )
  const [slope, intercept] = roundsInterval(
    samples,
    (medians) => {
      const line = theilSen(copies, medians)
      return [line.slope, line.intercept]
    },
    options,
  )
  return {
    slope: slope!,
    intercept: intercept!,
    residuals: samples.map((list, j) => median(list) - intercept!.estimate - slope!.estimate * copies[j]!),
  }
}

/** Median of `a` minus median of `b`, from samples of the same rounds. */
export function medianDifference(a: ArrayLike<number>, b: ArrayLike<number>, options: RoundsOptions): Interval {
  return roundsInterval([a, b], ([first, second]) => [first! - second!], options)[0]!
}

/**
 * Intervals of numbers that follow from the medians of several lists. Whole rounds are resampled, in runs of neighbours,
 * so that what all lists share and what lasts for some rounds stays in the resamples.
 * Throws `sample-invalid` for lists that are empty or of different lengths.
 */
export function roundsInterval(
  samples: readonly ArrayLike<number>[],
  statistics: (medians: readonly number[]) => readonly number[],
  options: RoundsOptions,
): Interval[] {
  const resamples = checkCount('resamples', options.resamples ?? 400, 20, 10_000)
  const level = checkLevel(options.level ?? DEFAULT_LEVEL)
  const rounds = samples[0]?.length ?? 0
  check(
    rounds > 0 && samples.every((list) => list.length === rounds),
    'samples',
    `every list must have one sample for each round, got ${samples.map((list) => list.length).join(', ')}`,
  )
  const estimates = statistics(samples.map(median))
  const drawn = Array.from({ length: resamples }, () => {
    const order = drawRounds(rounds, options.rng)
    return statistics(samples.map((list) => median(Float64Array.from(order, (round) => list[round]!))))
  })
  return estimates.map((estimate, i) =>
    percentileInterval(
      estimate,
      drawn.map((values) => values[i]!),
      level,
    ),
  )
}

/** Rounds of a resample: runs of neighbours that start anywhere and go round, of a length that grows with the count. */
function drawRounds(rounds: number, rng: Rng): Uint32Array {
  const length = Math.max(1, Math.round(Math.cbrt(rounds)))
  const order = new Uint32Array(rounds)
  for (let at = 0; at < rounds; at += length) {
    const start = rng.integer(rounds)
    for (let i = 0; i < length && at + i < rounds; i++) order[at + i] = (start + i) % rounds
  }
  return order
}

function theilSen(x: readonly number[], y: readonly number[]): { readonly slope: number; readonly intercept: number } {
  const pairs = x.flatMap((xi, i) =>
    x.slice(i + 1).flatMap((xj, k) => {
      const distance = Math.abs(xj - xi)
      return distance === 0 ? [] : [{ slope: (y[i + 1 + k]! - y[i]!) / (xj - xi), weight: distance }]
    }),
  )
  const slope = weightedMedian(pairs)
  return { slope, intercept: median(y.map((value, i) => value - slope * x[i]!)) }
}

/** The middle of weighted slopes; the mean of two where the weights below and above are equal. */
function weightedMedian(pairs: readonly { readonly slope: number; readonly weight: number }[]): number {
  const ascending = [...pairs].sort((a, b) => a.slope - b.slope)
  const half = ascending.reduce((sum, { weight }) => sum + weight, 0) / 2
  let below = 0
  for (const [i, { slope, weight }] of ascending.entries()) {
    below += weight
    if (below > half) return slope
    if (below === half) return (slope + ascending[i + 1]!.slope) / 2
  }
  return NaN
}
