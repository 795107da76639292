// The RWKV-7 recurrence by its kernels on the CPU: what they claim, and a sequence that begins with a state and hands one on, as
// prefill does.

import { describe, expect, it } from 'vitest'
import type { Value } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { rng } from '#core/rng.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { f32, normal } from '../../helpers/evaluate.ts'
import { expectByKernels } from './by-kernels.ts'
import { hasCompiler } from './cpu-machine.ts'

const OPERANDS = ['r', 'decay', 'k', 'v', 'kappa', 'b']

/** Whether kernels take the recurrence, and its gradients of some inputs for some outputs. */
function claimed(length: number, width: number, isFed: boolean, wrt: readonly number[], cts: readonly number[]) {
  const g = newGraph()
  const feed = (name: string): Value => g.input(name, { dtype: 'f32', shape: [2, length, 3, width] })
  const state = [2, 3, width, width]
  const inputs = [...OPERANDS.map(feed), isFed ? g.input('state', { dtype: 'f32', shape: state }) : g.zeros(state)]
  const outputs = g.apply('rwkv7_recurrence', inputs, { chunk: 16 })
  const parts = { of: 'rwkv7_recurrence', outputs: 2, cts, wrt, chunk: 16 }
  const [gradient] = g.apply('vjp', [...inputs, ...outputs, ...cts.map((i) => outputs[i]!)], parts)
  return [outputs[0]!, gradient!].map(({ node }) => claimsIn('bf16')(node))
}

describe('claims', () => {
  const all = [0, 1, 2, 3, 4, 5]
  it('heads of 32, 64 and 128, of more than one token', () => {
    expect([32, 64, 128].map((width) => claimed(70, width, false, all, [0]))).toEqual(Array(3).fill([true, true]))
    expect([16, 96, 256].map((width) => claimed(70, width, false, all, [0]))).toEqual(Array(3).fill([false, false]))
    expect(claimed(1, 64, false, all, [0])).toEqual([false, false])
  })
  it('gradients of a sequence that begins with nothing and whose last state is not differentiated', () => {
    expect(claimed(70, 64, true, all, [0])).toEqual([true, false])
    expect(claimed(70, 64, false, [...all, 6], [0])).toEqual([true, false])
    expect(claimed(70, 64, false, all, [0, 1])).toEqual([true, false])
    expect(claimed(70, 64, false, all, [1])).toEqual([true, false])
  })
})

describe.skipIf(!hasCompiler())('states (skipped without g++)', () => {
  it.each([
    { width: 64, isFed: true, outputs: ['o', 'last'] },
    { width: 32, isFed: true, outputs: ['last'] },
    { width: 64, isFed: false, outputs: ['o', 'last'] },
  ])('$width wide, state fed: $isFed, read: $outputs', { timeout: 60_000 }, async ({ width, isFed, outputs }) => {
    const shape = [2, 37, 2, width]
    const random = rng('rwkv7 states', width)
    const drawn = new Map(OPERANDS.map((name) => [name, normal(random, shape, 1 / Math.sqrt(width))]))
    const mapped = (of: string, change: (x: number) => number) =>
      f32(
        shape,
        Float32Array.from(drawn.get(of)!.data, (x) => change(x * Math.sqrt(width))),
      )
    const feeds = new Map([
      ...drawn,
      ['decay', mapped('decay', (x) => -Math.min(2, x * x))] as const,
      ['v', mapped('v', (x) => x)] as const,
      // a direction of unit length, and half of it
      ['kappa', mapped('kappa', (x) => Math.sign(x) / Math.sqrt(width))] as const,
      ['b', mapped('kappa', (x) => Math.sign(x) / Math.sqrt(4 * width))] as const,
      ...(isFed ? [['state', normal(random, [2, 2, width, width])] as const] : []),
    ])
    const g = newGraph()
    const inputs = OPERANDS.map((name) => g.input(name, { dtype: 'f32', shape }))
    const state = [2, 2, width, width]
    const first = isFed ? g.input('state', { dtype: 'f32', shape: state }) : g.zeros(state)
    const [o, last] = g.apply('rwkv7_recurrence', [...inputs, first], { chunk: 16 })
    if (outputs.includes('o')) g.output('o', o!)
    g.output('last', last!)
    await expectByKernels(g.finish(), feeds, outputs, { op: 'rwkv7_recurrence', tolerance: 6e-3 })
  })
})
