import { describe, expect, it } from 'vitest'
import { interpret } from '#core/graph/interpret.ts'
import type { Evaluator } from '#core/graph/interpret.ts'
import { blank, tensor } from '#core/graph/tensor.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { f32 } from '../../helpers/evaluate.ts'

function doubled() {
  const g = newGraph()
  const x = g.input('x', { dtype: 'f32', shape: [2] })
  g.output('y', g.add(x, x))
  g.output('x again', x)
  return g.finish()
}

describe('the interpreter', () => {
  it('returns every output, inputs and shared values included', () => {
    const results = interpret(doubled(), new Map([['x', f32([2], [1, -3])]]), ops)
    expect([...results.get('y')!.data]).toEqual([2, -6])
    expect([...results.get('x again')!.data]).toEqual([1, -3])
  })

  it('names what is missing or does not fit', () => {
    expect(() => interpret(doubled(), new Map(), ops)).toThrow('no data for input x')
    expect(() => interpret(doubled(), new Map([['x', f32([3], [1, 2, 3])]]), ops)).toThrow(
      'input x is f32[2], got shape [3]',
    )
    const g = newGraph()
    g.output('y', g.one('silu', [g.input('x', { dtype: 'f32', shape: [2] })]))
    expect(() => interpret(g.finish(), new Map([['x', f32([2], [1, 2])]]), ops)).toThrow('decompose the graph first')
    expect(() => tensor('f32', [2, 2], [1, 2, 3])).toThrow('3 elements do not fill [2,2]')
  })

  it('does not run what no output needs', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [2] })
    g.exp(x)
    g.output('y', g.neg(x))
    const only: Map<string, Evaluator> = new Map([['neg', ops.get('neg')!]])
    expect([...interpret(g.finish(), new Map([['x', f32([2], [1, 2])]]), only).get('y')!.data]).toEqual([-1, -2])
  })

  it('refuses an op whose result is not what it inferred', () => {
    const lying: Map<string, Evaluator> = new Map([['add', { kind: 'add', evaluate: () => [f32([1], [0])] }]])
    expect(() => interpret(doubled(), new Map([['x', f32([2], [1, 2])]]), lying)).toThrow(
      'evaluated to [1], inferred f32[2]',
    )
  })

  it('poisons fresh data', () => {
    expect([...blank('f32', [2]).data]).toEqual([NaN, NaN])
  })
})
