import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import {
  fitScalingLaw,
  heldOutError,
  predictLoss,
  type LawPoint,
  type ScalingLaw,
} from '#core/stats/law/scaling-law.ts'

const depths = [4, 6, 8, 12, 18, 24]
const widths = [256, 384, 512, 768, 1024]

function law(parts: Partial<ScalingLaw>): ScalingLaw {
  return { L0: 0, a: 0, alpha: 0, b: 0, beta: 0, c: 0, gamma: 0, ...parts }
}

function grid(truth: ScalingLaw, tokens: readonly (number | undefined)[], noise = 0, seed = 1): LawPoint[] {
  const random = rng('law', seed)
  return depths.flatMap((depth) =>
    widths.flatMap((width) =>
      tokens.map((count) => ({
        depth,
        width,
        tokens: count,
        loss: predictLoss(truth, { depth, width, tokens: count }) * Math.exp(noise * random.normal()),
      })),
    ),
  )
}

const planted: readonly { name: string; truth: ScalingLaw; tokens: readonly (number | undefined)[] }[] = [
  { name: 'typical', truth: law({ L0: 1.7, a: 2.1, alpha: 0.8, b: 40, beta: 0.6 }), tokens: [undefined] },
  { name: 'steep', truth: law({ L0: 10, a: 30, alpha: 1.2, b: 9000, beta: 1.1 }), tokens: [1e9] },
  { name: 'slow, without a floor', truth: law({ a: 1, alpha: 0.1, b: 3, beta: 0.1 }), tokens: [1e9] },
  {
    name: 'with tokens',
    truth: law({ L0: 2.5, a: 1.2, alpha: 0.35, b: 9, beta: 0.3, c: 400, gamma: 0.28 }),
    tokens: [1e8, 1e9, 5e9],
  },
]

describe('fitScalingLaw', () => {
  it.each(planted)('recovers a planted law without noise: $name', ({ truth, tokens }) => {
    const fit = fitScalingLaw(grid(truth, tokens))
    for (const name of ['L0', 'a', 'alpha', 'b', 'beta', 'c', 'gamma'] as const) {
      expect(Math.abs(fit.law[name] - truth[name])).toBeLessThanOrEqual(1e-5 * Math.max(truth[name], 1e-3))
    }
    const beyond = { depth: 48, width: 2048, tokens: tokens[0] }
    expect(Math.abs(predictLoss(fit.law, beyond) / predictLoss(truth, beyond) - 1)).toBeLessThan(1e-6)
    expect(fit.r2).toBeCloseTo(1, 9)
    expect(fit.freeNumbers).toBe(tokens.length > 1 ? 7 : 5)
  })

  it.each(planted)('predicts within the noise on and beyond the points at 1 % noise: $name', ({ truth, tokens }) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const fit = fitScalingLaw(grid(truth, tokens, 0.01, seed))
      const within = heldOutError(grid(truth, tokens), fit.law)
      expect(within.worst).toBeLessThan(0.02)
      const beyond = { depth: 36, width: 1536, tokens: tokens[0] }
      expect(Math.abs(predictLoss(fit.law, beyond) / predictLoss(truth, beyond) - 1)).toBeLessThan(0.05)
      expect(fit.delta).toBeGreaterThan(0.008)
      expect(fit.delta).toBeLessThan(0.025)
    }
  })

  it('finds the optimum that an independent search finds, under squared and under Huber loss', () => {
    // Python: Nelder-Mead on (log L0, log a, log b, log alpha, log beta), 12 random starts each; both optima have L0 = 0
    const losses = [3.6494, 3.1877, 2.9243, 3.5684, 3.0072, 2.7582, 3.4268, 3.0387, 2.5831, 3.3486, 2.7999, 2.4704]
    const points = losses.map((loss, i) => ({
      depth: [4, 8, 12, 24][Math.floor(i / 3)]!,
      width: [256, 512, 1024][i % 3]!,
      loss,
    }))
    const far = { depth: 32, width: 2048 }
    const near = { depth: 8, width: 512 }

    const squared = fitScalingLaw(points, { delta: 1e6 })
    expect(squared.residuals.reduce((sum, r) => sum + (r * r) / 2, 0)).toBeCloseTo(0.0011139832280551022, 12)
    expect(squared.law.L0).toBeCloseTo(0, 9)
    expect(squared.law.alpha).toBeCloseTo(0.10917048669520989, 5)
    expect(squared.law.beta).toBeCloseTo(0.5855705061407293, 5)
    expect(predictLoss(squared.law, far)).toBeCloseTo(2.212635185202475, 6)
    expect(predictLoss(squared.law, near)).toBeCloseTo(3.048970151490674, 6)

    const huber = fitScalingLaw(points, { delta: 0.01 })
    const objective = huber.residuals
      .map(Math.abs)
      .reduce((sum, r) => sum + (r <= 0.01 ? (r * r) / 2 : 0.01 * (r - 0.005)), 0)
    expect(objective).toBeLessThan(0.0008637039080394242 + 1e-10)
    expect(huber.law.alpha).toBeCloseTo(0.10115543666566452, 3)
    expect(huber.law.beta).toBeCloseTo(0.7490081303455738, 3)
    expect(predictLoss(huber.law, far)).toBeCloseTo(2.2507677446074914, 4)
  })

  it('is not bent by a diverged run', () => {
    const truth = planted[0]!.truth
    const points = grid(truth, [undefined], 0.005)
    const spoiled = points.map((point, i) => (i === 7 || i === 22 ? { ...point, loss: 1.6 * point.loss } : point))
    const robust = heldOutError(grid(truth, [undefined]), fitScalingLaw(spoiled).law)
    const squared = heldOutError(grid(truth, [undefined]), fitScalingLaw(spoiled, { delta: 1e6 }).law)
    expect(robust.worst).toBeLessThan(0.015)
    expect(squared.worst).toBeGreaterThan(3 * robust.worst)
  })

  it('does not depend on the units of loss and size, nor on the order of the points', () => {
    const points = grid(planted[0]!.truth, [undefined], 0.01)
    const fit = fitScalingLaw(points)
    const scaled = fitScalingLaw(
      points.toReversed().map(({ depth, width, loss }) => ({ depth: 2 * depth, width: width / 64, loss: 1000 * loss })),
    )
    expect(scaled.law.L0 / fit.law.L0).toBeCloseTo(1000, 2)
    expect(scaled.law.alpha).toBeCloseTo(fit.law.alpha, 5)
    expect(scaled.law.b / (1000 * fit.law.b * 64 ** -fit.law.beta)).toBeCloseTo(1, 4)
    expect(fitScalingLaw(points)).toEqual(fit)
  })

  it('leaves out and counts points that are not finite', () => {
    const points = grid(planted[0]!.truth, [undefined])
    const fit = fitScalingLaw([...points, { depth: 4, width: 64, loss: NaN }, { depth: 4, width: 64, loss: Infinity }])
    expect(fit).toMatchObject({ count: points.length, dropped: 2 })
    expect(fit.residuals).toHaveLength(points.length)
  })

  it('refuses points that no law can be fitted to', () => {
    const good = { depth: 4, width: 256, loss: 3 }
    expect(() => fitScalingLaw([good, good])).toThrow(/at least 3 points of finite loss, not 2/)
    expect(() => fitScalingLaw([good, good, { ...good, loss: 0 }])).toThrow(/loss \(0\) must be positive/)
    expect(() => fitScalingLaw([good, good, { ...good, width: -1 }])).toThrow(/width \(-1\)/)
    expect(() => fitScalingLaw([good, good, { ...good, depth: NaN }])).toThrow(/depth \(NaN\)/)
    expect(() => fitScalingLaw([good, good, { ...good, tokens: 1e9 }])).toThrow(/either all points or none/)
    expect(() => fitScalingLaw([good, good, good], { delta: 0 })).toThrow(/delta \(0\)/)
  })
})

describe('warnings of a fit', () => {
  const truth = planted[0]!.truth
  const kinds = (points: readonly LawPoint[]): string[] =>
    fitScalingLaw(points).warnings.map(({ kind, axis }) => (axis === undefined ? kind : `${kind} ${axis}`))

  it('are absent for a good design', () => {
    expect(kinds(grid(truth, [undefined]))).toEqual([])
    expect(kinds(grid(truth, [undefined], 0.01))).toEqual([])
  })

  it('name a size that does not vary or has two values only', () => {
    const points = grid(truth, [undefined])
    const shallow = fitScalingLaw(points.filter((point) => point.depth === 4))
    expect(shallow.warnings.map((warning) => `${warning.kind} ${warning.axis}`)).toContain('constant-size depth')
    expect(shallow.axes).toEqual(['width'])
    expect(shallow.law).toMatchObject({ a: 0, alpha: 0 })
    expect(kinds(points.filter((point) => point.width === 512))).toContain('constant-size width')
    expect(kinds(points.filter((point) => point.depth <= 6))).toContain('few-levels depth')
  })

  it('name too few points', () => {
    expect(kinds(grid(truth, [undefined]).filter((_, i) => i % 6 === 0))).toContain('few-points')
  })

  it('name sizes that grow together', () => {
    const points = depths.map((depth) => ({ depth, width: 64 * depth, loss: 2 + 3 * depth ** -0.5 }))
    expect(kinds(points)).toContain('ill-conditioned')
  })

  it('name a term that vanishes and an exponent at its bound', () => {
    const points = grid(truth, [undefined])
    expect(kinds(points.map((point) => ({ ...point, loss: 2 + 3 * (point.width / 256) ** -0.5 })))).toContain(
      'term-vanished depth',
    )
    expect(kinds(points.map((point) => ({ ...point, loss: 2 + 9 * (point.depth / 4) ** -7 })))).toContain(
      'exponent-at-bound depth',
    )
  })
})

describe('predictLoss', () => {
  it('is the formula', () => {
    const at = { depth: 4, width: 16, tokens: 100 }
    const value = predictLoss({ L0: 1, a: 2, alpha: 0.5, b: 4, beta: 0.25, c: 10, gamma: 1 }, at)
    expect(value).toBeCloseTo(1 + 1 + 2 + 0.1, 12)
  })

  it('keeps to the tokens that it was fitted at', () => {
    const fit = fitScalingLaw(grid(planted[1]!.truth, [1e9]))
    expect(predictLoss(fit.law, { depth: 8, width: 512 })).toBe(
      predictLoss(fit.law, { depth: 8, width: 512, tokens: 1e9 }),
    )
    expect(() => predictLoss(fit.law, { depth: 8, width: 512, tokens: 2e9 })).toThrow(/fitted at 1000000000 tokens/)
    expect(() => predictLoss(planted[3]!.truth, { depth: 8, width: 512 })).toThrow(/a prediction needs their count/)
    expect(() => predictLoss(fit.law, { depth: 0, width: 512 })).toThrow(/depth \(0\)/)
  })

  it('survives a round trip through JSON', () => {
    const fit = fitScalingLaw(grid(planted[0]!.truth, [undefined]))
    const stored = JSON.parse(JSON.stringify(fit)) as typeof fit
    expect(predictLoss(stored.law, { depth: 8, width: 512 })).toBe(predictLoss(fit.law, { depth: 8, width: 512 }))
  })
})

describe('heldOutError', () => {
  it('gives relative errors with their sign', () => {
    const truth = law({ L0: 2 })
    const errors = heldOutError(
      [
        { depth: 1, width: 1, loss: 1 },
        { depth: 1, width: 1, loss: 4 },
      ],
      truth,
    )
    expect(errors).toEqual({ relative: [1, -0.5], worst: 1, mean: 0.75 })
    expect(heldOutError([], truth).worst).toBeNaN()
    expect(() => heldOutError([{ depth: 1, width: 1, loss: NaN }], truth)).toThrow(/loss \(NaN\)/)
  })
})
