// Linear attention that begins with a state and hands one on, as prefill does, by its kernels on the CPU.

import { describe, it } from 'vitest'
import { newGraph } from '#core/ops/index.ts'
import { rng } from '#core/rng.ts'
import { normal } from '../../helpers/evaluate.ts'
import { expectByKernels } from './by-kernels.ts'
import { hasCompiler } from './cpu-machine.ts'

describe.skipIf(!hasCompiler())('linear attention with states (skipped without g++)', () => {
  it.each([
    { rule: 'delta', isFed: true },
    { rule: 'gated', isFed: false },
    { rule: 'gated_delta', isFed: true },
  ])('$rule, state fed: $isFed', { timeout: 60_000 }, async ({ rule, isFed }) => {
    const shapes = { q: [1, 70, 2, 64], k: [1, 70, 2, 64], v: [1, 70, 2, 32], state: [1, 2, 64, 32] }
    const random = rng(rule)
    const feeds = new Map(
      Object.entries(shapes).map(([name, shape]) => [name, normal(random, shape, name === 'v' ? 1 : 0.125)]),
    )
    if (!isFed) feeds.delete('state')
    const g = newGraph()
    const inputs = Object.entries(shapes).map(([name, shape]) =>
      feeds.has(name) ? g.input(name, { dtype: 'f32', shape }) : g.zeros(shape),
    )
    const ramp = Float32Array.from({ length: 140 }, (_, i) => (i % 7) / 7)
    const perToken = g.constant([1, 70, 2], ramp)
    const gates = [rule.startsWith('gated') && g.neg(perToken), rule.endsWith('delta') && perToken]
    const [o, last] = g.apply('linear_attention', [...inputs, ...gates.filter((x) => x !== false)], {
      rule,
      scale: 1,
      chunk: 64,
    })
    g.output('o', o!)
    g.output('last', last!)
    await expectByKernels(g.finish(), feeds, ['o', 'last'], { op: 'linear_attention', tolerance: 1e-2 })
  })
})
