// Which of two methods is better over seeds: how often, by how much, and whether chance explains it.

import type { Rng } from '../rng.ts'
import { bootstrapCountsCi } from './bootstrap.ts'
import { check, checkCount, checkLevel } from './check.ts'
import type { Direction } from './direction.ts'
import { DEFAULT_LEVEL, proportionCi, type Interval } from './interval.ts'
import { medianCi } from './quantile-ci.ts'
import { ranks } from './rank.ts'
import { finite, finitePairs } from './summary.ts'

export interface CompareOptions {
  readonly rng: Rng
  /** Which values are better; default `minimise`. */
  readonly direction?: Direction | undefined
  /** Whether `a[i]` and `b[i]` share a seed; default false. */
  readonly paired?: boolean | undefined
  /** Level of confidence in (0, 1); default 0.95. */
  readonly level?: number | undefined
  /** Bootstrap resamples, 100 to 100,000; default 2,000. */
  readonly resamples?: number | undefined
  /** Random relabellings for the p-value, 100 to 1,000,000; default 9,999. */
  readonly permutations?: number | undefined
}

export interface Comparison {
  /** Probability that a value of `a` is better than one of `b` (paired: than its partner); ties count half. */
  readonly superiority: Interval
  /** Median of a minus median of b (paired: median of the differences), in the unit of the values. */
  readonly difference: Interval
  /**
   * Two-sided probability of such ranks if the labels meant nothing: relabelling test of the rank sum (Mann & Whitney)
   * or, paired, sign test of the signed ranks (Wilcoxon).
   */
  readonly pValue: number
  readonly counts: readonly [a: number, b: number]
  /** Values (paired: pairs) left out because they were not finite. */
  readonly dropped: number
}

/**
 * Compares two samples of one metric. Throws `sample-invalid` if either has no finite value, or paired lengths differ.
 *
 * Unpaired intervals are bootstrap intervals over both samples, BCa for the superiority. Where one sample lies wholly
 * beyond the other the bootstrap sees no variation; min(n, m) disjoint pairs then all agree, so the open bound is the
 * probability under which they do with (1 - level) / 2. Paired intervals are Wilson's and the order statistics'.
 */
export function compareSamples(a: ArrayLike<number>, b: ArrayLike<number>, options: CompareOptions): Comparison {
  checkLevel(options.level ?? DEFAULT_LEVEL)
  const permutations = checkCount('permutations', options.permutations ?? 9999, 100, 1_000_000)
  return options.paired ? comparePaired(a, b, options, permutations) : compareUnpaired(a, b, options, permutations)
}

function comparePaired(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: CompareOptions,
  permutations: number,
): Comparison {
  const { x, y, dropped } = finitePairs(a, b)
  const n = x.length
  check(n > 0, 'a, b', 'a paired comparison needs at least one pair of finite values')
  const differences = x.map((value, i) => value - y[i]!)
  const balance = differences.reduce((sum, difference) => sum + Math.sign(difference), 0)
  const wins = options.direction === 'maximise' ? balance : -balance // better minus worse pairs
  const { estimate, low, high } = medianCi(differences, options)
  return {
    superiority: proportionCi((n + wins) / 2, n, options.level),
    difference: { estimate, low, high },
    pValue: signedRankPValue(differences, options.rng, permutations),
    counts: [n, n],
    dropped,
  }
}

/** Exact over all sign patterns where there are at most `permutations` of them. */
function signedRankPValue(differences: Float64Array, rng: Rng, permutations: number): number {
  const weights = ranks(differences.map(Math.abs)).map((rank, i) => Math.sign(differences[i]!) * rank)
  const sum = Math.abs(weights.reduce((total, weight) => total + weight, 0))
  const isExact = 2 ** weights.length <= permutations
  const rounds = isExact ? 2 ** weights.length : permutations
  let hits = 0
  for (let round = 0; round < rounds; round++) {
    let total = 0
    for (let i = 0; i < weights.length; i++) {
      const flip = isExact ? (round >> i) & 1 : rng.integer(2)
      total += flip === 1 ? -weights[i]! : weights[i]!
    }
    if (Math.abs(total) >= sum) hits++
  }
  return isExact ? hits / rounds : (1 + hits) / (1 + rounds)
}

function compareUnpaired(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: CompareOptions,
  permutations: number,
): Comparison {
  const left = finite(a)
  const right = finite(b)
  check(left.length > 0 && right.length > 0, 'a, b', 'a comparison needs a finite value on either side')
  const groups = [left.length, right.length]
  const pooled = Float64Array.from([...left, ...right])
  const order = Uint32Array.from(pooled.keys()).sort((i, j) => pooled[i]! - pooled[j]!)
  const { rng, resamples, level } = options

  const smaller = (counts: Int32Array): number => shareSmaller(pooled, order, left.length, counts)
  const better = options.direction === 'maximise' ? (counts: Int32Array): number => 1 - smaller(counts) : smaller
  const superiority = bootstrapCountsCi(groups, better, { rng, resamples, level })
  const separated = ((1 - (level ?? DEFAULT_LEVEL)) / 2) ** (1 / Math.min(left.length, right.length))
  const medians = (counts: Int32Array): number =>
    medianOfCounts(pooled, order, counts, 0, left.length) -
    medianOfCounts(pooled, order, counts, left.length, pooled.length)
  const difference = bootstrapCountsCi(groups, medians, { rng, resamples, level, method: 'percentile' })
  return {
    superiority: {
      estimate: superiority.estimate,
      low: superiority.estimate === 1 ? separated : superiority.low,
      high: superiority.estimate === 0 ? 1 - separated : superiority.high,
    },
    difference: { estimate: difference.estimate, low: difference.low, high: difference.high },
    pValue: rankSumPValue(pooled, left.length, rng, permutations),
    counts: [left.length, right.length],
    dropped: a.length + b.length - pooled.length,
  }
}

/** Share of pairs in which the value of the first group is the smaller one, ties half, under multiplicities. */
function shareSmaller(pooled: Float64Array, order: Uint32Array, split: number, counts: Int32Array): number {
  let seen = 0
  let first = 0
  let second = 0
  let sum = 0
  for (let start = 0; start < order.length;) {
    const value = pooled[order[start]!]!
    let tiedFirst = 0
    let tiedSecond = 0
    for (; start < order.length && pooled[order[start]!] === value; start++) {
      const item = order[start]!
      if (item < split) tiedFirst += counts[item]!
      else tiedSecond += counts[item]!
    }
    sum += tiedSecond * (seen + tiedFirst / 2)
    seen += tiedFirst
    first += tiedFirst
    second += tiedSecond
  }
  return sum / (first * second)
}

/** Median of the items in [from, to) under multiplicities, walking the pooled order. */
function medianOfCounts(
  pooled: Float64Array,
  order: Uint32Array,
  counts: Int32Array,
  from: number,
  to: number,
): number {
  let total = 0
  for (let item = from; item < to; item++) total += counts[item]!
  let below = 0
  let lower = NaN
  for (const item of order) {
    if (item < from || item >= to || counts[item] === 0) continue
    below += counts[item]!
    if (Number.isNaN(lower) && below * 2 >= total) lower = pooled[item]!
    if (below * 2 > total) return (lower + pooled[item]!) / 2
  }
  return NaN
}

function rankSumPValue(pooled: Float64Array, split: number, rng: Rng, permutations: number): number {
  const rank = ranks(pooled)
  const n = rank.length
  const centre = (split * (n + 1)) / 2
  const distance = (): number => {
    let sum = -centre
    for (let i = 0; i < split; i++) sum += rank[i]!
    return Math.abs(sum)
  }
  const observed = distance()
  let hits = 0
  for (let round = 0; round < permutations; round++) {
    // the first `split` places of a shuffle
    for (let i = 0; i < split; i++) {
      const j = i + rng.integer(n - i)
      const kept = rank[i]!
      rank[i] = rank[j]!
      rank[j] = kept
    }
    if (distance() >= observed) hits++
  }
  return (1 + hits) / (1 + permutations)
}
