import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { contains } from '#core/stats/interval.ts'
import { medianCi, quantileCi } from '#core/stats/quantile-ci.ts'

describe('medianCi', () => {
  it('is a pair of order statistics where their level is exactly the one asked for', () => {
    // of 10 values the 2nd and the 9th hold the median with probability 1 - 2 * 11 / 1024
    const values = [5, 3, 9, 1, 7, 2, 8, 10, 4, 6]
    const interval = medianCi(values, { level: 1 - 22 / 1024 })
    expect(interval.estimate).toBe(5.5)
    expect(interval.low).toBeCloseTo(2, 9)
    expect(interval.high).toBeCloseTo(9, 9)
  })

  it('interpolates between order statistics for levels between', () => {
    const values = Array.from({ length: 10 }, (_, i) => i + 1)
    const { low, high, level } = medianCi(values)
    expect(level).toBeCloseTo(0.95, 12)
    expect(low).toBeGreaterThan(2)
    expect(low).toBeLessThan(3)
    expect(low + high).toBeCloseTo(11, 12)
  })

  it('interpolates other quantiles by the odds of exponential gaps', () => {
    // Python, with exact binomials and the two ends derived separately, for the squares of 1..20
    const squares = Array.from({ length: 20 }, (_, i) => (i + 1) ** 2)
    const { low, high, level } = quantileCi(squares, 0.8, { level: 0.9 })
    expect(low).toBeCloseTo(182.81784508351217, 9)
    expect(high).toBeCloseTo(364.7037823557391, 9)
    expect(level).toBeCloseTo(0.9, 12)
  })

  it('says which level it reaches where the sample is too small', () => {
    expect(medianCi([3, 1, 2, 5, 4])).toEqual({ estimate: 3, low: 1, high: 5, level: 1 - 2 / 32 })
    expect(medianCi([7])).toEqual({ estimate: 7, low: 7, high: 7, level: 0 })
    expect(quantileCi([1, 2, 3], 0.99).high).toBe(3)
    expect(quantileCi([1, 2, 3], 0.99).level).toBeLessThan(0.05)
  })

  it('refuses empty samples, NaN and impossible levels', () => {
    expect(() => medianCi([])).toThrow(/needs values/)
    expect(() => medianCi([1, NaN])).toThrow(/no NaN/)
    expect(() => medianCi([1], { level: 95 })).toThrow(/level \(95\)/)
    expect(() => quantileCi([1], 0)).toThrow(/p \(0\)/)
    expect(() => quantileCi([1], 1)).toThrow(/p \(1\)/)
  })

  it('holds the estimate, and mirrors with the sample', () => {
    const sample = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(sample, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (values, p) => {
        const interval = quantileCi(values, p)
        expect(interval.low).toBeLessThanOrEqual(interval.high)
        if (p === 0.5) expect(contains(interval, interval.estimate)).toBe(true)
        const mirrored = quantileCi(
          values.map((value) => -value),
          1 - p,
        )
        expect(mirrored.low).toBeCloseTo(-interval.high, 6)
        expect(mirrored.high).toBeCloseTo(-interval.low, 6)
      }),
    )
  })

  // measured over 4,000 samples each; the standard error of a coverage of 95 % is 0.35 points
  it.each([
    { n: 7, p: 0.5 },
    { n: 10, p: 0.5 },
    { n: 15, p: 0.5 },
    { n: 30, p: 0.5 },
    { n: 101, p: 0.5 },
    { n: 100, p: 0.9 },
    { n: 200, p: 0.95 },
  ])('covers 93 to 97 % for quantile $p of $n skewed latencies', ({ n, p }) => {
    const random = rng('quantile coverage', n, p)
    // log-normal with sigma 1 on a floor of 1 ms, as a latency with rare slow calls
    const truth = quantileOfLogNormal(p)
    let covered = 0
    for (let i = 0; i < 4000; i++) {
      const sample = Array.from({ length: n }, () => 1 + Math.exp(random.normal()))
      if (contains(quantileCi(sample, p), truth)) covered++
    }
    expect(covered / 4000).toBeGreaterThan(0.93)
    expect(covered / 4000).toBeLessThan(0.97)
  })
})

function quantileOfLogNormal(p: number): number {
  // quantiles of the standard normal from tables
  return 1 + Math.exp({ 0.5: 0, 0.9: 1.2815515655446004, 0.95: 1.6448536269514722 }[p]!)
}
