import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  finite,
  finitePairs,
  iqr,
  mean,
  median,
  medianAbsoluteDeviation,
  quantile,
  standardDeviation,
  summarise,
  variance,
} from '#core/stats/summary.ts'

// reference numbers: numpy 2.4 (np.quantile, mean, std(ddof=1)) of these values
const latencies = [2.72, 3.063, 2.436, 1.904, 2.266, 1.828, 2.784, 4.646, 2.232, 2.121, 3.307, 3.135, 2.835]
const finiteNumber = fc.double({ min: -1e6, max: 1e6, noNaN: true })

describe('summary', () => {
  it('agrees with numpy', () => {
    const quantiles = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1].map((p) => quantile(latencies, p))
    const expected = [1.828, 1.8736, 2.232, 2.72, 3.063, 3.8425999999999982, 4.485319999999999, 4.646]
    quantiles.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12))
    expect(mean(latencies)).toBeCloseTo(2.7136153846153848, 14)
    expect(standardDeviation(latencies)).toBeCloseTo(0.7475486091732918, 14)
    expect(iqr(latencies)).toBeCloseTo(0.831, 12)
    expect(medianAbsoluteDeviation(latencies)).toBeCloseTo(1.4826022185056018 * 0.454, 12)
  })

  it('averages the two middle values of an even sample and leaves its input as it was', () => {
    const values = [4, 1, 3, 2]
    expect(median(values)).toBe(2.5)
    expect(values).toEqual([4, 1, 3, 2])
  })

  it('keeps the digits of a long sum', () => {
    expect(mean([1e16, 1, 1, -1e16])).toBe(0.5)
    expect(mean([1, Infinity])).toBe(Infinity)
  })

  it('is NaN for nothing, for NaN and for too few values', () => {
    for (const statistic of [mean, median, iqr, variance]) {
      expect(statistic([])).toBeNaN()
      expect(statistic([1, NaN, 2])).toBeNaN()
    }
    expect(variance([3])).toBeNaN()
    expect(quantile([1, 2], 1.1)).toBeNaN()
    expect(quantile([1, 2], NaN)).toBeNaN()
  })

  it('handles infinite values without making NaN of finite quantiles', () => {
    expect(quantile([1, 2, Infinity], 0.5)).toBe(2)
    expect(quantile([1, 2, Infinity], 1)).toBe(Infinity)
  })

  it('describes finite values and counts the others', () => {
    const summary = summarise([3, NaN, 1, Infinity, 2])
    expect(summary).toMatchObject({ count: 3, dropped: 2, mean: 2, min: 1, p50: 2, max: 3, iqr: 1 })
    expect(summarise([]).p50).toBeNaN()
    expect([...finite([1, NaN, -Infinity, 2])]).toEqual([1, 2])
  })

  it('drops pairs with a value that is not finite', () => {
    const pairs = finitePairs([1, NaN, 3, 4], [5, 6, Infinity, 8])
    expect({ x: [...pairs.x], y: [...pairs.y], dropped: pairs.dropped }).toEqual({ x: [1, 4], y: [5, 8], dropped: 2 })
    expect(() => finitePairs([1], [1, 2])).toThrow(/lengths 1 and 2/)
  })

  it('has quantiles that are monotone, within range and equivariant', () => {
    fc.assert(
      fc.property(
        fc.array(finiteNumber, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, p, q) => {
          const [low, high] = p < q ? [p, q] : [q, p]
          expect(quantile(values, low)).toBeLessThanOrEqual(quantile(values, high) + 1e-9)
          expect(quantile(values, 0) === Math.min(...values)).toBe(true)
          const mirrored = values.map((value) => -value)
          expect(quantile(mirrored, 1 - p)).toBeCloseTo(-quantile(values, p), 3)
        },
      ),
    )
  })
})
