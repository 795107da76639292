// Causal depthwise convolution with SiLU, forward and backward: a thread owns some neighbouring channels and walks over a
// stretch of time with the last inputs in registers. Meaning: core/ops/fused/conv.ts.

import type { Node, Value } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { fillOf } from '../../schedule/values.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

const THREADS = 128
/** Neighbouring channels of a thread, and tokens that it walks over. */
const CHANNELS = 4
const STRETCH = 16
const MAX_TAPS = 8
/** Channels and slices of stretches of a block that adds up gradients of weights. */
const SUM_CHANNELS = 32
const SUM_SLICES = 8

interface ConvShape {
  readonly batch: number
  readonly length: number
  readonly channels: number
  readonly taps: number
  readonly hasSilu: boolean
  readonly hasBias: boolean
  /** Stretches of one sequence. */
  readonly stretches: number
}

function shapeOf([x, weight]: readonly Value[], attrs: Node['attrs']): ConvShape {
  const [batch, length, channels] = x!.type.shape as [number, number, number]
  return {
    batch,
    length,
    channels,
    taps: weight!.type.shape[2]!,
    hasSilu: attrs['silu'] === true,
    hasBias: attrs['bias'] === true,
    stretches: Math.ceil(length / STRETCH),
  }
}

const takes = ([x, weight, state]: readonly Value[]): boolean =>
  x!.type.shape[1]! > 1 &&
  x!.type.shape[2]! % CHANNELS === 0 &&
  weight!.type.shape[2]! <= MAX_TAPS &&
  fillOf(state!) === 0

const groupsOf = (shape: ConvShape): number => (shape.channels / CHANNELS) * shape.batch * shape.stretches
const blocksOf = (shape: ConvShape): number => Math.ceil(groupsOf(shape) / THREADS)

/** Statements with which every kernel begins: where the thread is, its weights, an empty window. */
function beginning(shape: ConvShape, weight: string, bias: string | undefined): string[] {
  const { channels, stretches, taps, length } = shape
  const groups = channels / CHANNELS
  return [
    `unsigned g = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (g >= ${groupsOf(shape)}u) return;`,
    `unsigned c = g % ${groups}u * ${CHANNELS}u, stretch = g / ${groups}u;`,
    `int from = stretch % ${stretches}u * ${STRETCH}u, to = min(from + ${STRETCH}, ${length});`,
    `unsigned long long base = (unsigned long long)(stretch / ${stretches}u) * ${length * channels}u + c;`,
    `float w[${taps}][${CHANNELS}], x[${taps}][${CHANNELS}], b[${CHANNELS}];`,
    '#pragma unroll',
    `for (int u = 0; u < ${CHANNELS}; u++) {`,
    `b[u] = ${bias === undefined ? '0.0f' : `${bias}[c + u]`};`,
    '#pragma unroll',
    `for (int j = 0; j < ${taps}; j++) {`,
    `w[j][u] = ${weight}[(c + u) * ${taps}u + j];`,
    'x[j][u] = 0.0f;',
    '}',
    '}',
  ]
}

/** Moves a window of rows by one and loads the row of token t into its end; rows outside the sequence are zeros. */
function shiftIn(window: string, taps: number, source: string, shape: ConvShape): string[] {
  return [
    '#pragma unroll',
    `for (int u = 0; u < ${CHANNELS}; u++) {`,
    '#pragma unroll',
    `for (int j = 1; j < ${taps}; j++) ${window}[j - 1][u] = ${window}[j][u];`,
    `${window}[${taps - 1}][u] = 0.0f;`,
    '}',
    `if (t >= 0 && t < ${shape.length}) load_many<${CHANNELS}>(${window}[${taps - 1}], ${source} + base + (unsigned long long)t * ${shape.channels}u);`,
  ]
}

const convolve = (taps: number): string[] => [
  'float y = b[u];',
  '#pragma unroll',
  `for (int j = 0; j < ${taps}; j++) y = fmaf(w[j][u], x[j][u], y);`,
]

function forwardKernel(node: Node, memory: NativeMemory): Launch {
  const shape = shapeOf(node.inputs, node.attrs)
  const { taps, channels, hasSilu, hasBias } = shape
  const writer = new KernelWriter()
  const x = writer.pointer(memory.buffer(node.inputs[0]!))
  const weight = writer.pointer(memory.buffer(node.inputs[1]!))
  const bias = hasBias ? writer.pointer(memory.buffer(node.inputs[3]!)) : undefined
  const y = writer.writes(memory.buffer(node.outputs[0]!))
  const body = [
    ...beginning(shape, weight, bias),
    '#pragma unroll',
    `for (int t = from - ${taps - 1}; t < from; t++) {`,
    ...shiftIn('x', taps, x, shape),
    '}',
    '#pragma unroll 8',
    'for (int t = from; t < to; t++) {',
    ...shiftIn('x', taps, x, shape),
    `float out[${CHANNELS}];`,
    '#pragma unroll',
    `for (int u = 0; u < ${CHANNELS}; u++) {`,
    ...convolve(taps),
    `out[u] = ${hasSilu ? 'y * sigmoid_f(y)' : 'y'};`,
    '}',
    `store_many<${CHANNELS}>(${y} + base + (unsigned long long)t * ${channels}u, out);`,
    '}',
  ]
  return writer.finish('conv', [blocksOf(shape), 1], THREADS, body)
}

/** The last inputs, oldest first, [B,C,K-1]. */
function stateKernel(node: Node, memory: NativeMemory): Launch {
  const { batch, length, channels, taps } = shapeOf(node.inputs, node.attrs)
  const writer = new KernelWriter()
  const size = batch * channels * (taps - 1)
  const load = writer.load(
    memory.buffer(node.inputs[0]!),
    `(i / ${channels * (taps - 1)}u * ${length}u + t) * ${channels}u + c`,
  )
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${size}u) return;`,
    `unsigned c = i / ${taps - 1}u % ${channels}u;`,
    `int t = ${length - taps + 1} + (int)(i % ${taps - 1}u);`,
    writer.store(memory.buffer(node.outputs[1]!), 'i', `t < 0 ? 0.0f : ${load}`),
  ]
  return writer.finish('conv_state', [Math.ceil(size / THREADS), 1], THREADS, body)
}

/** Gradients of the inputs, and of weights and bias for each stretch: [stretch, tap or bias, channel]. */
function backwardKernel(node: Node, memory: NativeMemory, parts: ReturnType<typeof partsOf>): Launch {
  const { inputs, ct, shape, dx, sums } = parts
  const { taps, channels, hasSilu, hasBias } = shape
  const writer = new KernelWriter()
  const x = writer.pointer(memory.buffer(inputs[0]!))
  const weight = writer.pointer(memory.buffer(inputs[1]!))
  const bias = hasBias ? writer.pointer(memory.buffer(inputs[3]!)) : undefined
  const dy = writer.pointer(memory.buffer(ct))
  const into = dx === undefined ? undefined : writer.writes(memory.buffer(dx))
  const partial = sums === undefined ? undefined : writer.writes(sums)
  const body = [
    ...beginning(shape, weight, bias),
    // d holds the gradients before SiLU of the last taps tokens
    `float d[${taps}][${CHANNELS}], dw[${taps}][${CHANNELS}], db[${CHANNELS}];`,
    '#pragma unroll',
    `for (int u = 0; u < ${CHANNELS}; u++) {`,
    'db[u] = 0.0f;',
    '#pragma unroll',
    `for (int j = 0; j < ${taps}; j++) d[j][u] = dw[j][u] = 0.0f;`,
    '}',
    '#pragma unroll',
    `for (int t = from - ${taps - 1}; t < from; t++) {`,
    ...shiftIn('x', taps, x, shape),
    '}',
    '#pragma unroll 4',
    `for (int t = from; t < to + ${taps - 1}; t++) {`,
    ...shiftIn('x', taps, x, shape),
    ...shiftIn('d', taps, dy, shape),
    `float out[${CHANNELS}];`,
    '#pragma unroll',
    `for (int u = 0; u < ${CHANNELS}; u++) {`,
    ...(hasSilu
      ? [...convolve(taps), 'float s = sigmoid_f(y);', `d[${taps - 1}][u] *= s * (1.0f + y * (1.0f - s));`]
      : []),
    `float own = t < to ? d[${taps - 1}][u] : 0.0f;`,
    'db[u] += own;',
    'out[u] = 0.0f;',
    '#pragma unroll',
    `for (int j = 0; j < ${taps}; j++) {`,
    'dw[j][u] = fmaf(own, x[j][u], dw[j][u]);',
    // token t - taps + 1 was seen by the tap that lies as far from the end as the token seeing it lies behind
    `out[u] = fmaf(w[j][u], d[${taps - 1} - j][u], out[u]);`,
    '}',
    '}',
    ...(into === undefined
      ? []
      : [
          `int seen = t - ${taps - 1};`,
          `if (seen >= from) store_many<${CHANNELS}>(${into} + base + (unsigned long long)seen * ${channels}u, out);`,
        ]),
    '}',
    ...(partial === undefined
      ? []
      : [
          `float *place = ${partial} + (unsigned long long)stretch * ${(taps + 1) * channels}u + c;`,
          '#pragma unroll',
          `for (int j = 0; j < ${taps}; j++) store_many<${CHANNELS}>(place + j * ${channels}u, dw[j]);`,
          `store_many<${CHANNELS}>(place + ${taps * channels}u, db);`,
        ]),
  ]
  return writer.finish('conv_grad', [blocksOf(shape), 1], THREADS, body)
}

/** Adds up what the stretches left: weights [C,1,K] for taps below K, bias [C] for the last. */
function sumKernel(memory: NativeMemory, parts: ReturnType<typeof partsOf>): Launch {
  const { shape, sums, dWeight, dBias } = parts
  const { channels, taps, batch, stretches } = shape
  const writer = new KernelWriter()
  const partial = writer.pointer(sums!)
  const store = [
    ...(dWeight === undefined
      ? []
      : [`if (j < ${taps}u) ${writer.store(memory.buffer(dWeight), `c * ${taps}u + j`, 'sum')}`]),
    ...(dBias === undefined ? [] : [`if (j == ${taps}u) ${writer.store(memory.buffer(dBias), 'c', 'sum')}`]),
  ]
  const body = [
    `__shared__ float shared[${SUM_SLICES}][${SUM_CHANNELS}];`,
    `unsigned lane = threadIdx.x % ${SUM_CHANNELS}u, slice = threadIdx.x / ${SUM_CHANNELS}u, j = blockIdx.y;`,
    `unsigned c = blockIdx.x * ${SUM_CHANNELS}u + lane;`,
    'float sum = 0.0f;',
    `if (c < ${channels}u) {`,
    '#pragma unroll 8',
    `for (unsigned s = slice; s < ${batch * stretches}u; s += ${SUM_SLICES}u) sum += ${partial}[((unsigned long long)s * ${taps + 1}u + j) * ${channels}u + c];`,
    '}',
    'shared[slice][lane] = sum;',
    '__syncthreads();',
    `if (slice == 0u && c < ${channels}u) {`,
    `for (unsigned s = 1; s < ${SUM_SLICES}u; s++) sum += shared[s][lane];`,
    ...store,
    '}',
  ]
  return writer.finish('conv_sums', [Math.ceil(channels / SUM_CHANNELS), taps + 1], SUM_CHANNELS * SUM_SLICES, body)
}

function partsOf(node: Node, memory: NativeMemory) {
  const { inputs, cotangents, attrs, wrt } = vjpParts(node)
  const shape = shapeOf(inputs, attrs)
  const gradient = (input: number): Value | undefined => {
    const output = node.outputs[wrt.indexOf(input)]
    return output !== undefined && memory.isRead(output) ? output : undefined
  }
  const dWeight = gradient(1),
    dBias = gradient(3)
  const size = shape.batch * shape.stretches * (shape.taps + 1) * shape.channels
  const sums = dWeight === undefined && dBias === undefined ? undefined : memory.scratch('f32', size, 'sums')
  return { inputs, ct: cotangents[0]!, shape, dx: gradient(0), dWeight, dBias, sums }
}

export const causalConv: NativeOp = {
  kind: 'causal_conv1d',
  claims: (node) => takes(node.inputs),
  stored: (_, side, index) => {
    if (side === 'output') return index === 0 ? 'bf16' : 'any'
    return (['bf16', 'f32', undefined, 'f32'] as const)[index]
  },
  launches: (node, memory) => [
    ...(memory.isRead(node.outputs[0]!) ? [forwardKernel(node, memory)] : []),
    ...(memory.isRead(node.outputs[1]!) ? [stateKernel(node, memory)] : []),
  ],
}

export const causalConvGradient: NativeOp = {
  kind: 'vjp causal_conv1d',
  claims: (node) => {
    const { inputs, cotangents, wrt } = vjpParts(node)
    return takes(inputs) && cotangents[0] !== undefined && cotangents[1] === undefined && !wrt.includes(2)
  },
  stored: (node, side, index) => {
    const { inputs, outputs, wrt } = vjpParts(node)
    if (side === 'output') return wrt[index] === 0 ? 'bf16' : 'f32'
    if (index === inputs.length + outputs.length) return 'bf16'
    return index < inputs.length ? (['bf16', 'f32', undefined, 'f32'] as const)[index] : undefined
  },
  launches: (node, memory) => {
    const parts = partsOf(node, memory)
    return [backwardKernel(node, memory, parts), ...(parts.sums === undefined ? [] : [sumKernel(memory, parts)])]
  },
}
