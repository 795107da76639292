import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { copiesSlope, medianDifference } from '#core/stats/latency/slope.ts'

describe('copiesSlope', () => {
  it('finds a line without noise exactly', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (slope, base) => {
          const copies = [1, 3, 6]
          const line = copiesSlope(
            copies,
            copies.map((n) => new Array<number>(9).fill(base + n * slope)),
            { rng: rng(1), resamples: 20 },
          )
          expect(line.slope.estimate).toBeCloseTo(slope, 9)
          expect(line.intercept.estimate).toBeCloseTo(base, 8)
          expect(line.slope.high - line.slope.low).toBeLessThan(1e-9)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('covers a planted slope under noise, drift of the machine and spikes', () => {
    let covered = 0
    const runs = 100
    for (let run = 0; run < runs; run++) {
      const random = rng('slope', run)
      const copies = [1, 3, 6]
      const drift = Array.from({ length: 60 }, (_, i) => 1 + 0.1 * Math.sin(i / 9))
      const samples = copies.map((n) =>
        drift.map((d) => (0.5 + 0.2 * n) * d * (1 + 0.02 * random.normal()) + (random.uniform() < 0.05 ? 5 : 0)),
      )
      const { slope } = copiesSlope(copies, samples, { rng: rng(run), resamples: 200 })
      if (slope.low <= 0.2 && 0.2 <= slope.high) covered++
      expect(Math.abs(slope.estimate - 0.2)).toBeLessThan(0.03)
    }
    expect(covered).toBeGreaterThanOrEqual(85)
  })

  it('is not bent by one disturbed median', () => {
    const samples = [1, 2, 3, 4, 5].map((n) => [n === 3 ? 30 : n, n === 3 ? 30 : n])
    expect(copiesSlope([1, 2, 3, 4, 5], samples, { rng: rng(1) }).slope.estimate).toBe(1)
  })

  it('refuses what has no slope', () => {
    expect(() => copiesSlope([2, 2], [[1], [1]], { rng: rng(1) })).toThrow('two different numbers')
    expect(() => copiesSlope([1, 2], [[1], [1, 2]], { rng: rng(1) })).toThrow('one sample for each round')
  })
})

it('medianDifference is the difference of medians', () => {
  expect(medianDifference([5, 6, 7], [1, 2, 3], { rng: rng(1) }).estimate).toBe(4)
})
