import { describe, expect, it } from 'vitest'
import { contains, overlap, percentileInterval, proportionCi, resampledQuantile } from '#core/stats/interval.ts'
import { binomialCdf } from '#core/stats/normal.ts'

describe('interval', () => {
  it('knows what it contains and overlaps', () => {
    const interval = { estimate: 2, low: 1, high: 3 }
    expect([0.9, 1, 3, 3.1, NaN].map((value) => contains(interval, value))).toEqual([false, true, true, false, false])
    expect(overlap(interval, { estimate: 4, low: 3, high: 5 })).toBe(true)
    expect(overlap(interval, { estimate: 4, low: 3.01, high: 5 })).toBe(false)
  })

  it('takes resampled quantiles at position (n + 1) p', () => {
    const ascending = Array.from({ length: 99 }, (_, i) => i + 1)
    expect([0, 0.025, 0.5, 0.975, 1].map((p) => resampledQuantile(ascending, p))).toEqual([1, 2.5, 50, 97.5, 99])
    const { low, high } = percentileInterval(40, ascending.toReversed(), 0.9)
    expect(low).toBeCloseTo(5, 9)
    expect(high).toBeCloseTo(95, 9)
    expect(percentileInterval(1, [], 0.9)).toEqual({ estimate: 1, low: NaN, high: NaN })
  })

  it('gives Wilson bounds that solve the score equation', () => {
    const { low, high } = proportionCi(7, 20)
    // the bounds are the p with |7/20 - p| = z sqrt(p (1 - p) / 20)
    for (const p of [low, high]) expect(Math.abs(0.35 - p) / Math.sqrt((p * (1 - p)) / 20)).toBeCloseTo(1.959964, 5)
    expect(proportionCi(0, 5).low).toBe(0)
    expect(proportionCi(0, 5).high).toBeGreaterThan(0.4)
    expect(proportionCi(5, 5).high).toBe(1)
    expect(() => proportionCi(6, 5)).toThrow(/0 <= successes \(6\) <= trials \(5\)/)
    expect(() => proportionCi(0, 0)).toThrow()
  })

  it('covers 95 % on average over proportions, computed exactly', () => {
    const n = 20
    const intervals = Array.from({ length: n + 1 }, (_, k) => proportionCi(k, n))
    let covered = 0
    let proportions = 0
    for (let p = 0.02; p < 0.99; p += 0.01, proportions++) {
      const cdf = binomialCdf(n, p)
      intervals.forEach((interval, k) => {
        if (contains(interval, p)) covered += cdf[k]! - (cdf[k - 1] ?? 0)
      })
    }
    expect(covered / proportions).toBeGreaterThan(0.94)
    expect(covered / proportions).toBeLessThan(0.97)
  })
})
