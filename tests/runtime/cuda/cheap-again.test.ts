// Forward values that the backward pass computes again: which ones, and that the numbers stay.

import { expect, it } from 'vitest'
import { interpret } from '#core/graph/interpret.ts'
import type { Graph, Value } from '#core/graph/types.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { rng } from '#core/rng.ts'
import { cheapAgain } from '#main/runtime/targets/cuda/schedule/rewrites/cheap-again.ts'
import { stepBytes } from '#main/runtime/targets/cuda/schedule/print.ts'
import { schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import type { Schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import { f32 } from '../../helpers/evaluate.ts'

const ROWS = 1024
const WIDTH = 1024
const MEBI = ROWS * WIDTH

const planOf = (graph: Graph): Schedule =>
  schedule({ name: 'test', phase: 'train', graph, bindings: [], frozen: [] }, graph, {
    compute: 'f32',
    sharedBytes: 99 << 10,
    extraState: new Set(),
  })
const bytes = (graph: Graph): number => planOf(graph).steps.reduce((sum, step) => sum + stepBytes(step), 0)
const again = (graph: Graph): Graph => cheapAgain(graph, () => false)

/** h = silu(a) b forward, and what of it the gradients of a and b need. */
function gated(): Graph {
  const g = newGraph()
  const [a, b, ct] = ['a', 'b', 'ct'].map((name) => g.input(name, { dtype: 'f32', shape: [ROWS, WIDTH] })) as [
    Value,
    Value,
    Value,
  ]
  const silu = g.scoped('L00.ffn', () => g.mul(a, g.sigmoid(a)))
  g.output(
    'h',
    g.scoped('L00.ffn', () => g.mul(silu, b)),
  )
  g.scoped('L00.ffn.grad', () => {
    // behind a transpose, so that the kernel of the forward pass is not the place for it
    const late = g.transpose(g.exp(g.transpose(ct, [1, 0])), [1, 0])
    g.output('grad.b', g.mul(late, silu))
    g.output('grad.a', g.mul(late, g.mul(b, g.add(g.sigmoid(a), silu))))
  })
  return g.finish()
}

it('the SiLU of a gate is not kept for the backward pass, which reads the gate anyway', () => {
  const graph = gated()
  const whole = bytes(graph)
  const less = bytes(again(graph))
  // one write and one read of a million f32
  expect(whole - less).toBe(2 * 4 * MEBI)
})

it('gives the same numbers', () => {
  const graph = gated()
  const random = rng('cheap-again')
  const feeds = new Map(
    ['a', 'b', 'ct'].map((name) => [
      name,
      f32(
        [ROWS, WIDTH],
        Array.from({ length: MEBI }, () => random.normal()),
      ),
    ]),
  )
  const [before, after] = [graph, again(graph)].map((each) => interpret(each, feeds, ops)) as [
    ReturnType<typeof interpret>,
    ReturnType<typeof interpret>,
  ]
  for (const [name, { data }] of before)
    expect(
      data.every((x, i) => x === after.get(name)!.data[i]),
      name,
    ).toBe(true)
})

it('a value that takes two readings to compute, for two readers, is kept', () => {
  const g = newGraph()
  const [a, b] = ['a', 'b'].map((name) => g.input(name, { dtype: 'f32', shape: [ROWS, WIDTH] })) as [Value, Value]
  const sum = g.scoped('L00.residual', () => g.add(a, b))
  g.scoped('L01.norm', () => g.output('first', g.exp(g.transpose(sum, [1, 0]))))
  g.scoped('L01.norm.grad', () => g.output('second', g.tanh(g.transpose(sum, [1, 0]))))
  const graph = g.finish()
  expect(again(graph)).toBe(graph)
})
