// Intervals for medians and other quantiles from order statistics: how many values lie below the true quantile is
// binomial, whatever the distribution, so no resampling is needed and skewed latencies are no trouble.

import { check, checkLevel, checkRange } from './check.ts'
import { DEFAULT_LEVEL, type Interval } from './interval.ts'
import { binomialCdf } from './normal.ts'
import { quantileOfSorted, sorted } from './summary.ts'

/** An interval for a quantile. */
export interface QuantileInterval extends Interval {
  /** Level that the interval reaches: below the asked one where the sample is too small, and its ends are then bounds. */
  readonly level: number
}

/**
 * Lower confidence bound of the quantile p with error `tail`, and the error that it reaches.
 * Between the order statistics r and r + 1 the bound is interpolated as if the density were flat there: given that r
 * values lie below the quantile, the gaps to either side are close to exponential with rates r / p and
 * (n - r) / (1 - p). For the median this is the interpolation of Hettmansperger & Sheather 1986; for any quantile
 * that of Nyblom 1992.
 */
function lowerBound(ascending: Float64Array, p: number, tail: number): { bound: number; error: number } {
  const n = ascending.length
  const cdf = binomialCdf(n, p) // cdf[r - 1] = probability that order statistic r is above the quantile
  if (cdf[0]! > tail) return { bound: ascending[0]!, error: cdf[0]! }
  let r = 1
  while (r < n && cdf[r]! <= tail) r++
  const low = ascending[r - 1]!
  if (r === n) return { bound: low, error: cdf[n - 1]! }
  // share of the probability mass at r that may still be given away
  const share = (tail - cdf[r - 1]!) / (cdf[r]! - cdf[r - 1]!)
  const odds = ((1 - share) * r * (1 - p)) / (share * (n - r) * p)
  const weight = share === 0 ? 0 : 1 / (1 + odds)
  return { bound: weight === 0 ? low : (1 - weight) * low + weight * ascending[r]!, error: tail }
}

/**
 * Distribution-free interval of the quantile `p` in (0, 1) of independent values, O(n log n).
 * The estimate is `quantile` of type 7. Throws `sample-invalid` for an empty sample or one with NaN.
 */
export function quantileCi(
  samples: ArrayLike<number>,
  p: number,
  options: { readonly level?: number | undefined } = {},
): QuantileInterval {
  const tail = (1 - checkLevel(options.level ?? DEFAULT_LEVEL)) / 2
  checkRange('p', p, Number.MIN_VALUE, 1 - Number.EPSILON / 2)
  const ascending = sorted(samples)
  check(
    ascending.length > 0 && !Number.isNaN(ascending[ascending.length - 1]!),
    'samples',
    `an interval of a quantile needs values and no NaN (${ascending.length} values given)`,
  )
  const below = lowerBound(ascending, p, tail)
  const above = lowerBound(ascending.map((value) => -value).reverse(), 1 - p, tail)
  return {
    estimate: quantileOfSorted(ascending, p),
    low: below.bound,
    high: 0 - above.bound,
    level: 1 - below.error - above.error,
  }
}

/**
 * Distribution-free interval of the median of independent values, the one to print beside a median latency.
 * Fewer than six values cannot reach 95 %: the result then spans the sample and says its level.
 */
export function medianCi(
  samples: ArrayLike<number>,
  options: { readonly level?: number | undefined } = {},
): QuantileInterval {
  return quantileCi(samples, 0.5, options)
}
