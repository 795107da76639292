import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kendall, kendallOfCounts, pearson, ranks, spearman, spearmanOfCounts } from '#core/stats/rank.ts'

// few distinct values, so that ties of all kinds occur
const tied = fc.integer({ min: 0, max: 6 })
const pairs = fc.array(fc.tuple(tied, tied), { minLength: 2, maxLength: 30 })

/** Average rank by definition. */
function naiveRanks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return below + (equal + 1) / 2
  })
}

/** Tau-b by its definition over all pairs. */
function naiveKendall(x: readonly number[], y: readonly number[]): number {
  let balance = 0
  let untiedX = 0
  let untiedY = 0
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const sign = Math.sign(x[i]! - x[j]!) * Math.sign(y[i]! - y[j]!)
      balance += sign
      if (x[i] !== x[j]) untiedX++
      if (y[i] !== y[j]) untiedY++
    }
  }
  return balance / Math.sqrt(untiedX * untiedY)
}

describe('ranks', () => {
  it('shares the average among ties and leaves NaN out', () => {
    expect([...ranks([3, NaN, 1, 3])]).toEqual([2.5, NaN, 1, 2.5])
    expect([...ranks([])]).toEqual([])
    expect([...ranks([Infinity, -Infinity, 0, -0])]).toEqual([4, 1, 2.5, 2.5])
  })

  it('agrees with the definition', () => {
    fc.assert(
      fc.property(fc.array(tied), (values) => {
        expect([...ranks(values)]).toEqual(naiveRanks(values))
      }),
    )
  })
})

describe('spearman and kendall', () => {
  it('agree with brute force over many ties', () => {
    // Python: Pearson by np.corrcoef of brute-force ranks; tau-b over all pairs
    const x = [5, 6, 0, 6, 3, 4, 5, 2, 7, 0, 2, 3, 4, 3, 1, 0, 0, 0, 1, 7, 1, 5, 6, 1, 2]
    const y = [8, 8, 7, 7, 10, 10, 11, 2, 10, 5, 5, 8, 9, 8, 1, 7, 4, 7, 3, 9, 8, 6, 6, 3, 7]
    expect(spearman(x, y)).toBeCloseTo(0.5458463949843261, 14)
    expect(kendall(x, y)).toBeCloseTo(0.3977961264790775, 14)
  })

  it('agree with their definitions for any pairs', () => {
    fc.assert(
      fc.property(pairs, (items) => {
        const x = items.map(([a]) => a)
        const y = items.map(([, b]) => b)
        const rho = pearson(naiveRanks(x), naiveRanks(y))
        const tau = naiveKendall(x, y)
        if (Number.isNaN(tau)) {
          expect(spearman(x, y)).toBeNaN()
          expect(kendall(x, y)).toBeNaN()
        } else {
          expect(spearman(x, y)).toBeCloseTo(rho, 12)
          expect(kendall(x, y)).toBeCloseTo(tau, 12)
        }
      }),
    )
  })

  it('do not change under monotone maps, and change sign under falling ones', () => {
    const rising = [(v: number): number => v ** 3 + v, Math.exp, (v: number): number => Math.atan(v) - 7]
    fc.assert(
      fc.property(pairs, fc.constantFrom(...rising), fc.constantFrom(...rising), (items, f, g) => {
        const x = items.map(([a]) => a)
        const y = items.map(([, b]) => b)
        for (const correlate of [spearman, kendall]) {
          expect(correlate(x.map(f), y.map(g))).toBe(correlate(x, y))
          const mirrored = correlate(
            x.map((v) => -f(v)),
            y,
          )
          expect(mirrored).toEqual(0 - correlate(x, y))
        }
      }),
    )
  })

  it('are 1 for the same order, -1 for the opposite, symmetric and blind to the order of items', () => {
    expect([spearman([1, 2, 3], [10, 20, 30]), kendall([1, 2, 3], [3, 2, 1])]).toEqual([1, -1])
    fc.assert(
      fc.property(pairs, (items) => {
        const reversed = [...items].reverse()
        for (const correlate of [spearman, kendall]) {
          const forward = correlate(
            items.map(([a]) => a),
            items.map(([, b]) => b),
          )
          const swapped = correlate(
            reversed.map(([, b]) => b),
            reversed.map(([a]) => a),
          )
          if (Number.isNaN(forward)) expect(swapped).toBeNaN()
          else expect(swapped).toBeCloseTo(forward, 13)
        }
      }),
    )
  })

  it('count multiplicities as repeated items', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(tied, tied, fc.integer({ min: 0, max: 3 })), { minLength: 2 }), (items) => {
        const counts = Int32Array.from(items, ([, , count]) => count)
        const expanded = items.flatMap(([a, b, count]) => Array.from({ length: count }, () => [a, b] as const))
        const x = items.map(([a]) => a)
        const y = items.map(([, b]) => b)
        const longX = expanded.map(([a]) => a)
        const longY = expanded.map(([, b]) => b)
        expect(spearmanOfCounts(x, y)(counts)).toEqual(spearman(longX, longY))
        expect(kendallOfCounts(x, y)(counts)).toEqual(kendall(longX, longY))
      }),
    )
  })

  it('are NaN for constant lists, short ones and values that are not finite', () => {
    for (const correlate of [spearman, kendall, pearson]) {
      expect(correlate([], [])).toBeNaN()
      expect(correlate([1], [1])).toBeNaN()
      expect(correlate([1, 1, 1], [1, 2, 3])).toBeNaN()
      expect(correlate([1, 2, NaN], [1, 2, 3])).toBeNaN()
      expect(correlate([1, 2, Infinity], [1, 2, 3])).toBeNaN()
      expect(() => correlate([1, 2], [1])).toThrow(/lengths 2 and 1/)
    }
  })

  it('stay exact for long lists', () => {
    const n = 20_000
    const x = Array.from({ length: n }, (_, i) => i)
    const y = x.map((i) => (i % 2 === 0 ? i + 1 : i - 1)) // n / 2 swaps of neighbours
    expect(kendall(x, y)).toBeCloseTo(1 - (2 * (n / 2)) / ((n * (n - 1)) / 2), 14)
    expect(spearman(x, y)).toBeCloseTo(1 - (6 * n) / (n * (n * n - 1)), 14)
  })
})
