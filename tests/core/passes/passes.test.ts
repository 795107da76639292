// Passes change how a graph computes, never what: checked on random graphs.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpret } from '#core/graph/interpret.ts'
import { printGraph } from '#core/graph/print.ts'
import type { Graph, Value } from '#core/graph/types.ts'
import { inputsOf, liveNodes, sameType } from '#core/graph/types.ts'
import { verify } from '#core/graph/verify.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { cse } from '#core/passes/cse.ts'
import { dce } from '#core/passes/dce.ts'
import { decompose } from '#core/passes/decompose.ts'
import { fillOf, fold } from '#core/passes/fold.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { arbitraryGraph } from '../../helpers/arbitraries.ts'
import type { RandomGraph } from '../../helpers/arbitraries.ts'
import { assertClose } from '../../helpers/assert-close.ts'
import { f32 } from '../../helpers/evaluate.ts'

const expand = (graph: Graph): Graph => decompose(graph, () => false)
const PASSES: Readonly<Record<string, (graph: Graph) => Graph>> = { decompose: expand, fold, cse, dce }

/** Same inputs, same outputs, same numbers. */
function expectSame(before: Graph, after: Graph, feeds: RandomGraph['feeds']): void {
  verify(after, ops)
  expect([...inputsOf(after).keys()]).toEqual([...inputsOf(before).keys()])
  expect(after.outputs.map((o) => o.name)).toEqual(before.outputs.map((o) => o.name))
  after.outputs.forEach((o, i) => expect(sameType(o.value.type, before.outputs[i]!.value.type)).toBe(true))
  const [expected, actual] = [before, after].map((graph) => interpret(expand(graph), feeds, ops)) as [
    ReturnType<typeof interpret>,
    ReturnType<typeof interpret>,
  ]
  for (const [name, { data }] of expected) assertClose(actual.get(name)!.data, data, 1e-11, name)
}

describe.each(Object.entries(PASSES))('%s', (_, pass) => {
  it('keeps the meaning of random graphs', () => {
    fc.assert(
      fc.property(arbitraryGraph, ({ graph, feeds }) => expectSame(graph, pass(graph), feeds)),
      { numRuns: 150 },
    )
  })

  it('has nothing left to do the second time', () => {
    fc.assert(
      fc.property(arbitraryGraph, ({ graph }) => {
        const once = pass(graph)
        expect(printGraph(dce(pass(once)))).toBe(printGraph(dce(once)))
      }),
      { numRuns: 60 },
    )
  })
})

it('passes keep the meaning in any order', () => {
  fc.assert(
    fc.property(
      arbitraryGraph,
      fc.array(fc.constantFrom(...Object.keys(PASSES)), { maxLength: 8 }),
      ({ graph, feeds }, names) => {
        expectSame(
          graph,
          names.reduce((current, name) => PASSES[name]!(current), graph),
          feeds,
        )
      },
    ),
    { numRuns: 80 },
  )
})

describe('after optimise', () => {
  it('no node is dead, repeated, fused or constant throughout', () => {
    fc.assert(
      fc.property(arbitraryGraph, ({ graph, feeds }) => {
        const seen: string[] = []
        const result = optimise(graph, { claims: () => false, verifyEach: true, trace: (pass) => seen.push(pass) })
        expect(seen).toEqual(['lower', 'decompose', 'fold', 'cse', 'dce'])
        expectSame(graph, result, feeds)
        const live = new Set(liveNodes(result))
        expect(result.nodes.filter((n) => !live.has(n) && n.op !== 'input')).toEqual([])
        expect(result.nodes.filter((n) => ops.get(n.op)!.decompose !== undefined)).toEqual([])
        const keys = result.nodes
          .filter((n) => n.op !== 'input')
          .map((n) => [
            n.op,
            n.inputs.map((v) => `${v.node.id}.${v.index}`),
            n.attrs,
            n.data && [...n.data].map((x) => (Object.is(x, -0) ? '-0' : String(x))),
          ])
        expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length)
        expect(
          result.nodes.filter((n) => n.inputs.length > 0 && n.inputs.every((v) => v.node.op === 'constant')),
        ).toEqual([])
      }),
      { numRuns: 80 },
    )
  })

  it('keeps what a target claims', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [3] })
    g.output('y', g.one('softmax', [g.one('silu', [x])]))
    const result = optimise(g.finish(), { claims: (node) => node.op === 'silu' })
    expect(result.nodes.map((n) => n.op)).toContain('silu')
    expect(result.nodes.map((n) => n.op)).not.toContain('softmax')
  })
})

describe('fold', () => {
  const start = (): { g: GraphBuilder; x: Value } => {
    const g = newGraph()
    return { g, x: g.input('x', { dtype: 'f32', shape: [2, 3] }) }
  }

  it.each([
    ['x + 0', ({ g, x }: ReturnType<typeof start>) => g.add(x, g.zeros([2, 3]))],
    ['0 + x', ({ g, x }: ReturnType<typeof start>) => g.add(g.zeros([3]), x)],
    ['x - 0', ({ g, x }: ReturnType<typeof start>) => g.sub(x, g.scalar(0))],
    ['x 1', ({ g, x }: ReturnType<typeof start>) => g.mul(x, g.filled([1, 3], 1))],
    ['x / 1', ({ g, x }: ReturnType<typeof start>) => g.div(x, g.scalar(1))],
    [
      'a reshape there and back',
      ({ g, x }: ReturnType<typeof start>) =>
        g.one('reshape', [g.one('reshape', [x], { shape: [6] })], { shape: [2, 3] }),
    ],
    ['two transposes', ({ g, x }: ReturnType<typeof start>) => g.transpose(g.transpose(x, [1, 0]), [1, 0])],
  ])('takes %s away', (_, build) => {
    const parts = start()
    parts.g.output('y', build(parts))
    expect(dce(fold(parts.g.finish())).nodes.map((n) => n.op)).toEqual(['input'])
  })

  it('does not take away what changes the shape or the sign of zero', () => {
    const { g, x: value } = start()
    g.output('wider', g.add(value, g.zeros([4, 2, 3])))
    g.output('negated', g.sub(g.zeros([2, 3]), value))
    const result = dce(fold(g.finish()))
    expect(result.outputs.map((o) => o.value.type.shape)).toEqual([
      [4, 2, 3],
      [2, 3],
    ])
    const { data } = interpret(result, new Map([['x', f32([2, 3], [1, 2, 3, 4, 5, 6])]]), ops).get('negated')!
    expect([...data]).toEqual([-1, -2, -3, -4, -5, -6])
  })

  it('computes constants', () => {
    const g = newGraph()
    g.output('y', g.mul(g.add(g.filled([2, 2], 3), g.filled([2, 2], 4)), g.constant([2], Float64Array.of(1, 2))))
    const [only] = dce(fold(g.finish())).nodes
    expect([only!.op, ...only!.data!]).toEqual(['constant', 7, 14, 7, 14])
    expect(fillOf(only!.outputs[0]!)).toBeUndefined()
  })
})
