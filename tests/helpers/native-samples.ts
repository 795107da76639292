// Nodes for which the native CUDA target has kernels written by hand, with shapes that are awkward: tests/bench/cuda/check.ts runs
// them on a device, tests/runtime/cuda compiles them, and runs the small ones on the CPU.

import type { Program } from '#core/graph/program.ts'
import type { Shape, Value } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { grad } from '#core/passes/grad.ts'
import type { Rng } from '#core/rng.ts'
import { normal } from './evaluate.ts'
import { linearAttentionSamples } from './linear-attention-samples.ts'

export interface NativeSample {
  readonly name: string
  readonly op: string
  /** The operands that are fed, in order of the op; all are f32. */
  readonly inputs: Readonly<Record<string, Shape>>
  /** Applies the op to them; the result is differentiated. */
  readonly apply: (g: GraphBuilder, inputs: readonly Value[]) => Value
  /** What an operand is fed with, from a normal number; by default that number. */
  readonly draw?: Readonly<Record<string, (x: number) => number>>
  /** Operands whose gradient is wanted; by default all. */
  readonly wrt?: readonly string[]
  /** Op of the gradient, as the target lists it; by default `vjp` of the op. */
  readonly gradient?: string
  /** Largest ‖out - ref‖ / ‖ref‖ of the output and of every gradient in bf16. */
  readonly tolerance: number
}

/** The kinds of nodes of a sample that hand-written kernels do. */
export const sampleKinds = ({ op, gradient = `vjp ${op}` }: NativeSample): ReadonlySet<string> =>
  new Set([op, gradient])

/** The sample's output `y` and its gradients for the cotangent `ct`. */
export function sampleProgram({ op, inputs, apply, wrt }: NativeSample): Program {
  const g = newGraph()
  const operands = Object.entries(inputs).map(([name, shape]) => g.input(name, { dtype: 'f32', shape }))
  const y = apply(g, operands)
  g.input('ct', y.type)
  g.output('y', y)
  const graph = grad(g.finish(), { y: 'ct' }, wrt ?? Object.keys(inputs))
  return { name: op, phase: 'train', graph, bindings: [], frozen: [] }
}

/** Random feeds of a sample, rounded to bf16, so that only the kernels' own error is seen. */
export function sampleFeeds(program: Program, { draw = {} }: NativeSample, random: Rng): Record<string, Float32Array> {
  const feeds: Record<string, Float32Array> = {}
  for (const node of program.graph.nodes)
    if (node.op === 'input') {
      const name = node.attrs['name'] as string
      const change = draw[name] ?? ((x: number): number => x)
      feeds[name] = Float32Array.from(normal(random, node.outputs[0]!.type.shape).data, (x) => roundToHalf(change(x)))
    }
  return feeds
}

const word = new Uint32Array(1)
const number = new Float32Array(word.buffer)

function roundToHalf(x: number): number {
  number[0] = x
  word[0] = (word[0]! + 0x7fff + ((word[0]! >>> 16) & 1)) & 0xffff0000
  return number[0]
}

/** [batch, length, heads, key heads, width, window, meta] */
type AttentionSize = readonly [number, number, number, number, number, number, number]

const ATTENTION_SIZES: readonly AttentionSize[] = [
  [2, 1, 4, 4, 64, 0, 0],
  [2, 7, 4, 1, 128, 0, 0],
  [1, 97, 2, 2, 32, 0, 0],
  [2, 97, 4, 2, 96, 64, 5],
  [1, 150, 2, 1, 128, 64, 5],
  [1, 150, 2, 1, 64, 33, 0],
  [2, 512, 4, 4, 128, 0, 0],
  [2, 513, 4, 1, 64, 64, 0],
  [1, 513, 8, 2, 128, 200, 70],
  [1, 2048, 4, 4, 128, 512, 0],
  [1, 2048, 4, 1, 64, 0, 0],
]
const TURNED_SIZES: readonly AttentionSize[] = [
  [1, 97, 2, 2, 32, 0, 0],
  [1, 150, 2, 1, 128, 64, 5],
  [1, 150, 2, 1, 128, 0, 0],
  [2, 300, 4, 2, 64, 100, 0],
]

const attention = ([batch, length, heads, groups, width, window, meta]: AttentionSize): NativeSample => ({
  name: `attention ${batch}x${length}x${heads}/${groups}x${width}${window === 0 ? '' : ` window ${window} meta ${meta}`}`,
  op: 'attention',
  inputs: {
    q: [batch, length, heads, width],
    k: [batch, length, groups, width],
    v: [batch, length, groups, width],
  },
  apply: (g, inputs) => g.one('attention', inputs, { window, meta, scale: 1 / Math.sqrt(width) }),
  // of one token, queries and keys have no gradient to be near to
  ...(length === 1 && { wrt: ['v'] }),
  tolerance: 6e-3,
})

/** Attention of turned queries and keys. */
const turnedAttention = (size: AttentionSize): NativeSample => {
  const plain = attention(size)
  const [, length, , , width] = size
  return {
    ...plain,
    name: `${plain.name}, turned`,
    op: 'rope attention',
    apply: (g, [q, k, v]) => plain.apply(g, [turned(g, q!, length, width), turned(g, k!, length, width), v!]),
    gradient: 'vjp attention rope rope',
  }
}

/** [batch, length, channels, taps, has SiLU, has bias] */
type ConvSize = readonly [number, number, number, number, boolean, boolean]

const CONV_SIZES: readonly ConvSize[] = [
  [2, 70, 12, 4, true, true],
  [1, 3, 4, 5, false, false],
  [4, 513, 256, 4, true, true],
]

const causalConv = ([batch, length, channels, taps, silu, bias]: ConvSize): NativeSample => ({
  name: `causal_conv1d ${batch}x${length}x${channels}, ${taps} taps${silu ? ', SiLU' : ''}${bias ? ', bias' : ''}`,
  op: 'causal_conv1d',
  inputs: { x: [batch, length, channels], w: [channels, 1, taps], ...(bias && { b: [channels] }) },
  apply: (g, [x, w, ...rest]) =>
    g.apply('causal_conv1d', [x!, w!, g.zeros([batch, channels, taps - 1]), ...rest], { silu, bias })[0]!,
  tolerance: 6e-3,
})

/** Every seventh target is ignored. */
const crossEntropy = (rows: number, width: number): NativeSample => ({
  name: `cross_entropy ${rows}x${width}`,
  op: 'cross_entropy',
  inputs: { logits: [rows, width] },
  apply: (g, [logits]) => {
    const targets = Int32Array.from({ length: rows }, (_, i) => (i % 7 === 3 ? -100 : (i * 31) % width))
    return g.one('cross_entropy', [logits!, g.constant([rows], targets, 'i32')], { ignoreIndex: -100 })
  },
  draw: { logits: (x) => 4 * x },
  tolerance: 6e-3,
})

function turned(g: GraphBuilder, x: Value, length: number, width: number): Value {
  const angles = Array.from({ length: (length * width) / 2 }, (_, i) => {
    const place = i % (width / 2)
    return Math.floor((2 * i) / width) * 10_000 ** ((-2 * place) / width)
  })
  const table = (of: (angle: number) => number) => g.constant([length, width / 2], Float32Array.from(angles, of))
  return g.one('rope', [x, table(Math.cos), table(Math.sin)])
}

/** [batch, length, heads, width] */
type RopeSize = readonly [number, number, number, number]

const ROPE_SIZES: readonly RopeSize[] = [
  [2, 7, 3, 32],
  [2, 97, 4, 16],
  [4, 513, 8, 128],
]

const rope = ([batch, length, heads, width]: RopeSize): NativeSample => ({
  name: `rope ${batch}x${length}x${heads}x${width}`,
  op: 'rope',
  inputs: { x: [batch, length, heads, width] },
  apply: (g, [x]) => turned(g, x!, length, width),
  gradient: 'rope',
  tolerance: 3e-3,
})

/** [batch, length, channels, states] */
type ScanSize = readonly [number, number, number, number]

const SCAN_SIZES: readonly ScanSize[] = [
  [2, 70, 12, 16],
  [1, 513, 33, 16],
  [1, 7, 5, 4],
  [2, 33, 70, 6],
  [1, 40, 35, 24],
  [1, 37, 17, 64],
  [4, 512, 1024, 16],
]

/** Steps and rates as a model has them. */
const selectiveScan = ([batch, length, channels, states]: ScanSize): NativeSample => ({
  name: `selective_scan ${batch}x${length}x${channels}, ${states} states`,
  op: 'selective_scan',
  inputs: {
    x: [batch, length, channels],
    dt: [batch, length, channels],
    a: [channels, states],
    b: [batch, length, states],
    c: [batch, length, states],
  },
  apply: (g, inputs) => g.apply('selective_scan', [...inputs, g.zeros([batch, channels, states])])[0]!,
  draw: { dt: (x) => 0.1 * Math.exp(x), a: (x) => -2 * Math.exp(x) },
  tolerance: 6e-3,
})

/** [batch, length, heads, width] */
const RWKV7_SIZES: readonly RopeSize[] = [
  [1, 7, 2, 64],
  [2, 70, 2, 32],
  [1, 130, 2, 64],
  [1, 37, 1, 128],
  [2, 513, 4, 64],
]

/** Removes along directions of unit length, by parts between 0 and 1, so that states stay small. */
const rwkv7 = ([batch, length, heads, width]: RopeSize): NativeSample => {
  const shape = [batch, length, heads, width]
  return {
    name: `rwkv7_recurrence ${batch}x${length}x${heads}x${width}`,
    op: 'rwkv7_recurrence',
    inputs: { r: shape, decay: shape, k: shape, v: shape, kappa: shape, part: shape },
    apply: (g, [r, decay, k, v, kappa, part]) => {
      const state = g.zeros([batch, heads, width, width])
      return g.apply('rwkv7_recurrence', [r!, decay!, k!, v!, kappa!, g.mul(kappa!, part!), state], { chunk: 16 })[0]!
    },
    draw: {
      r: (x) => x / Math.sqrt(width),
      decay: (x) => -2 * Math.min(1, (x * x) / 8),
      k: (x) => x / Math.sqrt(width),
      kappa: (x) => Math.sign(x) / Math.sqrt(width),
      part: (x) => 1 / (1 + Math.exp(-x)),
    },
    tolerance: 1e-2,
  }
}

export const nativeSamples: readonly NativeSample[] = [
  ...ATTENTION_SIZES.map(attention),
  ...TURNED_SIZES.map(turnedAttention),
  ...CONV_SIZES.map(causalConv),
  crossEntropy(9, 16),
  crossEntropy(5, 2056),
  crossEntropy(1000, 8192),
  ...ROPE_SIZES.map(rope),
  ...linearAttentionSamples,
  ...SCAN_SIZES.map(selectiveScan),
  ...RWKV7_SIZES.map(rwkv7),
]
