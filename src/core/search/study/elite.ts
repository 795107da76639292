// The leading fronts of many points, without sorting them all: what an elite needs of a long history.

import { nonDominatedSort } from '../../stats/pareto.ts'

/** Points beyond which sorting a sample first pays. */
const SAMPLE = 500

/**
 * The first fronts of points where small is good, up to the one with which they hold `size` points; indices, ascending
 * in each front. The same as the first of `nonDominatedSort`.
 *
 * A point that a member of front m of some of the points dominates is behind front m of all of them. So a front of a
 * sample tells most points out of the leading fronts, and only the rest is sorted.
 */
export function leadingFronts(points: readonly (readonly number[])[], size: number): number[][] {
  if (points.length <= 2 * SAMPLE) return upTo(nonDominatedSort(points), size)
  const step = points.length / SAMPLE
  const sample = Array.from({ length: SAMPLE }, (_, i) => points[Math.floor(i * step)]!)
  const guides = nonDominatedSort(sample)
  for (let m = 0; m < guides.length; m = 2 * m + 1) {
    const guide = guides[m]!.map((i) => sample[i]!)
    const rest: number[] = []
    for (const [i, point] of points.entries()) {
      const by = guide.findIndex((other) => isDominated(point, other))
      if (by < 0) rest.push(i)
      // what dominates one point dominates many: ask it sooner
      else if (by > 0) [guide[by], guide[by >> 1]] = [guide[by >> 1]!, guide[by]!]
    }
    // exact up to front m: what dominates its points is among the rest too
    const fronts = nonDominatedSort(rest.map((i) => points[i]!)).slice(0, m + 1)
    if (fronts.reduce((sum, front) => sum + front.length, 0) >= size)
      return upTo(
        fronts.map((front) => front.map((i) => rest[i]!)),
        size,
      )
  }
  return upTo(nonDominatedSort(points), size)
}

function upTo(fronts: readonly number[][], size: number): number[][] {
  let count = 0
  const end = fronts.findIndex((front) => (count += front.length) >= size)
  return end < 0 ? [...fronts] : fronts.slice(0, end + 1)
}

function isDominated(point: readonly number[], by: readonly number[]): boolean {
  let isWorse = false
  for (let axis = 0; axis < point.length; axis++) {
    if (point[axis]! < by[axis]!) return false
    if (point[axis]! > by[axis]!) isWorse = true
  }
  return isWorse
}
