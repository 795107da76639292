import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedLeastSquares } from '#core/stats/law/bounded-least-squares.ts'

const entry = fc.integer({ min: -9, max: 9 })

function errorOf(columns: readonly Float64Array[], target: Float64Array, x: ArrayLike<number>): number {
  return target.reduce((sum, b, i) => sum + (b - columns.reduce((s, column, j) => s + column[i]! * x[j]!, 0)) ** 2, 0)
}

describe('boundedLeastSquares', () => {
  it('solves without bounds', () => {
    // a line through (0, 1), (1, 3), (2, 5.5): normal equations give slope 2.25, intercept 11 / 12
    const columns = [Float64Array.of(1, 1, 1), Float64Array.of(0, 1, 2)]
    const x = boundedLeastSquares(columns, Float64Array.of(1, 3, 5.5), [-9, -9], [9, 9], [0, 0])
    expect(x[0]).toBeCloseTo(11 / 12, 12)
    expect(x[1]).toBeCloseTo(2.25, 12)
  })

  it('stays within bounds and is no worse than any point of a fine grid', () => {
    const problem = fc.tuple(
      fc.array(fc.array(entry, { minLength: 4, maxLength: 4 }), { minLength: 2, maxLength: 3 }),
      fc.array(entry, { minLength: 4, maxLength: 4 }),
    )
    fc.assert(
      fc.property(problem, ([rows, b]) => {
        const columns = rows.map((row) => Float64Array.from(row))
        const target = Float64Array.from(b)
        const low = columns.map(() => 0)
        const high = columns.map(() => 1)
        const x = boundedLeastSquares(columns, target, low, high, low)
        for (const value of x) expect(value >= 0 && value <= 1).toBe(true)
        const best = errorOf(columns, target, x)
        const steps = [0, 0.2, 0.4, 0.6, 0.8, 1]
        let grid: number[][] = [[]]
        for (const _ of columns) grid = grid.flatMap((point) => steps.map((step) => [...point, step]))
        const bestOfGrid = Math.min(...grid.map((point) => errorOf(columns, target, point)))
        expect(best).toBeLessThanOrEqual(bestOfGrid + 1e-8)
      }),
      { numRuns: 300 },
    )
  })

  it('gives non-negative solutions that meet the conditions of optimality', () => {
    const problem = fc
      .integer({ min: 1, max: 5 })
      .chain((n) =>
        fc.tuple(
          fc.array(fc.array(entry, { minLength: 8, maxLength: 8 }), { minLength: n, maxLength: n }),
          fc.array(entry, { minLength: 8, maxLength: 8 }),
        ),
      )
    fc.assert(
      fc.property(problem, ([rows, b]) => {
        const columns = rows.map((row) => Float64Array.from(row))
        const target = Float64Array.from(b)
        const zeros = columns.map(() => 0)
        const endless = columns.map(() => Infinity)
        const x = boundedLeastSquares(columns, target, zeros, endless, zeros)
        const rest = target.map((value, i) => value - columns.reduce((s, column, j) => s + column[i]! * x[j]!, 0))
        columns.forEach((column, j) => {
          const slope = column.reduce((sum, value, i) => sum + value * rest[i]!, 0)
          expect(x[j]!).toBeGreaterThanOrEqual(0)
          if (x[j]! > 1e-9) expect(Math.abs(slope)).toBeLessThan(1e-6)
          else expect(slope).toBeLessThan(1e-6)
        })
      }),
      { numRuns: 500 },
    )
  })

  it('copes with equal and empty columns', () => {
    const column = Float64Array.of(1, 2, 3)
    const target = Float64Array.of(2, 4, 6)
    const columns = [column, column, new Float64Array(3)]
    const x = boundedLeastSquares(columns, target, [0, 0, 0], [9, 9, 9], [0.5, 0.5, 0.5])
    expect(x[0]! + x[1]!).toBeCloseTo(2, 12)
    expect(x[2]).toBe(0.5)
  })
})
