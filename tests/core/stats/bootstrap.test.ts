import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { bootstrapCi, bootstrapPairedCi } from '#core/stats/bootstrap.ts'
import { contains } from '#core/stats/interval.ts'
import { pearson } from '#core/stats/rank.ts'
import { mean, quantileOfSorted } from '#core/stats/summary.ts'

// 15 American law schools: mean LSAT and GPA of a class (Efron & Tibshirani 1993, table 3.1)
const lsat = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
const gpa = [3.39, 3.3, 2.81, 3.03, 3.44, 3.07, 3.0, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]

describe('bootstrap', () => {
  it('agrees with an independent implementation on the law schools', () => {
    // numpy, 400,000 resamples: estimate 0.776374; the interval below is good to about 0.005 at 20,000 resamples
    const options = { resamples: 20_000, level: 0.95 }
    const bca = bootstrapPairedCi(lsat, gpa, pearson, { ...options, rng: rng('law'), method: 'bca' })
    expect(bca.estimate).toBeCloseTo(0.776374491289407, 12)
    expect(Math.abs(bca.low - 0.33335)).toBeLessThan(0.015)
    expect(Math.abs(bca.high - 0.94167)).toBeLessThan(0.003)
    const percentile = bootstrapPairedCi(lsat, gpa, pearson, { ...options, rng: rng('law'), method: 'percentile' })
    expect(Math.abs(percentile.low - 0.4583)).toBeLessThan(0.012)
    expect(Math.abs(percentile.high - 0.96161)).toBeLessThan(0.003)
  })

  it('gives the same interval for the same seed and another for another', () => {
    const once = bootstrapCi(gpa, mean, { rng: rng(1) })
    expect(bootstrapCi(gpa, mean, { rng: rng(1) })).toEqual(once)
    expect(bootstrapCi(gpa, mean, { rng: rng(2) })).not.toEqual(once)
  })

  it('is the exact bootstrap distribution for a sample small enough to enumerate', () => {
    // all 27 resamples of three values: means 1, 4/3, 5/3, 2, ... with multinomial weights
    const values = [1, 2, 6]
    const all: number[] = []
    for (const a of values) for (const b of values) for (const c of values) all.push((a + b + c) / 3)
    all.sort((a, b) => a - b)
    const { low, high } = bootstrapCi(values, mean, {
      rng: rng(3),
      resamples: 50_000,
      level: 0.8,
      method: 'percentile',
    })
    expect(low).toBeCloseTo(quantileOfSorted(all, 0.1), 9)
    expect(high).toBeCloseTo(quantileOfSorted(all, 0.9), 9)
  })

  it('lets a statistic sort its scratch sample without harm', () => {
    const values = [5, 1, 4, 2, 3, 9]
    const sorting = (sample: Float64Array): number => sample.sort()[sample.length >> 1]!
    bootstrapCi(values, sorting, { rng: rng(4) })
    expect(values).toEqual([5, 1, 4, 2, 3, 9])
  })

  it('leaves out resamples in which the statistic is not defined, and counts them', () => {
    const interval = bootstrapPairedCi([1, 2, 3], [1, 3, 2], pearson, { rng: rng(5), resamples: 1000 })
    expect(interval.undefinedResamples).toBeGreaterThan(50) // 3 of 27 resamples repeat one pair
    expect(interval.resamples + interval.undefinedResamples).toBe(1000)
    expect(interval.low).toBeGreaterThanOrEqual(-1)
    const never = bootstrapCi([1, 2], () => NaN, { rng: rng(5) })
    expect([never.estimate, never.low, never.high]).toEqual([NaN, NaN, NaN])
  })

  it('counts resamples that equal the estimate half, so that a symmetric sample has a symmetric interval', () => {
    // a share in steps of 1/4: more than a third of the resamples equal the estimate
    const { low, high } = bootstrapCi([0, 0, 1, 1], mean, { rng: rng(7), resamples: 20_000, level: 0.8 })
    expect([low, high]).toEqual([0.25, 0.75])
  })

  it('has no width for a constant sample', () => {
    expect(bootstrapCi([2, 2, 2, 2], mean, { rng: rng(6) })).toMatchObject({ estimate: 2, low: 2, high: 2 })
  })

  it('refuses impossible options', () => {
    expect(() => bootstrapCi([], mean, { rng: rng(0) })).toThrow(/at least one item/)
    expect(() => bootstrapCi([1], mean, { rng: rng(0), resamples: 1e9 })).toThrow(/resamples \(1000000000\)/)
    expect(() => bootstrapCi([1], mean, { rng: rng(0), level: 1 })).toThrow(/level \(1\)/)
    expect(() => bootstrapPairedCi([1], [1, 2], pearson, { rng: rng(0) })).toThrow(/lengths/)
  })

  // measured over 3,000 samples with 1,000 resamples: 95.0 % for 200 values, 93.7 % for 60, 92.6 % for 20
  it('covers 93 to 97 % for the mean of 200 skewed values', () => {
    const random = rng('bootstrap coverage')
    const rounds = 1500
    let covered = 0
    for (let i = 0; i < rounds; i++) {
      const sample = Array.from({ length: 200 }, () => Math.exp(0.4 * random.normal()))
      if (contains(bootstrapCi(sample, mean, { rng: random, resamples: 300 }), Math.exp(0.08))) covered++
    }
    expect(covered / rounds).toBeGreaterThan(0.93)
    expect(covered / rounds).toBeLessThan(0.97)
  })
})
