// Every block of the registry keeps the promises that training, decoding and counting rest on.

import { describe, expect, it } from 'vitest'
import { blocks } from '#core/blocks/index.ts'
import { HeddleError } from '#core/errors.ts'
import { interpret } from '#core/graph/interpret.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import { sizeOf } from '#core/graph/types.ts'
import { countSpec } from '#core/model/counts.ts'
import { lowerBlock } from '#core/model/lower.ts'
import { parseSpec, resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import { emitOnnx } from '#core/onnx/emit.ts'
import { ops } from '#core/ops/index.ts'
import { projectionOf } from '#core/optim/weight-norm.ts'
import { resolveParams } from '#core/params.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { assertClose } from '../helpers/assert-close.ts'
import type { BlockSample } from '../helpers/block-samples.ts'
import { lowerSample, sampleInputs, samplesOf, sampleWeights } from '../helpers/block-samples.ts'
import { evaluate, i32 } from '../helpers/evaluate.ts'
import { gradcheck } from '../helpers/gradcheck.ts'

const BATCH = 2
/** Below, on and across chunks of 64. */
const LENGTHS = [1, 2, 63, 64, 65, 100]
const LONGEST = 100

/** Rows and columns of operators.md section 8, by kind. */
const PROJECTED: Readonly<Record<string, { readonly rows: readonly string[]; readonly columns: readonly string[] }>> = {
  attention: { rows: ['q_proj', 'k_proj', 'v_proj'], columns: ['o_proj'] },
  ffn: { rows: ['gate_proj', 'up_proj'], columns: ['down_proj'] },
  mamba2: { rows: ['in_proj'], columns: ['out_proj'] },
  mamba1: { rows: ['in_proj'], columns: ['out_proj'] },
  deltanet: { rows: ['q_proj', 'k_proj', 'v_proj', 'b_proj', 'g_proj'], columns: ['o_proj'] },
  gated_deltanet: { rows: ['q_proj', 'k_proj', 'v_proj', 'a_proj', 'b_proj', 'g_proj'], columns: ['o_proj'] },
  gla: { rows: ['q_proj', 'k_proj', 'v_proj', 'g_proj'], columns: ['o_proj'] },
  retnet: { rows: ['q_proj', 'k_proj', 'v_proj', 'g_proj'], columns: ['o_proj'] },
  linear_attention: { rows: ['q_proj', 'k_proj', 'v_proj'], columns: ['o_proj'] },
  rwkv7: { rows: ['r_proj', 'k_proj', 'v_proj'], columns: ['o_proj'] },
  rwkv7_channel_mix: { rows: ['key'], columns: ['value'] },
}
/** Tensors of two or more dimensions that do not decay all the same. */
const NEVER_DECAYS = ['A_log', 'D', 'dt_bias', 'r_k', 'memory_tokens']

/** Tokens `from` to `to` of [B, T, D]. */
function cut({ dtype, shape, data }: Tensor, from: number, to: number): Tensor {
  const [batch, length, width] = shape as [number, number, number]
  const parts = Array.from({ length: batch }, (_, b) =>
    data.subarray((b * length + from) * width, (b * length + to) * width),
  )
  return { dtype, shape: [batch, to - from, width], data: Float64Array.from(parts.flatMap((part) => [...part])) }
}

const cutAll = (inputs: ReadonlyMap<string, Tensor>, from: number, to: number): [string, Tensor][] =>
  [...inputs].map(([name, x]) => [name, cut(x, from, to)])

/** y of the whole-sequence form for the first `length` tokens. */
function parallel(sample: BlockSample, inputs: ReadonlyMap<string, Tensor>, length: number): Tensor {
  return evaluate(
    lowerSample(sample, 'train', BATCH, length).graph,
    new Map([...sampleWeights(sample), ...cutAll(inputs, 0, length)]),
  ).get('y')!
}

interface Stepped {
  /** y of each token, [B, 1, D]. */
  readonly outputs: readonly Tensor[]
  /** States after each token. */
  readonly states: readonly ReadonlyMap<string, Tensor>[]
}

/** Token by token from the zero state. */
function recurrent(sample: BlockSample, inputs: ReadonlyMap<string, Tensor>, length: number): Stepped {
  const { graph, states } = lowerSample(sample, 'decode', BATCH, 1, LONGEST)
  const step = optimise(graph, { claims: () => false, verifyEach: true })
  const weights = sampleWeights(sample)
  let current = new Map(
    states.map(({ name, shape }): [string, Tensor] => [
      name,
      { dtype: 'f32', shape, data: new Float64Array(sizeOf(shape)) },
    ]),
  )
  const outputs: Tensor[] = []
  const after: ReadonlyMap<string, Tensor>[] = []
  for (let t = 0; t < length; t++) {
    const results = interpret(
      step,
      new Map([...weights, ...current, ...cutAll(inputs, t, t + 1), ['position', i32([], [t])]]),
      ops,
    )
    outputs.push(results.get('y')!)
    current = new Map(states.map(({ name }) => [name, results.get(`next.${name}`)!]))
    after.push(current)
  }
  return { outputs, states: after }
}

it('every block has samples', () => {
  expect(blocks.filter(({ kind }) => samplesOf(kind).length === 0).map((b) => b.kind)).toEqual([])
  expect(new Set(blocks.map((b) => b.kind)).size).toBe(blocks.length)
  expect(new Set(blocks.map((b) => b.symbol)).size).toBe(blocks.length)
})

describe.each(blocks.map((block) => ({ kind: block.kind, block })))('$kind', ({ kind, block }) => {
  const samples = samplesOf(kind)

  it('is documented', () => {
    expect(block.doc.length).toBeGreaterThan(40)
    expect(block.doc, 'name the source').toMatch(/arXiv \d{4}\.\d{4,5}/)
    for (const [name, param] of Object.entries(block.params)) expect(param.doc.length, name).toBeGreaterThan(5)
  })

  it.each(samples)('maps [B, T, D] to [B, T, D]: $label', (sample) => {
    const y = parallel(sample, sampleInputs(sample, BATCH, 5), 5)
    expect(y.shape).toEqual([BATCH, 5, sample.dModel])
    expect(y.data.every(Number.isFinite)).toBe(true)
    expect(y.data.some((v) => v !== 0)).toBe(true)
  })

  it.each(samples)('is causal: $label', (sample) => {
    const length = 70
    const inputs = sampleInputs(sample, BATCH, length)
    const before = parallel(sample, inputs, length)
    for (const token of [0, 1, 16, 64, 69]) {
      const changed = new Map(
        [...inputs].map(([name, x]) => [
          name,
          { ...x, data: x.data.map((v, i) => (Math.floor(i / sample.dModel) % length >= token ? v - 3 : v)) },
        ]),
      )
      const after = parallel(sample, changed, length)
      expect(cut(after, 0, token).data, `token ${token}`).toEqual(cut(before, 0, token).data)
      expect(cut(after, token, length).data).not.toEqual(cut(before, token, length).data)
    }
  })

  it.each(samples)('is the same token by token: $label', (sample) => {
    const inputs = sampleInputs(sample, BATCH, LONGEST)
    const { outputs, states } = recurrent(sample, inputs, LONGEST)
    for (const length of LENGTHS) {
      const prefill = lowerSample(sample, 'prefill', BATCH, length, LONGEST)
      const results = evaluate(prefill.graph, new Map([...sampleWeights(sample), ...cutAll(inputs, 0, length)]))
      const y = results.get('y')!
      for (let t = 0; t < length; t++)
        assertClose(outputs[t]!.data, cut(y, t, t + 1).data, 1e-8, `token ${t} of ${length}`)
      if (length === 65) assertClose(y.data, parallel(sample, inputs, length).data, 1e-12, 'prefill and train')
      for (const { name } of prefill.states)
        assertClose(
          results.get(`next.${name}`)!.data,
          states[length - 1]!.get(name)!.data,
          1e-8,
          `${name} after ${length}`,
        )
    }
  })

  it.each(samples)('has the gradients of finite differences: $label', (sample) => {
    for (const [length, joint] of [
      [7, false],
      [66, true],
    ] as const) {
      const { graph } = lowerSample(sample, 'train', 1, length)
      gradcheck(graph, new Map([...sampleWeights(sample), ...sampleInputs(sample, 1, length)]), {
        entries: 2,
        joint,
        tolerance: 1e-5,
      })
    }
  })

  it('builds with every offered value, or refuses it in words', () => {
    let built = 0
    for (const dModel of [6, 48, 64, 256, 1280]) {
      for (const [name, param] of Object.entries(block.params)) {
        for (const value of param.search ?? []) {
          try {
            const params = resolveParams(block.params, { [name]: value }, { dModel }, 'params')
            block.check?.(params as never, { dModel }, 'params')
            const { graph } = lowerBlock(block, params, {
              phase: 'train',
              dModel,
              batchSize: 1,
              length: 3,
              capacity: 3,
            })
            expect(graph.outputs[0]!.value.type.shape).toEqual([1, 3, dModel])
            built++
          } catch (error) {
            expect(error, `${name} = ${String(value)} at ${dModel}: ${(error as Error).message}`).toBeInstanceOf(
              HeddleError,
            )
            expect((error as HeddleError).path).toMatch(/^params/)
          }
        }
      }
    }
    const offered = Object.values(block.params).some((param) => (param.search ?? []).length > 0)
    expect(built > 0).toBe(offered)
  })

  it.each(samples)('names its weights and states apart: $label', (sample) => {
    for (const phase of ['train', 'prefill', 'decode'] as const) {
      const { weights, states, graph } = lowerSample(sample, phase, 1, 1)
      const names = [...weights, ...states].map((w) => w.name)
      expect(new Set(names).size).toBe(names.length)
      expect(states.map((s) => `next.${s.name}`)).toEqual(
        graph.outputs.map((o) => o.name).filter((name) => name.startsWith('next.')),
      )
    }
    const shapes = (['train', 'prefill', 'decode'] as const).map((phase) =>
      lowerSample(sample, phase, 1, 1).weights.map((w) => [w.name, w.shape]),
    )
    expect(shapes[1]).toEqual(shapes[0])
    expect(shapes[2]).toEqual(shapes[0])
  })

  it.each(samples)('counts what it exports: $label', (sample) => {
    const lowered = lowerSample(sample, 'prefill', 1, 3)
    const frozen = new Map([...sampleWeights(sample)].map(([name, { data }]) => [name, Float32Array.from(data)]))
    const model = emitOnnx(optimise(lowered.graph, { claims: () => false }), { name: kind, frozen })
    const exported = model
      .graph!.initializers!.filter((t) => frozen.has(t.name!))
      .reduce((sum, t) => sum + sizeOf(t.dims!.map(Number)), 0)
    expect(exported).toBe(lowered.weights.reduce((sum, w) => sum + sizeOf(w.shape), 0))
    if (sample.valueResidual) return
    const spec = parseSpec({
      heddle: SPEC_VERSION,
      model: { dModel: sample.dModel, vocabSize: 7 },
      blocks: [{ kind, params: sample.params }],
    })
    const norm = sample.dModel
    expect(countSpec(resolveSpec(spec), 5).paramsByBlock).toEqual([exported + norm])
  })

  it.each(samples)('decays and projects what operators.md says: $label', (sample) => {
    const table = PROJECTED[kind]
    expect(table, `add ${kind} to the table of this test`).toBeDefined()
    for (const weight of lowerSample(sample, 'train', 1, 1).weights) {
      const short = weight.name.replace(/^layers\.0\.mixer\./, '')
      const name = short.replace(/\.weight$/, '')
      const expected = short.endsWith('.weight')
        ? table!.rows.includes(name)
          ? 'rows'
          : table!.columns.includes(name)
            ? 'columns'
            : undefined
        : undefined
      expect(projectionOf(weight, true), short).toBe(expected)
      expect(weight.decay, short).toBe(weight.shape.length >= 2 && !NEVER_DECAYS.includes(short.split('.').at(-1)!))
    }
  })
})
