// Hypervolume: the volume that points dominate, bounded by a reference point (Zitzler & Thiele 1998). Exact.
// Inside, small is good and a point is a list of its gaps to the reference: it dominates the box from 0 to the gaps.

import { check } from './check.ts'
import { dimensionsOf, directionSigns, minimised, type Direction, type Point } from './direction.ts'

/** The gaps of a point to the reference, all positive. */
type Box = readonly number[]

const MAX_DIMENSIONS = 10

/** Gap to the reference in every metric; undefined for a point that adds nothing: not better everywhere, or not finite. */
function boxesOf(
  points: readonly Point[],
  reference: Point,
  directions: readonly Direction[] | undefined,
): (Box | undefined)[] {
  const dimensions = dimensionsOf([reference, ...points], directions)
  check(
    dimensions >= 1 && dimensions <= MAX_DIMENSIONS,
    'reference',
    `hypervolume takes 1 to ${MAX_DIMENSIONS} metrics, not ${dimensions}`,
  )
  check(reference.every(Number.isFinite), 'reference', `the reference point (${reference.join(', ')}) must be finite`)
  const signs = directionSigns(directions, dimensions)
  return points.map((point) => {
    const box = point.map((value, axis) => signs[axis]! * (reference[axis]! - value))
    return box.every((gap) => gap > 0 && gap < Infinity) ? box : undefined
  })
}

/** The union of rectangles from the origin: corners with widths descending and heights ascending. */
class Staircase {
  readonly #widths: number[] = []
  readonly #heights: number[] = []

  /** Adds a rectangle and returns the area that it adds to the union. */
  add(width: number, height: number): number {
    const widths = this.#widths
    const heights = this.#heights
    let start = 0
    let high = widths.length
    while (start < high) {
      const middle = (start + high) >> 1
      if (widths[middle]! > width) start = middle + 1
      else high = middle
    }
    // the wider neighbour, or an equally wide one, may cover it
    if (start > 0 && heights[start - 1]! >= height) return 0
    if (start < widths.length && widths[start] === width && heights[start]! >= height) return 0
    let floor = start > 0 ? heights[start - 1]! : 0
    let right = width
    let area = 0
    let end = start
    for (; end < widths.length && heights[end]! <= height; end++) {
      area += (right - widths[end]!) * (height - floor)
      right = widths[end]!
      floor = heights[end]!
    }
    area += (right - (end < widths.length ? widths[end]! : 0)) * (height - floor)
    widths.splice(start, end - start, width)
    heights.splice(start, end - start, height)
    return area
  }
}

/** Volume of the union of boxes in `dimensions` leading coordinates. */
function unionVolume(boxes: readonly Box[], dimensions: number): number {
  if (dimensions === 1) return boxes.reduce((largest, box) => Math.max(largest, box[0]!), 0)
  if (dimensions === 2) {
    const stairs = new Staircase()
    let area = 0
    for (const box of [...boxes].sort((a, b) => b[0]! - a[0]!)) area += stairs.add(box[0]!, box[1]!)
    return area
  }
  // from the deepest box down, each slab has the cross section of the boxes that reach it
  const last = dimensions - 1
  const deepest = [...boxes].sort((a, b) => b[last]! - a[last]!)
  if (dimensions === 3) {
    const stairs = new Staircase()
    let area = 0
    let volume = 0
    deepest.forEach((box, i) => {
      area += stairs.add(box[0]!, box[1]!)
      volume += area * (box[2]! - (deepest[i + 1]?.[2] ?? 0))
    })
    return volume
  }
  // WFG (While, Bradstreet & Barone 2012): each box adds what deeper ones do not cover; they cover its full depth
  let volume = 0
  deepest.forEach((box, i) => {
    volume += box[last]! * exclusiveVolume(box, deepest.slice(0, i), last)
  })
  return volume
}

/** Volume of a box outside the union of others, in `dimensions` leading coordinates. */
function exclusiveVolume(box: Box, others: readonly Box[], dimensions: number): number {
  let volume = 1
  for (let axis = 0; axis < dimensions; axis++) volume *= box[axis]!
  const limited = others.map((other) => box.slice(0, dimensions).map((gap, axis) => Math.min(gap, other[axis]!)))
  return Math.max(0, volume - unionVolume(withoutCovered(limited), dimensions))
}

/** Boxes that lie in no other; of equal boxes, one. */
function withoutCovered(boxes: readonly Box[]): Box[] {
  const kept: Box[] = []
  for (const box of [...boxes].sort((a, b) => b[0]! - a[0]!)) {
    if (kept.some((other) => covers(other, box))) continue
    for (let i = kept.length - 1; i >= 0; i--) if (covers(box, kept[i]!)) kept.splice(i, 1)
    kept.push(box)
  }
  return kept
}

function covers(a: Box, b: Box): boolean {
  return a.every((gap, axis) => gap >= b[axis]!)
}

/**
 * Exact hypervolume of points with respect to a reference point, in the product of the units of the metrics.
 * A point that is not better than the reference in every metric adds nothing, nor does one that is not finite.
 * O(n log n) in two metrics, close to it in three; exponential in the number of metrics beyond (at most 10).
 * Throws `sample-invalid` for a reference that is not finite or of another length than the points.
 */
export function hypervolume(points: readonly Point[], reference: Point, directions?: readonly Direction[]): number {
  const boxes = boxesOf(points, reference, directions).filter((box) => box !== undefined)
  return unionVolume(reference.length > 3 ? withoutCovered(boxes) : boxes, reference.length)
}

/**
 * Hypervolume after each point of a sequence, as of the trials of a search; it never falls.
 * In two metrics each point costs a binary search; in more, one exclusive volume against the front so far.
 */
export function hypervolumeOverTime(
  points: readonly Point[],
  reference: Point,
  directions?: readonly Direction[],
): Float64Array {
  const dimensions = reference.length
  const stairs = new Staircase()
  let front: Box[] = []
  let volume = 0
  return Float64Array.from(boxesOf(points, reference, directions), (box) => {
    if (box === undefined) return volume
    if (dimensions === 2) return (volume += stairs.add(box[0]!, box[1]!))
    if (front.some((other) => covers(other, box))) return volume
    volume += exclusiveVolume(box, front, dimensions)
    front = front.filter((other) => !covers(box, other))
    front.push(box)
    return volume
  })
}

/**
 * A reference point just beyond the worst finite value of every metric, by `margin` of its range (of its size where
 * all values are equal). Hypervolumes compare only under one reference: choose it once for all runs of a study.
 */
export function referencePoint(points: readonly Point[], directions?: readonly Direction[], margin = 0.1): number[] {
  check(margin >= 0 && margin < Infinity, 'margin', `margin (${margin}) must be 0 or more`)
  const { values, dimensions, items } = minimised(points, directions)
  check(items.length > 0, 'points', 'a reference point needs at least one point of finite values')
  const signs = directionSigns(directions, dimensions)
  return Array.from({ length: dimensions }, (_, axis) => {
    const column = values.filter((_, i) => i % dimensions === axis).sort()
    const worst = column[column.length - 1]!
    const range = worst - column[0]!
    return signs[axis]! * (worst + margin * (range > 0 ? range : Math.abs(worst) || 1))
  })
}
