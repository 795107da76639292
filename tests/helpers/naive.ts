// Pieces for naive recurrences: one sequence, one token after another, plain loops over arrays of numbers. Written from
// operators.md alone, with nothing in common with the graph ops.

import { describe, expect, it } from 'vitest'
import type { ParamValue } from '#core/params.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { assertClose } from './assert-close.ts'
import { lowerSample, sampleInputs, samplesOf, sampleWeights } from './block-samples.ts'
import type { BlockSample } from './block-samples.ts'
import { evaluate } from './evaluate.ts'

export type Vector = number[]
export type Rows = Vector[]

/** What a naive recurrence may read. */
export interface NaiveContext {
  readonly d: number
  readonly metaTokens: number
  /** A parameter of the block. */
  p<T extends ParamValue>(name: string): T
  /** A weight as rows of its last axis. */
  matrix(name: string): Rows
  /** A weight as one row. */
  vector(name: string): Vector
  /** The first value of an earlier block, where the sample has one. */
  readonly first: Rows | undefined
}

/** From x [T, D], already normalised, to y [T, D]. */
export type Naive = (x: Rows, context: NaiveContext) => Rows

const BATCH = 2

/** Blocks with rotary positions: their tables of cosines and sines are rounded to f32. */
export const ROUNDED_TABLES = 1e-7

/**
 * Compares a block with its naive recurrence under every sample, on the interpreter and with the kernels of ONNX Runtime.
 * @param tolerance relative error on the interpreter
 */
export function describeNaive(kind: string, naive: Naive, tolerance = 1e-9): void {
  describe(`${kind} is its naive recurrence`, () => {
    const samples = samplesOf(kind)
    it.each(samples)('on the interpreter: $label', (sample) => {
      for (const length of [1, 9, 130]) {
        const inputs = sampleInputs(sample, BATCH, length)
        const { graph } = lowerSample(sample, 'train', BATCH, length)
        const y = evaluate(graph, new Map([...sampleWeights(sample), ...inputs])).get('y')!
        assertClose(y.data, expected(sample, naive, length), tolerance, `${length} tokens`)
      }
    })

    it.each(samples)('on ort-cpu: $label', async (sample) => {
      for (const length of [1, 70]) {
        const { graph, weights } = lowerSample(sample, 'prefill', BATCH, length)
        const initial = new Map([...sampleWeights(sample)].map(([name, { data }]) => [name, Float32Array.from(data)]))
        const session = await ortCpu.open(
          { name: kind, phase: 'prefill', graph, bindings: [], frozen: weights.map((w) => w.name) },
          { initial, threads: 1 },
        )
        try {
          const feeds = [...sampleInputs(sample, BATCH, length)].map(
            ([name, { data }]) => [name, Float32Array.from(data)] as const,
          )
          const { y } = session.runSync(Object.fromEntries(feeds), ['y'])
          assertClose(y!, expected(sample, naive, length), 2e-5, `${length} tokens`)
        } finally {
          session.close()
        }
      }
    })

    it('has samples', () => expect(samples.length).toBeGreaterThan(0))
  })
}

function expected(sample: BlockSample, naive: Naive, length: number): Vector {
  const weights = sampleWeights(sample)
  const inputs = sampleInputs(sample, BATCH, length)
  const weight = (name: string): Vector => {
    const found = weights.get(`layers.0.mixer.${name}`)
    if (found === undefined) throw new Error(`the block declares no weight ${name}`)
    return [...found.data]
  }
  return Array.from({ length: BATCH }, (_, b) => {
    const sequence = (name: string): Rows | undefined => {
      const tensor = inputs.get(name)
      return tensor && rows([...tensor.data], sample.dModel).slice(b * length, (b + 1) * length)
    }
    const context: NaiveContext = {
      d: sample.dModel,
      metaTokens: sample.metaTokens,
      p: <T extends ParamValue>(name: string) => sample.params[name] as T,
      matrix: (name) => rows(weight(name), weights.get(`layers.0.mixer.${name}`)!.shape.at(-1)!),
      vector: weight,
      first: sequence('v_first'),
    }
    return naive(sequence('x')!, context).flat()
  }).flat()
}

/** Cuts a flat array in rows. */
export const rows = (flat: Vector, width: number): Rows =>
  Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width))

export const zeros = (length: number): Vector => new Array<number>(length).fill(0)
export const zeroRows = (count: number, width: number): Rows => Array.from({ length: count }, () => zeros(width))
export const dot = (a: Vector, b: Vector): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
export const linear = (matrix: Rows, x: Vector): Vector => matrix.map((row) => dot(row, x))
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
export const silu = (x: number): number => x * sigmoid(x)
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
export const add = (a: Vector, b: Vector): Vector => a.map((x, i) => x + b[i]!)
export const times = (a: Vector, b: Vector): Vector => a.map((x, i) => x * b[i]!)

export function rmsNorm(x: Vector, gain: Vector, eps: number): Vector {
  const scale = (dot(x, x) / x.length + eps) ** -0.5
  return x.map((v, i) => v * scale * gain[i]!)
}

export function l2Norm(x: Vector): Vector {
  const scale = (dot(x, x) + 1e-6) ** -0.5
  return x.map((v) => v * scale)
}

/** Causal depthwise convolution of a sequence [T, C] with taps [C, K]; the last tap meets the current token. */
export function convolution(u: Rows, taps: Rows, bias?: Vector): Rows {
  return u.map((_, t) =>
    taps.map((tap, c) => tap.reduce((sum, w, j) => sum + w * (u[t - tap.length + 1 + j]?.[c] ?? 0), bias?.[c] ?? 0)),
  )
}

/** Half-split rotary embedding at a position. */
export function rotate(x: Vector, position: number, theta: number): Vector {
  const half = x.length / 2
  return x.map((v, i) => {
    const pair = i % half
    const angle = position * theta ** ((-2 * pair) / x.length)
    const other = i < half ? -x[i + half]! : x[i - half]!
    return v * Math.cos(angle) + other * Math.sin(angle)
  })
}
