// Rank correlations with intervals and p-values.

import { rng } from '../rng.ts'
import type { Rng } from '../rng.ts'
import { bootstrapCountsCi, type BootstrapOptions } from './bootstrap.ts'
import { checkCount } from './check.ts'
import { DEFAULT_LEVEL, type Interval } from './interval.ts'
import { kendall, ranks, rankStatisticOfCounts, type CountStatistic, type RankStatistic } from './rank.ts'
import { finitePairs } from './summary.ts'

export interface RankCorrelationOptions extends BootstrapOptions {
  /** Default `spearman`. */
  readonly statistic?: RankStatistic | undefined
}

/** A rank correlation of the finite pairs, with its interval. */
export interface RankCorrelation extends Interval {
  readonly statistic: RankStatistic
  /** Pairs used. */
  readonly count: number
  /** Pairs left out because a value was not finite. */
  readonly dropped: number
}

/**
 * Correlates two measurements of the same items by rank, with a bootstrap interval over items: unless a method is asked
 * for, BCa, whose bound on the side of zero reaches no further than the percentile where the correlation is strong. Near a
 * perfect order of few items BCa overcorrects: 8 items with one swap would be bounded by 0.3, by percentiles 0.8.
 * NaN where it is not defined: fewer than two finite pairs, or one list constant.
 *
 * A perfect order makes all resamples perfect and would give an interval of no width. Its open bound comes from the
 * Gaussian copula instead: the correlation under which a perfect order would have probability (1 - level) / 2.
 */
export function rankCorrelation(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: RankCorrelationOptions,
): RankCorrelation {
  const statistic = options.statistic ?? 'spearman'
  const pairs = finitePairs(x, y)
  const count = pairs.x.length
  const rest = { statistic, count, dropped: pairs.dropped }
  if (count === 0) return { estimate: NaN, low: NaN, high: NaN, ...rest }
  const statisticOf = rankStatisticOfCounts(statistic, pairs.x, pairs.y)
  const { estimate, low, high } =
    options.method === undefined
      ? guardedInterval(count, statisticOf, options)
      : bootstrapCountsCi([count], statisticOf, options)
  if (Math.abs(estimate) < 1 - 1e-12 || Number.isNaN(estimate)) return { estimate, low, high, ...rest }
  const bound = boundOfPerfectOrder(count, statistic, options)
  return estimate > 0 ? { estimate: 1, low: bound, high: 1, ...rest } : { estimate: -1, low: -1, high: -bound, ...rest }
}

/** Correlations from here on, of either sign, are strong. */
const STRONG = 0.8

/** BCa; for a strong correlation cut at the percentile on the side of zero, both from the same resamples. */
function guardedInterval(count: number, statistic: CountStatistic, options: BootstrapOptions): Interval {
  const seed = options.rng.integer(2 ** 31)
  const by = (method: 'bca' | 'percentile'): Interval =>
    bootstrapCountsCi([count], statistic, { ...options, method, rng: rng(seed) })
  const { estimate, low, high } = by('bca')
  if (Number.isNaN(low) || Math.abs(estimate) < STRONG) return { estimate, low, high }
  const percentile = by('percentile')
  return estimate >= 0
    ? { estimate, low: Math.max(low, percentile.low), high }
    : { estimate, low, high: Math.min(high, percentile.high) }
}

/**
 * Rank correlation of the Gaussian copula under which n items come out in perfect order with the tail probability.
 * With y = rho x + sqrt(1 - rho^2) e, neighbours in x are in order if rho / sqrt(1 - rho^2) exceeds -(de / dx); so the
 * quantile of the largest such ratio over simulated samples is the bound, without any search.
 */
function boundOfPerfectOrder(n: number, statistic: RankStatistic, options: BootstrapOptions): number {
  const random = options.rng
  const simulations = options.resamples ?? 2000
  const tail = (1 - (options.level ?? DEFAULT_LEVEL)) / 2
  const needed = new Float64Array(simulations)
  for (let s = 0; s < simulations; s++) {
    const x = Float64Array.from({ length: n }, () => random.normal()).sort()
    let largest = -Infinity
    let previous = random.normal()
    for (let i = 1; i < n; i++) {
      const next = random.normal()
      largest = Math.max(largest, (previous - next) / (x[i]! - x[i - 1]!))
      previous = next
    }
    needed[s] = largest
  }
  const slope = needed.sort()[Math.floor(tail * (simulations + 1))]!
  const rho = slope / Math.hypot(1, slope)
  // Spearman and Kendall of a bivariate normal with correlation rho (Kruskal 1958)
  return statistic === 'spearman' ? (6 / Math.PI) * Math.asin(rho / 2) : (2 / Math.PI) * Math.asin(rho)
}

export interface PermutationOptions {
  readonly rng: Rng
  /** Default `spearman`. */
  readonly statistic?: RankStatistic | undefined
  /** Random orders to try, 100 to 1,000,000; default 9,999. Up to this many orders are enumerated instead of drawn. */
  readonly permutations?: number | undefined
  /** `two-sided` (default): as far from zero in either direction; `greater`: as large. */
  readonly alternative?: 'two-sided' | 'greater' | undefined
}

/**
 * Probability of a rank correlation at least as extreme when x and y are unrelated: all orders of y are equally likely.
 * Exact where n! is at most `permutations`; otherwise (1 + hits) / (1 + permutations), which never understates it
 * on average (Phipson & Smyth 2010). Pairs that are not finite are left out. NaN where the correlation is not defined.
 */
export function permutationPValue(x: ArrayLike<number>, y: ArrayLike<number>, options: PermutationOptions): number {
  const permutations = checkCount('permutations', options.permutations ?? 9999, 100, 1_000_000)
  const pairs = finitePairs(x, y)
  const rankX = ranks(pairs.x)
  const rankY = ranks(pairs.y)
  const n = rankX.length
  const centre = (n + 1) / 2
  // ties stay the same under reordering, so the numerators order permutations as the correlations do
  const statistic =
    (options.statistic ?? 'spearman') === 'kendall'
      ? (): number => kendall(rankX, rankY)
      : (): number => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += (rankX[i]! - centre) * (rankY[i]! - centre)
          return sum
        }
  if (Number.isNaN(kendall(rankX, rankY))) return NaN
  const sided = (value: number): number => (options.alternative === 'greater' ? value : Math.abs(value))
  const observed = sided(statistic()) - 1e-9
  const swap = (i: number, j: number): void => {
    const kept = rankY[i]!
    rankY[i] = rankY[j]!
    rankY[j] = kept
  }

  let orders = 1
  for (let i = 2; i <= n && orders <= permutations; i++) orders *= i
  let hits = 0
  if (orders <= permutations) {
    forEachOrder(n, swap, () => {
      if (sided(statistic()) >= observed) hits++
    })
    return hits / orders
  }
  for (let p = 0; p < permutations; p++) {
    for (let i = n - 1; i > 0; i--) swap(i, options.rng.integer(i + 1))
    if (sided(statistic()) >= observed) hits++
  }
  return (1 + hits) / (1 + permutations)
}

/** Visits all n! orders, each one swap from the one before (Heap 1963). */
function forEachOrder(n: number, swap: (i: number, j: number) => void, visit: () => void): void {
  const turns = new Int32Array(n)
  visit()
  for (let i = 1; i < n;) {
    if (turns[i]! < i) {
      swap(i % 2 === 0 ? 0 : turns[i]!, i)
      visit()
      turns[i]!++
      i = 1
    } else turns[i++] = 0
  }
}
