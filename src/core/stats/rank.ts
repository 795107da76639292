// Ranks and rank correlations. Each correlation is a function of multiplicities (how often each item is in the
// sample), built once per data set: the plain value has all ones, a bootstrap resample has its counts, a jackknife
// leaves one out. No resample is ever sorted, which is what makes 2,000 of them cheap.

import { checkSameLength } from './check.ts'

/** A statistic of a sample in which item `i` occurs `counts[i]` times; NaN where it is not defined. */
export type CountStatistic = (counts: Int32Array) => number

/** The two rank correlations. */
export type RankStatistic = 'spearman' | 'kendall'

interface Codes {
  /** For each item the position of its value among the distinct values; -1 for NaN. */
  readonly codes: Int32Array
  /** Number of distinct values. */
  readonly levels: number
}

function denseCodes(values: ArrayLike<number>): Codes {
  const codes = new Int32Array(values.length).fill(-1)
  const distinct = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort()
  let levels = 0
  for (const value of distinct) if (levels === 0 || value !== distinct[levels - 1]) distinct[levels++] = value
  for (let i = 0; i < codes.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    let low = 0
    let high = levels - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (distinct[middle]! < value) low = middle + 1
      else high = middle
    }
    codes[i] = low
  }
  return { codes, levels }
}

/** Average rank of each level, from the number of items on it. */
function fillMidRanks(sizes: Int32Array, into: Float64Array): void {
  let below = 0
  for (let level = 0; level < sizes.length; level++) {
    into[level] = below + (sizes[level]! + 1) / 2
    below += sizes[level]!
  }
}

/** Ranks from 1; equal values share the average of their ranks; NaN keeps NaN and counts for no other rank. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const { codes, levels } = denseCodes(values)
  const sizes = new Int32Array(levels)
  for (const code of codes) if (code >= 0) sizes[code]!++
  const levelRanks = new Float64Array(levels)
  fillMidRanks(sizes, levelRanks)
  return Float64Array.from(codes, (code) => (code < 0 ? NaN : levelRanks[code]!))
}

function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false
  return true
}

/** Pearson's product-moment correlation; NaN if either list is constant or holds a value that is not finite. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  checkSameLength('x, y', x, y)
  const n = x.length
  let meanX = 0
  let meanY = 0
  for (let i = 0; i < n; i++) {
    meanX += x[i]! / n
    meanY += y[i]! / n
  }
  let xx = 0
  let yy = 0
  let xy = 0
  for (let i = 0; i < n; i++) {
    const dx = x[i]! - meanX
    const dy = y[i]! - meanY
    xx += dx * dx
    yy += dy * dy
    xy += dx * dy
  }
  return correlation(xy, xx, yy)
}

function correlation(xy: number, xx: number, yy: number): number {
  if (!(xx > 0 && yy > 0)) return NaN
  // equal sums without a root, so that equal orders give exactly 1; two roots, so that large sums do not overflow
  const scale = xx === yy ? xx : Math.sqrt(xx) * Math.sqrt(yy)
  return Math.max(-1, Math.min(1, xy / scale))
}

/** Spearman's rho of (x, y) as a function of multiplicities, O(n) a call. */
export function spearmanOfCounts(x: ArrayLike<number>, y: ArrayLike<number>): CountStatistic {
  checkSameLength('x, y', x, y)
  if (!allFinite(x) || !allFinite(y)) return () => NaN
  const { codes: codesX, levels: levelsX } = denseCodes(x)
  const { codes: codesY, levels: levelsY } = denseCodes(y)
  const sizesX = new Int32Array(levelsX)
  const sizesY = new Int32Array(levelsY)
  const ranksX = new Float64Array(levelsX)
  const ranksY = new Float64Array(levelsY)
  return (counts) => {
    sizesX.fill(0)
    sizesY.fill(0)
    let total = 0
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!
      if (count === 0) continue
      total += count
      sizesX[codesX[i]!]! += count
      sizesY[codesY[i]!]! += count
    }
    fillMidRanks(sizesX, ranksX)
    fillMidRanks(sizesY, ranksY)
    // ranks keep their mean (n + 1) / 2 under ties
    const centre = (total + 1) / 2
    let xx = 0
    let yy = 0
    let xy = 0
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!
      if (count === 0) continue
      const dx = ranksX[codesX[i]!]! - centre
      const dy = ranksY[codesY[i]!]! - centre
      xx += count * dx * dx
      yy += count * dy * dy
      xy += count * dx * dy
    }
    return correlation(xy, xx, yy)
  }
}

/**
 * Kendall's tau-b of (x, y) as a function of multiplicities, O(n log n) a call.
 * Discordant pairs are counted with a Fenwick tree over the levels of y (Knight 1966 counts them by merge sort);
 * tau-b corrects for ties in either list (Kendall 1945).
 */
export function kendallOfCounts(x: ArrayLike<number>, y: ArrayLike<number>): CountStatistic {
  checkSameLength('x, y', x, y)
  if (!allFinite(x) || !allFinite(y)) return () => NaN
  const { codes: codesX } = denseCodes(x)
  const { codes: codesY, levels } = denseCodes(y)
  const order = Uint32Array.from(codesX, (_, i) => i).sort((i, j) => codesX[i]! - codesX[j]! || codesY[i]! - codesY[j]!)
  const tree = new Float64Array(levels + 1)
  const sizesY = new Float64Array(levels)
  const pairs = (count: number): number => (count * (count - 1)) / 2
  return (counts) => {
    tree.fill(0)
    sizesY.fill(0)
    let inserted = 0
    let tiedX = 0
    let tiedBoth = 0
    let discordant = 0
    for (let start = 0; start < order.length;) {
      // a group of equal x: ask about earlier groups first, then insert it
      const code = codesX[order[start]!]!
      let end = start
      let sizeX = 0
      let sizeBoth = 0
      for (; end < order.length && codesX[order[end]!] === code; end++) {
        const item = order[end]!
        const count = counts[item]!
        const level = codesY[item]!
        if (end > start && codesY[order[end - 1]!] !== level) {
          tiedBoth += pairs(sizeBoth)
          sizeBoth = 0
        }
        sizeX += count
        sizeBoth += count
        if (count === 0) continue
        let notAbove = 0
        for (let k = level + 1; k > 0; k -= k & -k) notAbove += tree[k]!
        discordant += count * (inserted - notAbove)
      }
      tiedX += pairs(sizeX)
      tiedBoth += pairs(sizeBoth)
      inserted += sizeX
      for (; start < end; start++) {
        const count = counts[order[start]!]!
        if (count === 0) continue
        const level = codesY[order[start]!]!
        sizesY[level]! += count
        for (let k = level + 1; k <= levels; k += k & -k) tree[k]! += count
      }
    }
    let tiedY = 0
    for (const size of sizesY) tiedY += pairs(size)
    const all = pairs(inserted)
    const concordant = all - tiedX - tiedY + tiedBoth - discordant
    return correlation(concordant - discordant, all - tiedX, all - tiedY)
  }
}

/** Either rank correlation as a function of multiplicities. */
export function rankStatisticOfCounts(
  statistic: RankStatistic,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): CountStatistic {
  return statistic === 'spearman' ? spearmanOfCounts(x, y) : kendallOfCounts(x, y)
}

/**
 * Spearman's rank correlation in [-1, 1]: Pearson's correlation of the average ranks, so ties are handled exactly.
 * NaN if either list is constant, shorter than two or holds a value that is not finite (see `finitePairs`).
 */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return spearmanOfCounts(x, y)(new Int32Array(x.length).fill(1))
}

/** Kendall's tau-b in [-1, 1], O(n log n); NaN in the same cases as `spearman`. */
export function kendall(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return kendallOfCounts(x, y)(new Int32Array(x.length).fill(1))
}
