// How good a cheap proxy (a short run, a small batch) is at finding the best items of an expensive final metric.
// Where proxies tie, the results are expectations over breaking the ties at random, so they do not depend on the
// order of the items.

import { check } from './check.ts'
import type { Direction } from './direction.ts'
import { finitePairs } from './summary.ts'

export interface ProxyOptions {
  /** Of both metrics; default `minimise`. */
  readonly direction?: Direction | undefined
}

/** A measure of a proxy over the items in which both values are finite. */
export interface ProxyScore {
  readonly value: number
  readonly count: number
  /** Items left out because a value was not finite. */
  readonly dropped: number
}

interface Selection {
  /** Final values, small is good. */
  readonly final: Float64Array
  /** Final values of the items that the proxy certainly picks. */
  readonly sure: readonly number[]
  /** Final values of the items tied at the last pick. */
  readonly tied: readonly number[]
  /** Picks among the tied ones. */
  readonly slots: number
  readonly dropped: number
}

function select(proxy: ArrayLike<number>, final: ArrayLike<number>, k: number, options: ProxyOptions): Selection {
  const pairs = finitePairs(proxy, final)
  const n = pairs.x.length
  check(Number.isInteger(k) && k >= 1 && k <= n, 'k', `k (${k}) must be a whole number from 1 to the ${n} usable items`)
  const sign = options.direction === 'maximise' ? -1 : 1
  const small = pairs.x.map((value) => sign * value)
  const good = pairs.y.map((value) => sign * value)
  const cut = Float64Array.from(small).sort()[k - 1]!
  const sure = [...good.filter((_, i) => small[i]! < cut)]
  const tied = [...good.filter((_, i) => small[i]! === cut)]
  return { final: good, sure, tied, slots: k - sure.length, dropped: pairs.dropped }
}

/**
 * Share of the proxy's best k items that are as good as the true k-th best: the recall of the true best k when no
 * final values tie. From 0 to 1; a proxy without information reaches about k / n.
 * Throws `sample-invalid` if k is not from 1 to the number of finite pairs.
 */
export function topKRecall(
  proxy: ArrayLike<number>,
  final: ArrayLike<number>,
  k: number,
  options: ProxyOptions = {},
): ProxyScore {
  const picked = select(proxy, final, k, options)
  const cut = Float64Array.from(picked.final).sort()[k - 1]!
  const hits = (values: readonly number[]): number => values.filter((value) => value <= cut).length
  const expected = hits(picked.sure) + (picked.slots * hits(picked.tied)) / picked.tied.length
  return { value: expected / k, count: picked.final.length, dropped: picked.dropped }
}

/**
 * What choosing by the proxy costs: the best final value among the proxy's best k, minus the true best.
 * In the unit of the final metric, never negative, for either direction.
 * Throws `sample-invalid` if k is not from 1 to the number of finite pairs.
 */
export function regret(
  proxy: ArrayLike<number>,
  final: ArrayLike<number>,
  k: number,
  options: ProxyOptions = {},
): ProxyScore {
  const picked = select(proxy, final, k, options)
  const smallest = (values: Iterable<number>): number => {
    let least = Infinity
    for (const value of values) if (value < least) least = value
    return least
  }
  const floor = smallest(picked.sure)
  const tied = [...picked.tied].sort((a, b) => a - b)
  // `slots` of the tied items are drawn; the j-th smallest is the best drawn with probability (chance so far) *
  // slots / (those from j on), given that none before it was drawn
  let expected = 0
  let chance = 1
  for (let j = 0; j < tied.length && chance > 0; j++) {
    const drawn = Math.min(1, picked.slots / (tied.length - j))
    expected += chance * drawn * Math.min(floor, tied[j]!)
    chance *= 1 - drawn
  }
  return { value: Math.max(0, expected - smallest(picked.final)), count: picked.final.length, dropped: picked.dropped }
}
