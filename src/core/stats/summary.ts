// Descriptive statistics. An empty list gives NaN, and a NaN among the values gives NaN, never a silently wrong
// number; `finite` and `finitePairs` are the explicit ways to leave failed measurements out.

import { checkSameLength } from './check.ts'

/** The finite values of a list, in order. */
export function finite(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).filter((value) => Number.isFinite(value))
}

/** Pairs of two lists of equal length in which both values are finite. */
export interface FinitePairs {
  readonly x: Float64Array
  readonly y: Float64Array
  /** Pairs left out because one of their values was NaN or infinite. */
  readonly dropped: number
}

/** Leaves out the pairs in which a value is not finite, as a trial that failed or diverged, and counts them. */
export function finitePairs(x: ArrayLike<number>, y: ArrayLike<number>): FinitePairs {
  checkSameLength('x, y', x, y)
  const kept: number[] = []
  for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i]!) && Number.isFinite(y[i]!)) kept.push(i)
  return {
    x: Float64Array.from(kept, (i) => x[i]!),
    y: Float64Array.from(kept, (i) => y[i]!),
    dropped: x.length - kept.length,
  }
}

/** A sorted copy. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort()
}

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  // Neumaier's compensated sum: latencies in a long list keep their digits
  let sum = 0
  let lost = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    const next = sum + value
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return (Number.isFinite(sum) ? sum + lost : sum) / values.length
}

/** Variance with n - 1 in the denominator; NaN for fewer than two values. */
export function variance(values: ArrayLike<number>): number {
  const centre = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2
  return values.length < 2 ? NaN : sum / (values.length - 1)
}

/** Standard deviation with n - 1 in the denominator; NaN for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values))
}

/** `quantile` of a list that is sorted already. */
export function quantileOfSorted(ascending: ArrayLike<number>, p: number): number {
  const n = ascending.length
  // typed arrays sort NaN to the end
  if (n === 0 || !(p >= 0 && p <= 1) || Number.isNaN(ascending[n - 1]!)) return NaN
  const position = (n - 1) * p
  const below = Math.floor(position)
  const share = position - below
  const low = ascending[below]!
  return share === 0 ? low : (1 - share) * low + share * ascending[below + 1]!
}

/**
 * The value below which a share `p` in [0, 1] of the values lies.
 * Linear interpolation between order statistics at position (n - 1) p, type 7 of Hyndman & Fan (1996): the default
 * of NumPy and R. NaN for p outside [0, 1].
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileOfSorted(sorted(values), p)
}

/** Median: the middle value, or the mean of the two middle values. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5)
}

/** Interquartile range: `quantile` 0.75 minus `quantile` 0.25. */
export function iqr(values: ArrayLike<number>): number {
  const ascending = sorted(values)
  return quantileOfSorted(ascending, 0.75) - quantileOfSorted(ascending, 0.25)
}

/** Median absolute deviation from the median, times 1.4826 so that it estimates sigma for normal values. */
export function medianAbsoluteDeviation(values: ArrayLike<number>): number {
  const centre = median(values)
  return 1.4826022185056018 * median(Float64Array.from(values, (value) => Math.abs(value - centre)))
}

/** What a table prints of a sample; every field has the unit of the values, except the counts. */
export interface Summary {
  /** Finite values, which all other fields describe. */
  readonly count: number
  /** Values that were not finite and were left out. */
  readonly dropped: number
  readonly mean: number
  readonly standardDeviation: number
  readonly min: number
  readonly p5: number
  readonly p25: number
  readonly p50: number
  readonly p75: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  readonly iqr: number
}

/** Describes the finite values of a sample; fields are NaN when there are none. */
export function summarise(values: ArrayLike<number>): Summary {
  const ascending = finite(values).sort()
  const at = (p: number): number => quantileOfSorted(ascending, p)
  return {
    count: ascending.length,
    dropped: values.length - ascending.length,
    mean: mean(ascending),
    standardDeviation: standardDeviation(ascending),
    min: at(0),
    p5: at(0.05),
    p25: at(0.25),
    p50: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
    iqr: at(0.75) - at(0.25),
  }
}
