import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { spearman } from '#core/stats/rank.ts'
import { settleStep } from '#core/stats/settle.ts'

/** Curves from a table: one row for each step. */
function curvesOf(
  rows: readonly (readonly [step: number, ...values: number[]])[],
): { step: number; value: number }[][] {
  return rows[0]!.slice(1).map((_, item) => rows.map(([step, ...values]) => ({ step, value: values[item]! })))
}

describe('settleStep', () => {
  const final = [1, 2, 3, 4, 5, 6]

  it('finds the first step after which the ranking stays', () => {
    const curves = curvesOf([
      [10, 6, 5, 4, 3, 2, 1],
      [20, 1, 2, 3, 4, 5, 6], // in order once, but not to stay
      [30, 2, 1, 4, 3, 6, 5],
      [40, 1, 3, 2, 4, 5, 6],
      [50, 10, 20, 30, 40, 50, 60],
    ])
    const result = settleStep(curves, final, { rng: rng(1), threshold: 0.9, resamples: 200 })
    expect(result.checkpoints.map((checkpoint) => checkpoint.step)).toEqual([10, 20, 30, 40, 50])
    expect(result.checkpoints[2]!.estimate).toBeCloseTo(spearman([2, 1, 4, 3, 6, 5], final), 12)
    expect(result.step).toBe(40)
    // six items cannot show a correlation of 0.9, however well ordered
    expect(result.shownStep).toBeUndefined()
  })

  it('shows a step only where the interval stays above the threshold', () => {
    const n = 60
    const random = rng(2)
    const values = Array.from({ length: n }, () => random.normal())
    const noisy = (sigma: number): number[] => values.map((value) => value + sigma * random.normal())
    const curves = curvesOf([
      [1, ...noisy(3)],
      [2, ...noisy(0.42)],
      [3, ...noisy(0.05)],
      [4, ...noisy(0.01)],
    ])
    const result = settleStep(curves, values, { rng: rng(3), threshold: 0.9, resamples: 500 })
    expect(result.step).toBe(2)
    expect(result.shownStep).toBe(3)
    for (const checkpoint of result.checkpoints) {
      expect(checkpoint.low).toBeLessThanOrEqual(checkpoint.estimate)
      expect(checkpoint.high).toBeGreaterThanOrEqual(checkpoint.estimate)
    }
  })

  it('never settles where the last checkpoint disagrees or has no correlation', () => {
    const disagreeing = curvesOf([
      [1, 1, 2, 3, 4, 5, 6],
      [2, 6, 5, 4, 3, 2, 1],
    ])
    expect(settleStep(disagreeing, final, { rng: rng(4), resamples: 100 }).step).toBeUndefined()
    const constant = curvesOf([
      [1, 1, 2, 3, 4, 5, 6],
      [2, 7, 7, 7, 7, 7, 7],
    ])
    expect(settleStep(constant, final, { rng: rng(4), resamples: 100 }).step).toBeUndefined()
    expect(settleStep([], [], { rng: rng(4) })).toEqual({ step: undefined, shownStep: undefined, checkpoints: [] })
  })

  it('takes curves with different steps and diverged items', () => {
    const curves = curvesOf([
      [1, 1, 2, 3, 4, 5, NaN],
      [2, 1, 2, 3, 4, 5, 6],
    ])
    curves[0]!.shift()
    const { checkpoints, step } = settleStep(curves, final, { rng: rng(5), resamples: 100 })
    expect(checkpoints.map(({ count, dropped }) => ({ count, dropped }))).toEqual([
      { count: 4, dropped: 2 },
      { count: 6, dropped: 0 },
    ])
    expect(step).toBe(1)
  })

  it('refuses what does not fit', () => {
    expect(() => settleStep([[]], [1, 2], { rng: rng(6) })).toThrow(/lengths 1 and 2/)
    expect(() => settleStep([], [], { rng: rng(6), threshold: 2 })).toThrow(/threshold \(2\)/)
    expect(() => settleStep([[{ step: NaN, value: 1 }]], [1], { rng: rng(6) })).toThrow(/step \(NaN\)/)
  })
})
