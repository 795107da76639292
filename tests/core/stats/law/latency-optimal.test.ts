import { describe, expect, it } from 'vitest'
import { latencyOptimal } from '#core/stats/law/latency-optimal.ts'
import { predictLoss, type ScalingLaw } from '#core/stats/law/scaling-law.ts'

const law: ScalingLaw = { L0: 1.7, a: 2.1, alpha: 0.8, b: 40, beta: 0.6, c: 0, gamma: 0 }
const candidates = [4, 8, 16, 32].flatMap((depth) =>
  [256, 512, 1024].map((width) => ({ depth, width, latencyMs: 0.1 * depth + 1e-6 * depth * width * width })),
)

describe('latencyOptimal', () => {
  it('chooses the lowest predicted loss within the budget', () => {
    for (const budgetMs of [0.7, 1, 3, 8, 100]) {
      const within = candidates.filter((candidate) => candidate.latencyMs <= budgetMs)
      const best = Math.min(...within.map((candidate) => predictLoss(law, candidate)))
      const { chosen, ranking } = latencyOptimal({ candidates, budgetMs, law, laws: [] })
      expect(predictLoss(law, chosen!)).toBe(best)
      expect(chosen).toMatchObject(candidates[chosen!.index]!)
      expect(chosen!.probability).toBe(1)
      expect(ranking).toHaveLength(within.length)
      expect(ranking.map((r) => r.loss.estimate)).toEqual(ranking.map((r) => r.loss.estimate).sort((a, b) => a - b))
    }
  })

  it('prefers depth or width as the laws do, and says how many of them agree', () => {
    const shapes = [
      { depth: 4, width: 1024, latencyMs: 5 },
      { depth: 16, width: 256, latencyMs: 5 },
    ]
    const deep = { ...law, a: 30 }
    const laws = [law, law, law, deep]
    const { chosen, ranking } = latencyOptimal({ candidates: shapes, budgetMs: 5, law, laws, level: 0.5 })
    expect(predictLoss(law, shapes[0]!)).toBeLessThan(predictLoss(law, shapes[1]!))
    expect([chosen!.index, chosen!.probability]).toEqual([0, 0.75])
    expect(ranking[1]!.probability).toBe(0.25)
    expect(chosen!.loss.low).toBe(predictLoss(law, shapes[0]!))
    expect(chosen!.loss.high).toBeGreaterThan(chosen!.loss.low)
  })

  it('takes the faster of equal losses', () => {
    const same = [3, 1, 2].map((latencyMs) => ({ depth: 8, width: 512, latencyMs }))
    const { chosen, ranking } = latencyOptimal({ candidates: same, budgetMs: 9, law, laws: [law] })
    expect(chosen).toMatchObject({ index: 1, probability: 1 })
    expect(ranking.map((candidate) => candidate.latencyMs)).toEqual([1, 2, 3])
  })

  it('chooses nothing where nothing fits, and never a failed measurement', () => {
    expect(latencyOptimal({ candidates, budgetMs: 1e-3, law, laws: [law] })).toEqual({ chosen: undefined, ranking: [] })
    const failed = [NaN, Infinity].map((latencyMs) => ({ depth: 99, width: 9999, latencyMs }))
    expect(latencyOptimal({ candidates: failed, budgetMs: Infinity, law, laws: [] }).chosen).toBeUndefined()
  })

  it('predicts at a token count where the law has one', () => {
    const withTokens = { ...law, c: 100, gamma: 0.2 }
    const few = latencyOptimal({ candidates, budgetMs: 9, law: withTokens, laws: [], tokens: 1e6 })
    const many = latencyOptimal({ candidates, budgetMs: 9, law: withTokens, laws: [], tokens: 1e9 })
    expect(few.chosen!.loss.estimate).toBeGreaterThan(many.chosen!.loss.estimate)
    expect(() => latencyOptimal({ candidates, budgetMs: 9, law: withTokens, laws: [] })).toThrow(/needs their count/)
  })

  it('refuses impossible budgets and latencies', () => {
    expect(() => latencyOptimal({ candidates, budgetMs: 0, law, laws: [] })).toThrow(/budgetMs \(0\)/)
    expect(() => latencyOptimal({ candidates, budgetMs: NaN, law, laws: [] })).toThrow(/budgetMs \(NaN\)/)
    const wrong = [{ depth: 1, width: 1, latencyMs: -1 }]
    expect(() => latencyOptimal({ candidates: wrong, budgetMs: 1, law, laws: [] })).toThrow(/latencyMs \(-1\)/)
  })
})
