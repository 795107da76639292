// Several metrics at once: which way each is good, and points turned so that small is good everywhere.

import { check } from './check.ts'

/** Whether a metric should be small or large. */
export type Direction = 'minimise' | 'maximise'

/** Values of several metrics of one item, in the order of the directions. */
export type Point = readonly number[]

/** Points as rows of one array, small is good in every column. */
export interface MinimisedPoints {
  /** Rows of `dimensions` values each; the order is that of `items`. */
  readonly values: Float64Array
  readonly dimensions: number
  /** Index of each row among the points given: points that are not finite have no row. */
  readonly items: Uint32Array
}

/** One factor per axis: 1 where small is good, -1 where large is. No directions: all axes are minimised. */
export function directionSigns(directions: readonly Direction[] | undefined, dimensions: number): Float64Array {
  check(
    directions === undefined || directions.length === dimensions,
    'directions',
    `${directions?.length} directions do not fit points of ${dimensions} values`,
  )
  return Float64Array.from({ length: dimensions }, (_, axis) => (directions?.[axis] === 'maximise' ? -1 : 1))
}

/** Number of axes: of the directions, else of the first point; refuses points of another length. */
export function dimensionsOf(points: readonly Point[], directions?: readonly Direction[]): number {
  const dimensions = directions?.length ?? points[0]?.length ?? 0
  const wrong = points.findIndex((point) => point.length !== dimensions)
  check(wrong < 0, `points[${wrong}]`, `point ${wrong} has ${points[wrong]?.length} values, expected ${dimensions}`)
  return dimensions
}

/** Turns points so that small is good everywhere; leaves out those with a value that is NaN or infinite. */
export function minimised(points: readonly Point[], directions?: readonly Direction[]): MinimisedPoints {
  const dimensions = dimensionsOf(points, directions)
  const signs = directionSigns(directions, dimensions)
  const items = Uint32Array.from(points.keys()).filter((i) => points[i]!.every(Number.isFinite))
  const values = new Float64Array(items.length * dimensions)
  items.forEach((item, row) => {
    for (let axis = 0; axis < dimensions; axis++) values[row * dimensions + axis] = signs[axis]! * points[item]![axis]!
  })
  return { values, dimensions, items }
}
