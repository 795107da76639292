// Every op of the registry keeps its own rules: shapes, gradients, meaning, kernels.

import { describe, expect, it } from 'vitest'
import type { Tensor } from '#core/graph/tensor.ts'
import { interpret } from '#core/graph/interpret.ts'
import type { Graph, Value } from '#core/graph/types.ts'
import { inputsOf, isFloat, typeText } from '#core/graph/types.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { differentiable } from '#core/passes/pipeline.ts'
import { decompose } from '#core/passes/decompose.ts'
import { targets } from '#main/runtime/targets/index.ts'
import { openOrtProgram } from '#main/runtime/targets/ort.ts'
import type { HostArray } from '#main/runtime/targets/target.ts'
import { assertClose } from '../helpers/assert-close.ts'
import { evaluate } from '../helpers/evaluate.ts'
import { gradcheck } from '../helpers/gradcheck.ts'
import type { OpSample } from './op-samples.ts'
import { opSamples } from './op-samples.ts'

/** Writing at a place known only at run time happens in decode, which is never trained. */
const NEVER_TRAINED = ['update', 'attention_step']

/** A graph of one op: inputs `in0`, `in1`, ..., outputs `out0`, ... Booleans cross the border as f32. */
function graphOf(kind: string, { operands, attrs, data }: OpSample): Graph {
  const g = newGraph()
  const inputs = operands.map(({ dtype, shape }, i): Value => {
    const isBool = dtype === 'bool'
    const value = g.input(`in${i}`, { dtype: isBool ? 'f32' : dtype, shape })
    return isBool ? g.cast(value, 'bool') : value
  })
  g.apply(kind, inputs, attrs, data).forEach((value, i) =>
    g.output(`out${i}`, value.type.dtype === 'bool' ? g.cast(value, 'f32') : value),
  )
  return g.finish()
}

function feedsOf(graph: Graph, { operands }: OpSample): Map<string, Tensor> {
  const feeds = new Map(operands.map((x, i) => [`in${i}`, x]))
  for (const [name, node] of inputsOf(graph)) {
    const { dtype, shape } = node.outputs[0]!.type
    if (!feeds.has(name)) feeds.set(name, { dtype, shape, data: Float64Array.from({ length: 6 }, (_, i) => i / 2) })
  }
  return feeds
}

/** The outputs on ONNX Runtime, with the op's own kernel or with its meaning. */
async function runOrt(
  kind: string,
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
  own: boolean,
): Promise<Map<string, HostArray>> {
  const session = await openOrtProgram(
    { name: kind, phase: 'train', graph, bindings: [], frozen: [] },
    { initial: new Map() },
    { providers: [], claims: (node) => own && node.op === kind, config: {}, threads: 1 },
  )
  try {
    expect(session.claimed.some((c) => c.op === kind)).toBe(own && ops.get(kind)!.decompose !== undefined)
    const arrays = [...feeds].map(
      ([name, { dtype, data }]) => [name, dtype === 'i32' ? Int32Array.from(data) : Float32Array.from(data)] as const,
    )
    const names = graph.outputs.map((o) => o.name)
    return new Map(Object.entries(session.runSync(Object.fromEntries(arrays), names)))
  } finally {
    session.close()
  }
}

/** Applies a check to samples; the error of a failed one begins with its label. */
async function each(samples: readonly OpSample[], check: (sample: OpSample) => void | Promise<void>): Promise<void> {
  for (const sample of samples) {
    try {
      await check(sample)
    } catch (error) {
      throw new Error(`${sample.label}: ${(error as Error).message}`, { cause: error })
    }
  }
}

it('every op has samples, and every sample an op', () => {
  expect([...ops.keys()].filter((kind) => !opSamples.has(kind))).toEqual([])
  expect([...opSamples.keys()].filter((kind) => !ops.has(kind))).toEqual([])
})

describe.each([...ops.values()].map((op) => ({ kind: op.kind, op })))('$kind', ({ kind, op }) => {
  const samples = opSamples.get(kind) ?? []

  it('is documented and has one meaning', () => {
    expect(op.doc.trim().length).toBeGreaterThan(1)
    expect(kind).toMatch(/^[a-z][a-z0-9_]*$/)
    const meanings = Number(op.evaluate !== undefined) + Number(op.decompose !== undefined)
    expect(meanings).toBe(kind === 'input' ? 0 : 1)
    expect(op.evaluate === undefined || op.emit !== undefined, 'a primitive without a kernel runs nowhere').toBe(true)
  })

  it('has the types that it infers', async () => {
    await each(samples, (sample) => {
      const graph = graphOf(kind, sample)
      const results = evaluate(graph, feedsOf(graph, sample))
      for (const { name, value } of graph.outputs) {
        const { dtype, shape, data } = results.get(name)!
        expect(typeText({ dtype, shape })).toBe(typeText(value.type))
        expect(data.every((x) => Number.isFinite(x))).toBe(true)
      }
    })
  })

  if (op.decompose !== undefined)
    it('decomposes into primitives of the same types, which the passes keep', async () => {
      await each(samples, (sample) => {
        const graph = graphOf(kind, sample)
        const whole = decompose(graph, () => false)
        expect(whole.outputs.map((o) => typeText(o.value.type))).toEqual(
          graph.outputs.map((o) => typeText(o.value.type)),
        )
        expect(whole.nodes.filter((n) => ops.get(n.op)!.evaluate === undefined && n.op !== 'input')).toEqual([])
        const plain = interpret(whole, feedsOf(graph, sample), ops)
        const optimised = evaluate(graph, feedsOf(graph, sample))
        for (const { name } of graph.outputs) assertClose(optimised.get(name)!.data, plain.get(name)!.data, 1e-12, name)
      })
    })

  it('has the gradients of finite differences', async () => {
    await each(samples, (sample) => {
      const graph = graphOf(kind, sample)
      const results = graph.nodes.find((n) => n.op === kind)!.outputs
      const missing = differentiable(graph).nodes.filter((n) => {
        const { vjp, hasVjpNode } = ops.get(n.op)!
        return n.op !== 'input' && n.op !== 'constant' && vjp === undefined && hasVjpNode === undefined
      })
      expect(missing.length > 0).toBe(NEVER_TRAINED.includes(kind))
      if (missing.length > 0 || sample.operands.length === 0 || !results.some((v) => isFloat(v.type.dtype))) return
      gradcheck(graph, feedsOf(graph, sample), sample.wrt === undefined ? {} : { wrt: sample.wrt.map((i) => `in${i}`) })
    })
  })

  if (op.emit !== undefined)
    it('has a kernel that agrees with the interpreter and with its meaning', async () => {
      await each(
        samples.filter((sample) => !sample.decomposedOnly),
        async (sample) => {
          const graph = graphOf(kind, sample)
          const feeds = feedsOf(graph, sample)
          const expected = evaluate(graph, feeds)
          for (const own of op.decompose === undefined ? [true] : [true, false]) {
            const actual = await runOrt(kind, graph, feeds, own)
            for (const { name } of graph.outputs)
              assertClose(
                actual.get(name)!,
                expected.get(name)!.data,
                5e-6,
                `${name} ${own ? 'by its kernel' : 'decomposed'}`,
              )
          }
        },
      )
    })

  it('is claimed by no ONNX Runtime target where no kernel of that takes it', async () => {
    await each(
      samples.filter((sample) => sample.decomposedOnly),
      (sample) => {
        const node = graphOf(kind, sample).nodes.find((n) => n.op === kind)!
        for (const target of targets.filter(({ kind }) => kind.startsWith('ort')))
          for (const phase of ['train', 'prefill', 'decode'] as const) expect(target.claims(node, phase)).toBe(false)
      },
    )
  })
})
