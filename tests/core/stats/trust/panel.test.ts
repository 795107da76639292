import { HeddleError } from '#core/errors.ts'
import { rng } from '#core/rng.ts'
import { meanCurve } from '#core/stats/trust/replicates.ts'
import { noiseCeiling } from '#core/stats/trust/ceiling.ts'
import { trustPanel } from '#core/stats/trust/panel.ts'
import type { TrustItem } from '#core/stats/trust/panel.ts'
import { describe, expect, it } from 'vitest'

const item = (name: string, values: readonly number[], final: number, more: Partial<TrustItem> = {}): TrustItem => ({
  name,
  replicates: [{ curve: values.map((value, i) => ({ step: 10 * (i + 1), value })), final }],
  baselines: {},
  scores: {},
  ...more,
})

// finals 1 2 3 4 5; step 10 ranks them 2 1 4 3 5: Spearman 1 - 6 * 4 / 120 = 0.8, Kendall (8 - 2) / 10 = 0.6
const FIRST = [2, 1, 4, 3, 5]
const items = FIRST.map((first, i) =>
  item(`s${i}`, [first, i + 1], i + 1, {
    baselines: { params: 100 - i, stateBytes: 7 },
    scores: { piqa: 0.9 - 0.1 * i },
  }),
)

describe('trustPanel', () => {
  const panel = trustPanel(items, { rng: rng(1), topK: 2, resamples: 400 })
  const final = panel.targets[0]!

  it('gives the correlations of each checkpoint as computed by hand', () => {
    expect(final.checkpoints.map((c) => c.step)).toEqual([10, 20])
    const [first, last] = final.checkpoints
    expect(first!.spearman.estimate).toBeCloseTo(0.8, 12)
    expect(first!.kendall.estimate).toBeCloseTo(0.6, 12)
    expect(first!.spearman.low).toBeLessThan(0.8)
    expect(last!.spearman.estimate).toBe(1)
    expect(first!.recall).toBe(1)
    expect(first!.regret).toBe(0)
    expect(final.settledStep).toBe(20)
  })

  it('picking one by the early metric loses one unit', () => {
    const one = trustPanel(items, { rng: rng(1), topK: 1, resamples: 100 }).targets[0]!.checkpoints[0]!
    expect([one.recall, one.regret]).toEqual([0, 1])
  })

  it('takes more as better for baselines and scores', () => {
    expect(final.baselines.find((b) => b.name === 'params')!.spearman.estimate).toBe(1)
    expect(final.baselines.find((b) => b.name === 'stateBytes')!.spearman.estimate).toBeNaN()
    const piqa = panel.targets.find((t) => t.target === 'piqa')!
    expect(piqa.checkpoints[1]!.spearman.estimate).toBe(1)
    expect(piqa.checkpoints[0]!.spearman.estimate).toBeCloseTo(0.8, 12)
  })

  it('does not depend on the direction of the metric', () => {
    const up = items.map((each) => ({
      ...each,
      replicates: each.replicates.map(({ curve, final }) => ({
        curve: curve.map(({ step, value }) => ({ step, value: -value })),
        final: -final,
      })),
    }))
    const turned = trustPanel(up, { rng: rng(1), topK: 2, resamples: 400, direction: 'maximise' }).targets[0]!
    expect(turned.checkpoints).toEqual(final.checkpoints)
  })

  it('leaves out an architecture whose run failed and counts it', () => {
    const broken = trustPanel([...items, item('bad', [9], NaN)], { rng: rng(1), resamples: 100 }).targets[0]!
    expect(broken.checkpoints[0]!.spearman).toMatchObject({ count: 5, dropped: 1 })
  })

  it('a score that one item has is not judged', () => {
    const some = items.map((each, i) => (i === 0 ? { ...each, scores: { arc: 0.2 } } : each))
    expect(trustPanel(some, { rng: rng(1), resamples: 100 }).targets.map((t) => t.target)).toEqual(['final', 'piqa'])
  })

  it('refuses too few items and an impossible k', () => {
    expect(() => trustPanel(items.slice(0, 2), { rng: rng(1) })).toThrow(HeddleError)
    expect(() => trustPanel(items, { rng: rng(1), topK: 6 })).toThrow(/top k \(6\)/)
    expect(() =>
      trustPanel([...items, { name: 'x', replicates: [], baselines: {}, scores: {} }], { rng: rng(1) }),
    ).toThrow(/x has no run/)
  })

  it('finds a planted noise level: correlation grows as the noise of the checkpoints shrinks', () => {
    const random = rng('planted')
    const noisy = Array.from({ length: 60 }, (_, i) => {
      const quality = random.normal()
      return item(
        `n${i}`,
        [3, 1, 0.1].map((sigma) => quality + sigma * random.normal()),
        quality,
      )
    })
    const rho = trustPanel(noisy, { rng: rng(2), resamples: 200 }).targets[0]!.checkpoints.map(
      (c) => c.spearman.estimate,
    )
    // Pearson 1 / sqrt(1 + sigma^2) = 0.32, 0.71, 0.995; Spearman of a bivariate normal (6 / pi) asin(r / 2) = 0.30, 0.69, 0.99
    expect(Math.abs(rho[0]! - 0.3)).toBeLessThan(0.25)
    expect(Math.abs(rho[1]! - 0.69)).toBeLessThan(0.15)
    expect(rho[2]).toBeGreaterThan(0.97)
  })
})

describe('seeds', () => {
  it('means need every seed', () => {
    const { curve, final } = meanCurve([
      {
        curve: [
          { step: 1, value: 2 },
          { step: 2, value: 4 },
        ],
        final: 1,
      },
      { curve: [{ step: 1, value: 4 }], final: 2 },
    ])
    expect(curve[0]).toEqual({ step: 1, value: 3 })
    expect(curve[1]!.value).toBeNaN()
    expect(final).toBe(1.5)
  })

  it('the ceiling is the mean agreement of seeds', () => {
    // seeds (1 2 3 4) and (1 2 4 3): 1 - 6 * 2 / 60 = 0.8; the mean of two: 1.6 / 1.8
    const ceiling = noiseCeiling(
      [
        [1, 1],
        [2, 2],
        [3, 4],
        [4, 3],
      ],
      { rng: rng(1), resamples: 200 },
    )!
    expect(ceiling).toMatchObject({ count: 4, seeds: 2 })
    expect(ceiling.estimate).toBeCloseTo(0.8, 12)
    expect(ceiling.ofMeans).toBeCloseTo(1.6 / 1.8, 12)
  })

  it('one seed has none, and a seed that failed takes its item out', () => {
    expect(noiseCeiling([[1], [2]], { rng: rng(1) })).toBeUndefined()
    expect(
      noiseCeiling(
        [
          [1, 1],
          [2, NaN],
          [3, 3],
          [4, 4],
        ],
        { rng: rng(1), resamples: 100 },
      )!.count,
    ).toBe(3)
  })
})
