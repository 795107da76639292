// Pareto dominance: fronts, ranks of fronts, crowding and the knee. Points with a NaN or infinite value are on no
// front: a trial that failed in one metric is not an optimum of the others.

import { check } from './check.ts'
import {
  dimensionsOf,
  directionSigns,
  minimised,
  type Direction,
  type MinimisedPoints,
  type Point,
} from './direction.ts'

/**
 * Whether `a` is at least as good as `b` in every metric and better in one. All metrics are minimised by default.
 * Throws `sample-invalid` if the lengths differ.
 */
export function dominates(a: Point, b: Point, directions?: readonly Direction[]): boolean {
  const signs = directionSigns(directions, dimensionsOf([a, b], directions))
  let isBetter = false
  for (let axis = 0; axis < signs.length; axis++) {
    const gap = signs[axis]! * (a[axis]! - b[axis]!)
    if (!(gap <= 0)) return false
    if (gap < 0) isBetter = true
  }
  return isBetter
}

function rowDominates(points: MinimisedPoints, a: number, b: number): boolean {
  const { values, dimensions } = points
  let isBetter = false
  for (let axis = 0; axis < dimensions; axis++) {
    const left = values[a * dimensions + axis]!
    const right = values[b * dimensions + axis]!
    if (left > right) return false
    if (left < right) isBetter = true
  }
  return isBetter
}

/** Whether a front, built in lexicographic order, has a member that dominates the next row of that order. */
function isDominatedBy(points: MinimisedPoints, front: readonly number[], row: number): boolean {
  // in two dimensions the last member has the smallest second value so far
  const first = points.dimensions <= 2 ? Math.max(0, front.length - 1) : 0
  for (let i = front.length - 1; i >= first; i--) if (rowDominates(points, front[i]!, row)) return true
  return false
}

/** Rows in lexicographic order: no row is dominated by a later one. */
function lexicographic(points: MinimisedPoints): Uint32Array {
  const { values, dimensions, items } = points
  return Uint32Array.from(items.keys()).sort((a, b) => {
    for (let axis = 0; axis < dimensions; axis++) {
      const gap = values[a * dimensions + axis]! - values[b * dimensions + axis]!
      if (gap !== 0) return gap
    }
    return a - b
  })
}

/**
 * Indices of the points that no other point dominates, ascending. Equal points are all kept.
 * O(n log n) in two dimensions, O(n f) for a front of f points in more. All metrics are minimised by default.
 */
export function paretoFront(points: readonly Point[], directions?: readonly Direction[]): number[] {
  const rows = minimised(points, directions)
  const front: number[] = []
  for (const row of lexicographic(rows)) if (!isDominatedBy(rows, front, row)) front.push(row)
  return front.map((row) => rows.items[row]!).sort((a, b) => a - b)
}

/**
 * Splits points into fronts: the first is the Pareto front, the next the front of what remains, and so on.
 * Members are indices, ascending. Points that are not finite are in none.
 * Efficient sort with binary search over the fronts (Zhang et al. 2015).
 */
export function nonDominatedSort(points: readonly Point[], directions?: readonly Direction[]): number[][] {
  const rows = minimised(points, directions)
  const fronts: number[][] = []
  for (const row of lexicographic(rows)) {
    let low = 0
    let high = fronts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isDominatedBy(rows, fronts[middle]!, row)) low = middle + 1
      else high = middle
    }
    if (low === fronts.length) fronts.push([])
    fronts[low]!.push(row)
  }
  return fronts.map((front) => front.map((row) => rows.items[row]!).sort((a, b) => a - b))
}

/**
 * Crowding distance of each point among the given ones, usually one front (Deb et al. 2002): the sum over metrics of
 * the gap between its neighbours, divided by the range. Infinite at the ends of any metric; a metric without range
 * adds nothing. Throws `sample-invalid` for values that are not finite.
 */
export function crowdingDistance(points: readonly Point[]): Float64Array {
  const { values, dimensions, items } = minimised(points)
  check(items.length === points.length, 'points', 'crowding needs finite values in every point')
  const distance = new Float64Array(points.length)
  for (let axis = 0; axis < dimensions; axis++) {
    const at = (row: number): number => values[row * dimensions + axis]!
    const order = Uint32Array.from(items.keys()).sort((a, b) => at(a) - at(b) || a - b)
    const first = order[0]!
    const last = order[order.length - 1]!
    const range = at(last) - at(first)
    distance[first] = Infinity
    distance[last] = Infinity
    if (range === 0) continue
    for (let i = 1; i < order.length - 1; i++) distance[order[i]!]! += (at(order[i + 1]!) - at(order[i - 1]!)) / range
  }
  return distance
}

/** The point of a front where giving up a little of one metric no longer buys much of the other. */
export interface Knee {
  /** Index among the points given. */
  readonly index: number
  /** Distance to the chord after both axes are scaled to [0, 1] over the front; at most 1 / sqrt(2). */
  readonly distance: number
}

/**
 * Finds the knee of a two-dimensional front: the member farthest from the chord between the ends of the front, on the
 * side of the ideal point, in normalised axes. Absent where no member bulges towards the ideal point.
 * Dominated points are ignored. Throws `sample-invalid` for other than two metrics.
 */
export function knee(points: readonly Point[], directions?: readonly Direction[]): Knee | undefined {
  if (points.length === 0) return undefined
  const dimensions = dimensionsOf(points, directions)
  check(dimensions === 2, 'points', `a knee is defined for two metrics, not ${dimensions}`)
  const signs = directionSigns(directions, 2)
  const front = paretoFront(points, directions)
  const xs = front.map((i) => signs[0]! * points[i]![0]!)
  const ys = front.map((i) => signs[1]! * points[i]![1]!)
  const bounds = (values: readonly number[]): { low: number; range: number } => {
    const low = values.reduce((a, b) => Math.min(a, b), Infinity)
    return { low, range: values.reduce((a, b) => Math.max(a, b), -Infinity) - low }
  }
  const { low: lowX, range: rangeX } = bounds(xs)
  const { low: lowY, range: rangeY } = bounds(ys)
  let best: Knee | undefined
  front.forEach((index, i) => {
    // the chord joins (0, 1) and (1, 0)
    const distance = (1 - (xs[i]! - lowX) / rangeX - (ys[i]! - lowY) / rangeY) / Math.SQRT2
    if (distance > 1e-12 && distance > (best?.distance ?? 0)) best = { index, distance }
  })
  return best
}
