import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rng } from '../../../src/core/rng.ts'
import { medianCi } from '../../../src/core/stats/quantile-ci.ts'
import { effectiveCount, medianInterval } from '../../../src/main/runtime/latency/median-interval.ts'
import { noise, noiseMedian } from '../simulated-machine.ts'

const series = (seed: number, n: number, model: Parameters<typeof noise>[1]) =>
  Float64Array.from({ length: n }, noise(seed, model))
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('independent samples', () => {
  it('gives about the interval of the binomial distribution', () => {
    const ratios: number[] = []
    for (let seed = 0; seed < 60; seed++) {
      const values = series(seed, 200, { phi: 0, deviation: 0.1, spikes: 0.05 })
      const ours = medianInterval(values)
      const exact = medianCi(values)
      expect(ours.median).toBe(exact.estimate)
      ratios.push((ours.high - ours.low) / (exact.high - exact.low))
    }
    // a little wider, since that the samples are independent had to be estimated
    expect(mean(ratios)).toBeGreaterThan(0.97)
    expect(mean(ratios)).toBeLessThan(1.2)
  })
})

describe('correlated samples', () => {
  // tau of the signs of an AR(1) process: 1 + 2 sum of 2/pi asin(phi^k)
  it.for([0, 0.5, 0.8, 0.9])('are worth fewer: phi %d', (phi) => {
    let tau = 1
    for (let k = 1; k < 2000; k++) tau += (4 / Math.PI) * Math.asin(phi ** k)
    const n = 4000
    const found = mean(
      Array.from({ length: 20 }, (_, seed) => n / effectiveCount(series(seed, n, { phi, deviation: 0.02, spikes: 0 }))),
    )
    expect(found / tau).toBeGreaterThan(0.85)
    expect(found / tau).toBeLessThan(1.35)
  })

  it.for([
    [0, 40, 0.93],
    [0.5, 40, 0.92],
    [0.8, 100, 0.91],
    [0.9, 300, 0.91],
  ] as const)('cover the true median: phi %d, %d samples, at least %d', ([phi, n, least]) => {
    const model = { phi, deviation: 0.02, spikes: 0.05 }
    const truth = noiseMedian(model)
    const tries = 400
    let covered = 0
    for (let seed = 0; seed < tries; seed++) {
      const { low, high } = medianInterval(series(seed, n, model))
      if (low <= truth && truth <= high) covered++
    }
    expect(covered / tries).toBeGreaterThan(least)
  })
})

describe('any samples', () => {
  const lists = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })

  it('lies around the median, within the samples, and scales with them', () => {
    fc.assert(
      fc.property(lists, (values) => {
        const { median, low, high, effectiveCount: count } = medianInterval(values)
        expect(low).toBeLessThanOrEqual(median)
        expect(high).toBeGreaterThanOrEqual(median)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values))
        expect(high).toBeLessThanOrEqual(Math.max(...values))
        expect(count).toBeGreaterThanOrEqual(1)
        expect(count).toBeLessThanOrEqual(values.length)
        const doubled = medianInterval(values.map((value) => value * 2))
        expect([doubled.low, doubled.high]).toEqual([low * 2, high * 2])
      }),
    )
  })

  it('is the whole range of fewer than six, a point of equal ones, NaN of none', () => {
    expect(medianInterval([3, 1, 2])).toMatchObject({ low: 1, median: 2, high: 3 })
    expect(medianInterval(Array(50).fill(4))).toEqual({ low: 4, median: 4, high: 4, effectiveCount: 50 })
    expect(medianInterval([]).median).toBeNaN()
  })

  it('does not take shuffled samples for correlated ones', () => {
    const drifting = Float64Array.from({ length: 400 }, (_, i) => 1 + i / 400)
    const shuffled = rng(1).shuffle([...drifting])
    expect(effectiveCount(drifting)).toBeLessThan(20)
    expect(effectiveCount(shuffled)).toBeGreaterThan(200)
  })
})
