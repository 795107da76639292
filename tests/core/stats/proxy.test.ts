import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { regret, topKRecall } from '#core/stats/proxy.ts'

/** All subsets of k indices. */
function subsets(n: number, k: number): number[][] {
  if (k === 0) return [[]]
  if (n < k) return []
  return [...subsets(n - 1, k), ...subsets(n - 1, k - 1).map((subset) => [...subset, n - 1])]
}

/** Averages over every choice of k items that a proxy with ties could make. */
function naive(proxy: readonly number[], final: readonly number[], k: number): { recall: number; regret: number } {
  const picks = subsets(proxy.length, k).filter((subset) => {
    const worst = Math.max(...subset.map((i) => proxy[i]!))
    return proxy.every((value, i) => subset.includes(i) || value >= worst)
  })
  const cut = [...final].sort((a, b) => a - b)[k - 1]!
  const average = (value: (subset: number[]) => number): number =>
    picks.reduce((sum, subset) => sum + value(subset), 0) / picks.length
  return {
    recall: average((subset) => subset.filter((i) => final[i]! <= cut).length / k),
    regret: average((subset) => Math.min(...subset.map((i) => final[i]!)) - Math.min(...final)),
  }
}

describe('topKRecall and regret', () => {
  const proxy = [3, 1, 4, 2, 5]
  const final = [30, 12, 10, 11, 50]

  it('score a proxy by its best k', () => {
    expect(topKRecall(proxy, final, 2)).toEqual({ value: 0.5, count: 5, dropped: 0 })
    expect(topKRecall(proxy, final, 5).value).toBe(1)
    expect(regret(proxy, final, 1).value).toBe(2)
    expect(regret(proxy, final, 2).value).toBe(1)
    expect(regret(proxy, final, 4).value).toBe(0)
  })

  it('turn with the direction', () => {
    const flip = (values: readonly number[]): number[] => values.map((value) => -value)
    for (const k of [1, 2, 3]) {
      const options = { direction: 'maximise' } as const
      expect(regret(flip(proxy), flip(final), k, options)).toEqual(regret(proxy, final, k))
      expect(topKRecall(flip(proxy), flip(final), k, options)).toEqual(topKRecall(proxy, final, k))
    }
  })

  it('drop and count items that are not finite', () => {
    expect(regret([NaN, ...proxy], [1, ...final], 1)).toEqual({ value: 2, count: 5, dropped: 1 })
    expect(topKRecall([...proxy, 0], [...final, NaN], 2)).toEqual({ value: 0.5, count: 5, dropped: 1 })
  })

  it('average over ties of the proxy, for any data', () => {
    const value = fc.integer({ min: 0, max: 4 })
    const items = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 7 })
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 7 }), (pairs, any) => {
        const k = Math.min(any, pairs.length)
        const x = pairs.map(([a]) => a)
        const y = pairs.map(([, b]) => b)
        const expected = naive(x, y, k)
        expect(topKRecall(x, y, k).value).toBeCloseTo(expected.recall, 12)
        expect(regret(x, y, k).value).toBeCloseTo(expected.regret, 12)
      }),
    )
  })

  it('refuse a k that the items do not allow', () => {
    for (const k of [0, 6, 1.5, NaN]) expect(() => topKRecall(proxy, final, k)).toThrow(/k \(/)
    expect(() => regret([], [], 1)).toThrow(/0 usable items/)
    expect(() => regret([NaN], [1], 1)).toThrow(/0 usable items/)
  })
})
