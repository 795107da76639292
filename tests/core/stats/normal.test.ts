import { describe, expect, it } from 'vitest'
import { binomialCdf, normalCdf, normalQuantile } from '#core/stats/normal.ts'

describe('normal distribution', () => {
  it('agrees with an independent cdf', () => {
    // math.erfc(-x / sqrt(2)) / 2 of Python
    const expected: [number, number][] = [
      [-6, 9.865876450377012e-10],
      [-3, 0.0013498980316300957],
      [-1.5, 0.06680720126885809],
      [0.3, 0.6179114221889526],
      [2.5, 0.9937903346742238],
    ]
    for (const [x, p] of expected) expect(Math.abs(normalCdf(x) / p - 1)).toBeLessThan(1e-12)
    expect(normalCdf(0)).toBe(0.5)
    expect(normalCdf(Infinity)).toBe(1)
    expect(normalCdf(-Infinity)).toBe(0)
  })

  it('agrees with an independent quantile', () => {
    // statistics.NormalDist().inv_cdf of Python
    const expected: [number, number][] = [
      [1e-12, -7.034483825301132],
      [0.001, -3.090232306167813],
      [0.025, -1.9599639845400538],
      [0.3, -0.5244005127080407],
      [0.9, 1.2815515655446008],
      [0.999, 3.090232306167813],
    ]
    for (const [p, x] of expected) expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(1e-8)
    for (const p of [1e-300, 1e-20, 0.01, 0.4999, 0.5, 0.73]) {
      expect(Math.abs(normalCdf(normalQuantile(p)) / p - 1)).toBeLessThan(1e-10)
    }
    expect([normalQuantile(0), normalQuantile(1), normalQuantile(-0.1)]).toEqual([-Infinity, Infinity, NaN])
  })
})

describe('binomial distribution', () => {
  it('agrees with sums of exact terms', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k)
    for (const [n, p] of [
      [1, 0.5],
      [10, 0.3],
      [25, 0.95],
    ] as const) {
      let sum = 0
      binomialCdf(n, p).forEach((value, k) => {
        sum += choose(n, k) * p ** k * (1 - p) ** (n - k)
        expect(value).toBeCloseTo(sum, 12)
      })
    }
  })

  it('does not underflow for large samples', () => {
    const cdf = binomialCdf(20_000, 0.5)
    expect(cdf[9999]! + 0.5 * (cdf[10_000]! - cdf[9999]!)).toBeCloseTo(0.5, 10)
    expect(cdf[20_000]).toBeCloseTo(1, 12)
  })
})
