import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inEvery, insidePolygon, insideRectangle, nearest } from '#core/plots/geometry/brush.ts'

const coordinate = fc.double({ min: -100, max: 100, noNaN: true })
const points = fc.array(fc.tuple(coordinate, coordinate), { maxLength: 60 })
const columns = (list: readonly (readonly [number, number])[]): [Float64Array, Float64Array] => [
  Float64Array.from(list, ([x]) => x),
  Float64Array.from(list, ([, y]) => y),
]

it('a rectangle catches the same points whichever corner the drag began at', () => {
  fc.assert(
    fc.property(points, coordinate, coordinate, coordinate, coordinate, (list, x0, y0, x1, y1) => {
      const [x, y] = columns(list)
      const caught = insideRectangle(x, y, { x0, y0, x1, y1 })
      expect(insideRectangle(x, y, { x0: x1, y0: y1, x1: x0, y1: y0 })).toEqual(caught)
      const corners = [x0, y0, x1, y0, x1, y1, x0, y1]
      const onEdge = (i: number): boolean => x[i] === x0 || x[i] === x1 || y[i] === y0 || y[i] === y1
      const isOff = (i: number): boolean => !onEdge(i)
      expect(insidePolygon(x, y, corners).filter(isOff)).toEqual(caught.filter(isOff))
    }),
  )
})

it('a lasso is even-odd and closed', () => {
  const x = [5, 15, 25, NaN],
    y = [5, 5, 5, 5]
  // a frame: outer square, then an inner one joined by a seam of no width
  const frame = [0, 0, 30, 0, 30, 10, 0, 10, 0, 0, 10, 1, 20, 1, 20, 9, 10, 9, 10, 1]
  expect(insidePolygon(x, y, frame)).toEqual([0, 2])
  expect(insidePolygon(x, y, [0, 0, 30, 0])).toEqual([])
})

it('the nearest point is the least distance within the radius', () => {
  fc.assert(
    fc.property(points, coordinate, coordinate, fc.double({ min: 0, max: 50, noNaN: true }), (list, ax, ay, radius) => {
      const [x, y] = columns(list)
      const distances = list.map(([px, py]) => Math.hypot(px - ax, py - ay))
      const found = nearest(x, y, ax, ay, radius)
      const least = Math.min(...distances)
      if (found < 0) expect(least).toBeGreaterThan(radius * (1 - 1e-9))
      else expect(distances[found]).toBeCloseTo(least, 9)
    }),
  )
  expect(nearest([NaN], [0], 0, 0, 10)).toBe(-1)
})

it('linked brushes narrow one selection', () => {
  expect(inEvery([])).toBeUndefined()
  expect(inEvery([new Set(['a', 'b', 'c']), new Set(['b', 'c']), new Set(['c', 'd'])])).toEqual(new Set(['c']))
})
