// Hand-written kernels that need no tensor cores, run on the CPU and compared with the meaning of their op.

import { describe, expect, it } from 'vitest'
import type { Tensor } from '#core/graph/tensor.ts'
import { inputsOf } from '#core/graph/types.ts'
import type { Graph, Node, Value } from '#core/graph/types.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { newGraph } from '#core/ops/index.ts'
import { grad } from '#core/passes/grad.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { copyInto } from '#core/passes/rewrite.ts'
import { rng } from '#core/rng.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { nativeKind } from '#main/runtime/targets/cuda/kernels/native/native-op.ts'
import { schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { normError } from '../../helpers/assert-close.ts'
import { evaluate, normal } from '../../helpers/evaluate.ts'
import { cpuMachine, hasCompiler, there } from './cpu-machine.ts'

/** Largest relative error over the outputs of a graph run in bf16 with the kernels of the named ops alone. */
async function errorsOf(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
  kinds: readonly string[],
): Promise<Record<string, number>> {
  const expected = evaluate(graph, feeds)
  const claims = (node: Node): boolean => kinds.includes(nativeKind(node)) && claimsIn('bf16')(node)
  const program = { name: 'test', phase: 'train' as const, graph, bindings: [], frozen: [] }
  const session = await openOnMachine(there(cpuMachine()), program, { initial: new Map() }, { compute: 'bf16', claims })
  try {
    expect(new Set(session.claimed.map(({ op }) => op)).size).toBe(new Set(kinds.map((k) => k.split(' ')[0])).size)
    const names = graph.outputs.map((o) => o.name)
    const arrays = Object.fromEntries(
      [...feeds].map(([name, { dtype, data }]) => [
        name,
        dtype === 'i32' ? Int32Array.from(data) : Float32Array.from(data),
      ]),
    )
    const actual = session.runSync(arrays, names)
    return Object.fromEntries(names.map((name) => [name, normError(actual[name]!, expected.get(name)!.data)]))
  } finally {
    session.close()
  }
}

describe.skipIf(!hasCompiler())('causal convolution', () => {
  const shapes = [
    { batch: 2, length: 70, channels: 12, taps: 4, attrs: { silu: true, bias: true } },
    { batch: 1, length: 3, channels: 4, taps: 5, attrs: {} },
    { batch: 3, length: 33, channels: 8, taps: 2, attrs: { silu: true } },
  ]
  it.each(shapes)('$batch x $length x $channels, $taps taps', async ({ batch, length, channels, taps, attrs }) => {
    const random = rng('conv', length)
    const sizes = { x: [batch, length, channels], w: [channels, 1, taps], ct: [batch, length, channels], b: [channels] }
    const feeds = new Map(Object.entries(sizes).map(([name, shape]) => [name, normal(random, shape)]))
    const g = newGraph()
    const input = (name: keyof typeof sizes) => g.input(name, { dtype: 'f32', shape: sizes[name] })
    const [x, w] = [input('x'), input('w')]
    input('ct')
    const b = input('b')
    const state = g.zeros([batch, channels, taps - 1])
    const [y, next] = g.apply('causal_conv1d', [x, w, state, ...('bias' in attrs ? [b] : [])], attrs)
    g.output('y', y!)
    g.output('next', next!)
    const wrt = ['x', 'w', ...('bias' in attrs ? ['b'] : [])]
    const graph = grad(g.finish(), { y: 'ct' }, wrt)
    const errors = await errorsOf(graph, feeds, ['causal_conv1d', 'vjp causal_conv1d'])
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(6e-3)
  })
})

describe.skipIf(!hasCompiler())('selective scan', () => {
  // B and C are columns of one matrix, as a projection leaves them
  const columns = 23
  const run = async (length: number, states: number, isFed: boolean): Promise<number> => {
    const [batch, channels] = [2, 9]
    const random = rng('scan', length, states)
    const shape = [batch, length, channels]
    const rate = normal(random, [channels, states])
    const step = normal(random, shape)
    const feeds = new Map([
      ['x', normal(random, shape)],
      ['dt', { ...step, data: step.data.map((x) => 0.1 * Math.exp(x)) }],
      ['a', { ...rate, data: rate.data.map((x) => -Math.exp(x)) }],
      ['bc', normal(random, [batch, length, columns])],
      ['ct', normal(random, shape)],
      ['state', normal(random, [batch, channels, states])],
    ])
    const g = newGraph()
    const input = (name: string): Value => g.input(name, { dtype: 'f32', shape: feeds.get(name)!.shape })
    const [x, dt, a, bc] = [input('x'), input('dt'), input('a'), input('bc')]
    input('ct')
    const fed = input('state')
    const state = isFed ? fed : g.zeros([batch, channels, states])
    const b = g.slice(bc, 2, 1, 1 + states)
    const c = g.slice(bc, 2, columns - states, columns)
    const [y, last] = g.apply('selective_scan', [x, dt, a, b, c, state])
    g.output('y', y!)
    g.output('last', last!)
    const graph = grad(g.finish(), { y: 'ct' }, ['x', 'dt', 'a', 'bc'])
    const errors = await errorsOf(graph, feeds, ['selective_scan', 'vjp selective_scan'])
    return Math.max(...Object.values(errors))
  }
  it.each([
    { length: 2, states: 3, isFed: true },
    { length: 65, states: 8, isFed: true },
    { length: 33, states: 11, isFed: false },
  ])('$length tokens, $states states, begun: $isFed', async ({ length, states, isFed }) => {
    expect(await run(length, states, isFed)).toBeLessThan(8e-3)
  })
})

describe.skipIf(!hasCompiler())('wide accesses', () => {
  it('rows and elements, broadcast, cut and moved', async () => {
    const rows = 1024,
      width = 1024
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [rows, width] })
    const gain = g.input('gain', { dtype: 'f32', shape: [width] })
    const scale = g.input('scale', { dtype: 'f32', shape: [rows, 1] })
    const normed = g.one('rms_norm', [x, gain], { eps: 1e-5 })
    g.output('softmax', g.one('softmax', [normed]))
    g.output('moved', g.exp(g.transpose(g.mul(x, scale), [1, 0])))
    g.output('joined', g.mul(g.concat([g.slice(x, 1, 3, 515), g.slice(x, 1, 512, 1024)], 1), scale))
    const random = rng('wide')
    const feeds = new Map([
      ['x', normal(random, [rows, width])],
      ['gain', normal(random, [width])],
      ['scale', normal(random, [rows, 1])],
    ])
    const errors = await errorsOf(g.finish(), feeds, [])
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(6e-3)
  })
})

describe.skipIf(!hasCompiler())('attention of turned queries and keys', () => {
  const [length, width] = [33, 32]
  const shape = [1, length, 2, width]
  const attrs = { window: 0, meta: 0, scale: 1 / Math.sqrt(width) }
  const input = (g: GraphBuilder, name: string): Value => g.input(name, { dtype: 'f32', shape })
  const table = (g: GraphBuilder, of: (angle: number) => number): Value =>
    g.constant(
      [length, width / 2],
      Float32Array.from({ length: (length * width) / 2 }, (_, i) => of(i)),
    )
  const turned = (g: GraphBuilder, x: Value): Value => g.one('rope', [x, table(g, Math.cos), table(g, Math.sin)])
  /** What is launched for attention and rope, after a look at the results. */
  async function launched(g: GraphBuilder): Promise<readonly string[]> {
    const graph = g.finish()
    const program = { name: 'test', phase: 'train' as const, graph, bindings: [], frozen: [] }
    const options = { compute: 'bf16', extraState: new Set<string>(), sharedBytes: 1 << 17 } as const
    const { steps } = schedule(program, optimise(graph, { claims: claimsIn('bf16') }), options)
    const random = rng('turned')
    const feeds = new Map([...inputsOf(graph).keys()].map((name) => [name, normal(random, shape)]))
    const kinds = ['attention', 'vjp attention', 'rope'].filter((kind) =>
      graph.nodes.some((node) => nativeKind(node) === kind),
    )
    const errors = await errorsOf(graph, feeds, kinds)
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(6e-3)
    return steps.map(({ label }) => label).filter((label) => /attention|rope/.test(label))
  }

  it('turns queries as it reads them, unless somebody else has read them before', async () => {
    const g = newGraph()
    g.output('y', g.one('attention', [turned(g, input(g, 'q')), input(g, 'k'), input(g, 'v')], attrs))
    expect(await launched(g)).toEqual(['rope attention'])
    const kept = newGraph()
    const both = turned(kept, input(kept, 'q'))
    kept.output('q', both)
    kept.output('y', kept.one('attention', [both, input(kept, 'k'), input(kept, 'v')], attrs))
    expect(await launched(kept)).toEqual(['rope attention'])
    const same = newGraph()
    const x = turned(same, input(same, 'x'))
    same.output('y', same.one('attention', [x, x, input(same, 'v')], attrs))
    expect(await launched(same)).toEqual(['rope', 'attention'])
  })

  it('turns gradients back before it writes them, unless somebody else reads them', async () => {
    const g = newGraph()
    const inputs = ['q', 'k', 'v'].map((name) => input(g, name))
    const o = g.one('attention', inputs, attrs)
    const parts = { ...attrs, of: 'attention', outputs: 1, cts: [0], wrt: [0, 1] }
    const [gq, gk] = g.apply('vjp', [...inputs, o, input(g, 'ct')], parts)
    g.output('gq', gq!)
    g.output('turned gq', turned(g, gq!))
    g.output('turned gk', turned(g, gk!))
    expect(await launched(g)).toEqual(['attention', 'vjp attention rope', 'vjp attention rope', 'rope'])
  })
})

describe.skipIf(!hasCompiler())('rows added to a table', () => {
  it.each([
    { rows: 5, width: 3, count: 40 },
    { rows: 2000, width: 40, count: 3000 },
    { rows: 300, width: 1500, count: 64 },
  ])('$count updates of $rows rows of $width', async ({ rows, width, count }) => {
    const random = rng('scatter', rows)
    const indices = {
      dtype: 'i32' as const,
      shape: [count],
      data: Float64Array.from({ length: count }, () => random.integer(rows)),
    }
    const g = newGraph()
    const table = g.input('table', { dtype: 'f32', shape: [rows, width] })
    const rowsOf = g.input('indices', { dtype: 'i32', shape: [count] })
    const updates = g.input('updates', { dtype: 'f32', shape: [count, width] })
    g.output('sum', g.one('scatter_add', [table, rowsOf, updates]))
    g.output('fresh', g.one('scatter_add', [g.zeros([rows, width]), rowsOf, updates]))
    const feeds = new Map<string, Tensor>([
      ['table', normal(random, [rows, width])],
      ['indices', indices],
      ['updates', normal(random, [count, width])],
    ])
    const errors = await errorsOf(g.finish(), feeds, [])
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(6e-3)
  })
})

describe.skipIf(!hasCompiler())('sums over rows beside other work', () => {
  it.each([
    { rows: 4100, width: 64 },
    { rows: 4097, width: 520 },
    { rows: 4097, width: 1040 },
    { rows: 5000, width: 7 },
  ])('gradients of a norm of $rows rows of $width', { timeout: 240_000 }, async ({ rows, width }) => {
    const random = rng('sums', rows)
    const shapes = { x: [rows, width], gain: [width], ct: [rows, width], h: [rows, width] }
    const g = newGraph()
    const input = (name: keyof typeof shapes) => g.input(name, { dtype: 'f32', shape: shapes[name] })
    const [x, gain] = [input('x'), input('gain')]
    input('ct')
    g.output('y', g.add(g.one('rms_norm', [x, gain], { eps: 1e-5 }), input('h')))
    const graph = grad(g.finish(), { y: 'ct' }, ['x', 'gain'])
    const feeds = new Map(Object.entries(shapes).map(([name, shape]) => [name, normal(random, shape)]))
    const errors = await errorsOf(graph, feeds, [])
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(6e-3)
  })
})

describe.skipIf(!hasCompiler())('products of one input', () => {
  it('are one batch, forward and backward', async () => {
    const [rows, width, inner] = [64, 128, 64]
    const weights = ['q', 'k', 'v']
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [rows, width] })
    const [q, k, v] = weights.map((name) => g.linear(x, g.input(name, { dtype: 'f32', shape: [inner, width] })))
    g.input('ct', { dtype: 'f32', shape: [rows, inner] })
    g.output('y', g.add(g.mul(g.exp(q!), k!), g.one('silu', [v!])))
    const gradients = grad(g.finish(), { y: 'ct' }, ['x', ...weights])
    // results have places of their own, so that what lies side by side is read by something
    const whole = newGraph()
    const places = copyInto(whole, { nodes: gradients.nodes, outputs: [] })
    for (const { name, value } of gradients.outputs) whole.output(name, whole.scale(places.get(value)!, 2))
    const graph = whole.finish()
    const optimised = optimise(graph, { claims: claimsIn('bf16') })
    const program = { name: 'test', phase: 'train' as const, graph, bindings: [], frozen: [] }
    const options = { compute: 'bf16', extraState: new Set<string>(), sharedBytes: 1 << 16 } as const
    const { steps } = schedule(program, optimised, options)
    expect(steps.filter(({ action }) => action.kind === 'matmul').map(({ label }) => label)).toEqual([
      '3 x matmul',
      '3 x matmul',
      '3 x matmul',
    ])
    const random = rng('batch')
    const feeds = new Map([
      ['x', normal(random, [rows, width], 0.3)],
      ['ct', normal(random, [rows, inner])],
      ...weights.map((name) => [name, normal(random, [inner, width], 0.1)] as const),
    ])
    const errors = await errorsOf(graph, feeds, [])
    expect(Math.max(...Object.values(errors)), JSON.stringify(errors)).toBeLessThan(1e-2)
  })
})

describe.skipIf(!hasCompiler())('the first of the largest', () => {
  it.each([
    { rows: 3, width: 5000 },
    { rows: 700, width: 33 },
    { rows: 1, width: 7 },
  ])('of $rows rows of $width', async ({ rows, width }) => {
    const g = newGraph()
    g.output('first', g.argmax(g.input('x', { dtype: 'f32', shape: [rows, width] })))
    const random = rng('argmax', rows)
    // few values, so that the largest comes more than once
    const x = Float64Array.from({ length: rows * width }, () => random.integer(5))
    const tensor = { dtype: 'f32' as const, shape: [rows, width], data: x }
    expect(await errorsOf(g.finish(), new Map([['x', tensor]]), [])).toEqual({ first: 0 })
  })
})
