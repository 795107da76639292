import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputsOf } from '#core/graph/types.ts'
import { verify } from '#core/graph/verify.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { grad } from '#core/passes/grad.ts'
import { differentiable } from '#core/passes/pipeline.ts'
import { arbitraryGraph } from '../../helpers/arbitraries.ts'
import { evaluate, f32 } from '../../helpers/evaluate.ts'
import { gradcheck } from '../../helpers/gradcheck.ts'

describe('grad', () => {
  it('is finite differences on random graphs', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(100), ({ graph, feeds }, seed) =>
        gradcheck(graph, feeds, { entries: 1, step: 1e-6, tolerance: 1e-4, seed: `graph ${seed}` }),
      ),
      { numRuns: 120 },
    )
  })

  it('adds legal outputs and keeps the old ones', () => {
    fc.assert(
      fc.property(arbitraryGraph, ({ graph }) => {
        const names = [...inputsOf(graph).keys()]
        const whole = grad(differentiable(graph), {}, names)
        verify(whole, ops)
        expect(whole.outputs.map((o) => o.name)).toEqual([
          ...graph.outputs.map((o) => o.name),
          ...names.map((name) => `grad.${name}`),
        ])
      }),
      { numRuns: 30 },
    )
  })

  it('gives zeros where no path leads', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [2] })
    g.input('unused', { dtype: 'f32', shape: [3] })
    g.output('y', g.reshape(g.reduceSum(g.mul(x, x), [0]), []))
    const results = evaluate(
      grad(g.finish(), { y: null }, ['x', 'unused']),
      new Map([
        ['x', f32([2], [3, -1])],
        ['unused', f32([3], [1, 1, 1])],
      ]),
    )
    expect([...results.get('grad.x')!.data]).toEqual([6, -2])
    expect([...results.get('grad.unused')!.data]).toEqual([0, 0, 0])
  })

  it('of a gradient is the second derivative', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [] })
    g.output('y', g.mul(x, g.mul(x, x)))
    const once = grad(g.finish(), { y: null }, ['x'])
    const renamed = { ...once, outputs: once.outputs.map((o) => (o.name === 'grad.x' ? { ...o, name: 'slope' } : o)) }
    const results = evaluate(grad(renamed, { slope: null }, ['x']), new Map([['x', f32([], [2])]]))
    expect(results.get('slope')!.data[0]).toBe(12)
    expect(results.get('grad.x')!.data[0]).toBe(12)
  })

  it('says what is missing', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [2] })
    g.output('y', g.neg(x))
    g.output('moved', g.update(x, g.slice(x, 0, 0, 1), g.scalar(1, 'i32'), 0))
    const graph = g.finish()
    expect(() => grad(graph, { z: null }, ['x'])).toThrow('no output z')
    expect(() => grad(graph, { y: null }, ['x'])).toThrow('needs a cotangent')
    expect(() => grad(graph, {}, ['w'])).toThrow('no input w')
    expect(() => grad(graph, { moved: 'x' }, ['x'])).toThrow('no gradient rule')
  })
})
