import { describe, expect, it } from 'vitest'
import {
  bestShape,
  isoLevels,
  lawGroups,
  lawOfShapes,
  shapesOf,
} from '../../../src/renderer/views/profile/sweeps/law.ts'

const lossAt = (depth: number, width: number): number => 1 + 2 / depth ** 0.7 + 12 / width ** 0.6
const trials = [2, 4, 8, 16].flatMap((depth, i) =>
  [1e5, 4e5, 16e5].map((budget, j) => {
    const width = Math.round(Math.sqrt(budget / depth / 4))
    return {
      number: 3 * i + j,
      spec: null,
      state: 'done',
      metrics: {
        depth,
        width,
        budget,
        params: 4 * depth * width ** 2,
        latencyMs: depth * 0.1,
        valLoss: lossAt(depth, width),
      },
    }
  }),
)
const shapes = shapesOf(trials)

describe('the law of a sweep', () => {
  const law = lawOfShapes(shapes, 1)!

  it('recovers the law that made the losses, with small residuals', () => {
    for (const [name, value] of [
      ['L0', 1],
      ['alpha', 0.7],
      ['beta', 0.6],
    ] as const)
      expect(law.bands.law[name]).toBeCloseTo(value, 2)
    expect(Math.max(...[...law.residuals.values()].map(Math.abs))).toBeLessThan(1e-3)
    expect(law.heldOut!.worst).toBeLessThan(0.01)
  })

  it('draws each budget with its points on its curve', () => {
    const groups = lawGroups(shapes, law, String)
    expect(groups.map((g) => g.points.length)).toEqual([4, 4, 4])
    for (const { points, curve } of groups)
      for (const p of points) expect(curve.find((c) => c.depth === p.depth)!.loss).toBeCloseTo(p.loss, 3)
    expect(groups[2]!.points.every((p) => p.isHeldOut)).toBe(true)
  })

  it('chooses within a budget of latency or of parameters', () => {
    const within = shapes.filter((s) => s.latencyMs <= 0.5)
    const best = within.reduce((a, b) => (b.loss < a.loss ? b : a))
    expect(bestShape(shapes, law, 'latencyMs', 0.5).chosen).toMatchObject({ depth: best.depth, width: best.width })
    const small = shapes.filter((s) => s.params <= 5e5).reduce((a, b) => (b.loss < a.loss ? b : a))
    expect(bestShape(shapes, law, 'params', 5e5).chosen).toMatchObject({ depth: small.depth, width: small.width })
    expect(bestShape(shapes, law, 'latencyMs', 0.01).chosen).toBeUndefined()
  })

  it('needs three losses; failed trials stay shapes', () => {
    const failed = trials.map((t, i) =>
      i < 2 ? t : { ...t, state: 'failed', metrics: { ...t.metrics, valLoss: null } },
    )
    expect(shapesOf(failed)).toHaveLength(12)
    expect(lawOfShapes(shapesOf(failed), 1)).toBeUndefined()
    expect(shapesOf([{ number: 0, spec: null, state: 'failed', metrics: null }])).toEqual([])
  })
})

it('spreads lines of equal latency over what occurs', () => {
  const levels = isoLevels([0.1, 1, 10, NaN])
  expect(levels).toHaveLength(4)
  expect(levels.every((ms, i) => ms > 0.1 && ms < 10 && (i === 0 || ms > levels[i - 1]!))).toBe(true)
  expect(isoLevels([1])).toEqual([])
  expect(isoLevels([1, 1])).toEqual([])
})
