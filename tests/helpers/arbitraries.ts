// Random graphs and specs for property tests. Graphs are programs of small instructions, so that a failing one shrinks.

import fc from 'fast-check'
import { blocks } from '#core/blocks/index.ts'
import { HeddleError } from '#core/errors.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import { printGraph } from '#core/graph/print.ts'
import type { Graph, Shape, Value } from '#core/graph/types.ts'
import { inputsOf, sizeOf } from '#core/graph/types.ts'
import { parseSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec, BlockItem, StackItem } from '#core/model/spec.ts'
import { newGraph } from '#core/ops/index.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import type { Param, ParamValue, ParamValues } from '#core/params.ts'
import { resolveParams } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { normal } from './evaluate.ts'

interface Instruction {
  readonly make: number
  readonly a: number
  readonly b: number
  readonly detail: number
}

const MAX_ELEMENTS = 48

type Maker = (g: GraphBuilder, a: Value, b: Value, detail: number) => Value

const axisOf = (x: Value, detail: number): number => detail % x.type.shape.length
const sizeAt = (x: Value, axis: number): number => x.type.shape[axis]!
/** Into (-1, 1), so that values stay small however long the graph. */
const bounded = (g: GraphBuilder, x: Value): Value => g.tanh(x)

const MAKERS: readonly Maker[] = [
  (g, a, b) => g.add(a, b),
  (g, a, b) => g.sub(a, b),
  (g, a, b) => g.mul(a, bounded(g, b)),
  (g, a, b) => g.div(a, g.add(g.scalar(1), g.mul(b, b))),
  (g, a, b) => g.maximum(a, b),
  (g, a, b) => g.minimum(a, b),
  (g, a, b) => g.where(g.less(a, b), a, g.neg(b)),
  (g, a, b) => g.where(g.equal(a, b), b, a),
  (g, a) => g.neg(a),
  (g, a) => g.exp(bounded(g, a)),
  (g, a) => g.log(g.add(g.scalar(1), g.mul(a, a))),
  (g, a) => g.sqrt(g.add(g.scalar(0.5), g.mul(a, a))),
  (g, a) => g.tanh(a),
  (g, a) => g.sigmoid(a),
  (g, a) => g.relu(a),
  (g, a) => g.abs(a),
  (g, a) => g.erf(a),
  (g, a) => g.one('silu', [a]),
  (g, a) => g.one('gelu', [a]),
  (g, a) => g.one('softplus', [a]),
  (g, a) => g.one('softmax', [a]),
  (g, a) => g.one('l2_norm', [a], { eps: 0.01 }),
  (g, a) => g.one('rms_norm', [a, g.filled([a.type.shape.at(-1)!], 1.5)], { eps: 0.01 }),
  (g, a, _, detail) => g.reduceSum(a, [axisOf(a, detail)]),
  (g, a, _, detail) => g.reduceMax(a, [axisOf(a, detail)]),
  (g, a, _, detail) => g.mean(a, detail % 2 === 0 ? a.type.shape.map((_, i) => i) : [axisOf(a, detail)]),
  (g, a) => g.reshape(a, [sizeOf(a.type.shape)]),
  (g, a) => g.reshape(a, [1, ...a.type.shape]),
  (g, a, _, detail) =>
    g.transpose(
      a,
      a.type.shape.map((_, i) => (i + detail) % a.type.shape.length),
    ),
  (g, a, _, detail) => g.slice(a, axisOf(a, detail), 0, Math.ceil(sizeAt(a, axisOf(a, detail)) / 2)),
  (g, a, _, detail) => g.pad(a, axisOf(a, detail), detail % 2, 1),
  (g, a, _, detail) => g.concat([a, g.neg(a)], axisOf(a, detail)),
  (g, a) => g.broadcast(a, [2, ...a.type.shape]),
  (g, a, b) => g.matmul(bounded(g, rank2(g, a)), bounded(g, rank2(g, b)), { transposeB: true }),
  (g, a, b) => g.matmul(rank2(g, a), g.matmul(rank2(g, a), rank2(g, b), { transposeB: true }), { transposeA: true }),
  (g, a, _, detail) => g.gather(a, g.constant([3], Int32Array.of(0, detail % sizeAt(a, 0), 0), 'i32')),
  (g, a) => g.cast(g.cast(a, 'f16'), 'f32'),
  (g, a) => g.mul(a, g.zeros(a.type.shape)),
  (g, a) => g.add(g.mul(a, g.scalar(1)), g.zeros(a.type.shape)),
  (g, a) => g.add(g.filled(a.type.shape, 2), g.filled(a.type.shape, -0.5)),
  (g, a) =>
    g.one('linear_scan', [
      g.neg(g.mul(scan(g, a), scan(g, a))),
      scan(g, a),
      g.filled([1, scan(g, a).type.shape[2]!], 0.5),
    ]),
]

const rank2 = (g: GraphBuilder, x: Value): Value =>
  g.reshape(x, [sizeOf(x.type.shape) / x.type.shape.at(-1)!, x.type.shape.at(-1)!])
const scan = (g: GraphBuilder, x: Value): Value => g.reshape(x, [1, ...rank2(g, x).type.shape])

const instruction: fc.Arbitrary<Instruction> = fc.record({
  make: fc.nat(MAKERS.length - 1),
  a: fc.nat(31),
  b: fc.nat(31),
  detail: fc.nat(11),
})

/** A graph of float inputs with up to three outputs, and data for its inputs. */
export interface RandomGraph {
  readonly graph: Graph
  readonly feeds: ReadonlyMap<string, Tensor>
}

/** Graphs of primitive and fused ops; instructions whose operands do not fit are left out. */
export const arbitraryGraph: fc.Arbitrary<RandomGraph> = fc
  .record({
    instructions: fc.array(instruction, { minLength: 1, maxLength: 20, size: 'max' }),
    outputs: fc.array(fc.nat(31), { minLength: 1, maxLength: 3 }),
    seed: fc.nat(1000),
  })
  .map(({ instructions, outputs, seed }) => {
    const g = newGraph()
    const shapes: readonly Shape[] = [[2, 3], [3], [1, 3], [2, 1]]
    const pool: Value[] = shapes.map((shape, i) =>
      g.scoped(`in.${i}`, () => g.input(`x.${i}`, { dtype: 'f32', shape })),
    )
    instructions.forEach(({ make, a, b, detail }, i) => {
      const value = g.scoped(`step${i}`, () =>
        attempt(() => MAKERS[make]!(g, pool[a % pool.length]!, pool[b % pool.length]!, detail)),
      )
      if (
        value !== undefined &&
        value.type.shape.length >= 1 &&
        value.type.shape.length <= 4 &&
        sizeOf(value.type.shape) <= MAX_ELEMENTS
      )
        pool.push(value)
    })
    outputs.forEach((pick, i) => g.output(`y${i}`, pool[pool.length - 1 - (pick % pool.length)]!))
    const graph = g.finish()
    const feeds = new Map(
      [...inputsOf(graph)].map(([name, node]) => [name, normal(rng(seed, name), node.outputs[0]!.type.shape)]),
    )
    return { graph, feeds, [fc.toStringMethod]: () => printGraph(graph) }
  })

/** Operands that do not fit are the generator's fault: the builder says so with a plain error. */
function attempt(make: () => Value): Value | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error
    return undefined
  }
}

/** Widths at which every block builds with its defaults. */
const WIDTHS = [64, 128, 256]

function arbitraryValue(param: Param): fc.Arbitrary<ParamValue> {
  const offered = param.search === undefined ? [] : [fc.constantFrom(...(param.search as readonly ParamValue[]))]
  const none = 'nullable' in param && param.nullable === true ? [fc.constant(null)] : []
  switch (param.type) {
    case 'flag':
      return fc.boolean()
    case 'choice':
      return fc.constantFrom(...param.choices)
    case 'integer':
      return fc.oneof(...offered, ...none, fc.integer({ min: param.min, max: Math.min(param.max, param.min + 300) }))
    case 'real':
      return fc.oneof(
        ...offered,
        ...none,
        fc.double({ min: param.min, max: param.max, noNaN: true }).map((x) => (Object.is(x, -0) ? 0 : x)),
      )
  }
}

/** A block whose parameters keep its rules; where drawn ones break a rule, the defaults stay. */
function arbitraryBlock(dModel: number): fc.Arbitrary<BlockItem> {
  return fc.constantFrom(...blocks).chain((block) => {
    const values = Object.fromEntries(
      Object.entries(block.params).map(([name, param]) => [name, arbitraryValue(param)]),
    )
    return fc
      .record({ params: fc.record(values, { requiredKeys: [] }), disabled: fc.boolean() })
      .map(({ params, disabled }) => {
        const item = { kind: block.kind, ...(disabled && { disabled }) }
        const isLegal =
          Object.keys(params).length > 0 &&
          keepsRules(() =>
            block.check?.(resolveParams(block.params, params, { dModel }, 'params') as never, { dModel }, 'params'),
          )
        return isLegal ? { ...item, params: params as ParamValues } : item
      })
  })
}

function keepsRules(check: () => void): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof HeddleError) return false
    throw error
  }
}

function arbitraryItems(dModel: number, depth: number): fc.Arbitrary<StackItem[]> {
  const block = arbitraryBlock(dModel)
  const label = fc.stringMatching(/^[A-Za-z][\w-]{0,8}$/)
  const group = fc
    .record({
      repeat: fc.integer({ min: 1, max: 4 }),
      blocks: depth > 0 ? arbitraryItems(dModel, depth - 1) : fc.array(block, { maxLength: 3 }),
      label: fc.option(label, { nil: undefined }),
    })
    .map(({ label: name, ...rest }) => ({ ...rest, ...(name !== undefined && { label: name }) }))
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: block as fc.Arbitrary<StackItem> },
      { weight: 1, arbitrary: group as fc.Arbitrary<StackItem> },
    ),
    { maxLength: 4 },
  )
}

/** Legal specs in canonical form, with nested groups, labels, disabled blocks and names of any text. */
export const arbitrarySpec: fc.Arbitrary<ArchSpec> = fc.constantFrom(...WIDTHS).chain((dModel) =>
  fc
    .record({
      name: fc.option(fc.string({ unit: 'grapheme', maxLength: 30 }), { nil: undefined }),
      metaTokens: fc.option(fc.nat(128), { nil: undefined }),
      headNormDivision: fc.option(fc.boolean(), { nil: undefined }),
      normEps: fc.option(fc.double({ min: 1e-12, max: 1e-2, noNaN: true }), { nil: undefined }),
      items: arbitraryItems(dModel, 2),
    })
    .map(({ name, items, ...settings }) => {
      const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
      return parseSpec({
        heddle: SPEC_VERSION,
        ...(name !== undefined && { name }),
        model: { dModel, ...given },
        blocks: items,
      })
    }),
)
