// Causal depthwise convolution with SiLU, forward and backward. Meaning: core/ops/fused/conv.ts; bodies of the kernels:
// conv/device.ts.

import type { Node, Value } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { fillOf } from '../../schedule/values.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import { CONV } from './conv/device.ts'
import type { NativeMemory, NativeOp, Rows } from './native-op.ts'

const THREADS = 128
const WARPS = THREADS / 32
/** Neighbouring channels of a thread, and tokens that it walks over: gradients begin with more that are not their own. */
const CHANNELS = 2
const STRETCH = 16
const STRETCH_BACK = 32
const MAX_TAPS = 8
/** Channels and slices of sums of a block that adds up gradients of weights. */
const SUM_CHANNELS = 32
const SUM_SLICES = 8

interface ConvShape {
  readonly batch: number
  readonly length: number
  readonly channels: number
  readonly taps: number
  readonly hasSilu: boolean
  readonly hasBias: boolean
  /** Tokens that a thread walks over. */
  readonly stretch: number
  /** Blocks side by side along the channels, and behind one another along the tokens. */
  readonly columns: number
  readonly rows: number
}

function shapeOf([x, weight]: readonly Value[], attrs: Node['attrs'], stretch: number): ConvShape {
  const [batch, length, channels] = x!.type.shape as [number, number, number]
  return {
    batch,
    length,
    channels,
    taps: weight!.type.shape[2]!,
    hasSilu: attrs['silu'] === true,
    hasBias: attrs['bias'] === true,
    stretch,
    columns: Math.ceil(channels / (32 * CHANNELS)),
    rows: Math.ceil((batch * Math.ceil(length / stretch)) / WARPS),
  }
}

const takes = ([x, weight, state]: readonly Value[]): boolean =>
  x!.type.shape[1]! > 1 && x!.type.shape[2]! % 4 === 0 && weight!.type.shape[2]! <= MAX_TAPS && fillOf(state!) === 0

/** The sizes of an op as a type of conv/device.ts. */
function sizesOf({ batch, length, channels, taps, hasSilu, stretch }: ConvShape, x: Rows): string {
  const sizes = [batch, length, channels, x.stride, taps, hasSilu, CHANNELS, stretch, WARPS]
  return `conv::Shape<${sizes.join(', ')}>`
}

function forwardKernel(node: Node, memory: NativeMemory): Launch {
  const shape = shapeOf(node.inputs, node.attrs, STRETCH)
  const writer = new KernelWriter()
  const x = memory.rows(node.inputs[0]!)
  const args = [
    `${writer.pointer(x.buffer)} + ${x.offset}`,
    writer.pointer(memory.buffer(node.inputs[1]!)),
    shape.hasBias ? writer.pointer(memory.buffer(node.inputs[3]!)) : 'nullptr',
    writer.writes(memory.buffer(node.outputs[0]!)),
  ]
  const body = [`conv::forward<${sizesOf(shape, x)}>(${args.join(', ')});`]
  return writer.finish('conv', [shape.columns * shape.rows, 1], THREADS, body, { uses: [CONV] })
}

/** The last inputs, oldest first, [B,C,K-1]. */
function stateKernel(node: Node, memory: NativeMemory): Launch {
  const { batch, length, channels, taps } = shapeOf(node.inputs, node.attrs, STRETCH)
  const writer = new KernelWriter()
  const size = batch * channels * (taps - 1)
  const x = memory.rows(node.inputs[0]!)
  const token = `(i / ${channels * (taps - 1)}u * ${length}u + t)`
  const load = writer.load(x.buffer, `${token} * ${x.stride}u + c + ${x.offset}u`)
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${size}u) return;`,
    `unsigned c = i / ${taps - 1}u % ${channels}u;`,
    `int t = ${length - taps + 1} + (int)(i % ${taps - 1}u);`,
    writer.store(memory.buffer(node.outputs[1]!), 'i', `t < 0 ? 0.0f : ${load}`),
  ]
  return writer.finish('conv_state', [Math.ceil(size / THREADS), 1], THREADS, body)
}

/** Gradients of the inputs, and of weights and bias for the tokens of each block: [block, tap or bias, channel]. */
function backwardKernel(memory: NativeMemory, { inputs, ct, shape, dx, sums }: ReturnType<typeof partsOf>): Launch {
  const writer = new KernelWriter()
  const x = memory.rows(inputs[0]!)
  const into = dx === undefined ? undefined : memory.rows(dx)
  const args = [
    `${writer.pointer(x.buffer)} + ${x.offset}`,
    writer.pointer(memory.buffer(inputs[1]!)),
    shape.hasBias ? writer.pointer(memory.buffer(inputs[3]!)) : 'nullptr',
    writer.pointer(memory.buffer(ct)),
    into === undefined ? 'nullptr' : `${writer.writes(into.buffer)} + ${into.offset}`,
    sums === undefined ? 'nullptr' : writer.writes(sums),
  ]
  const body = [`conv::backward<${sizesOf(shape, x)}, ${into?.stride ?? 0}>(${args.join(', ')});`]
  return writer.finish('conv_grad', [shape.columns * shape.rows, 1], THREADS, body, { uses: [CONV] })
}

/** Adds up what the blocks left: weights [C,1,K] for taps below K, bias [C] for the last. */
function sumKernel(memory: NativeMemory, parts: ReturnType<typeof partsOf>): Launch {
  const { shape, sums, dWeight, dBias } = parts
  const { channels, taps, rows } = shape
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
    `for (unsigned s = slice; s < ${rows}u; s += ${SUM_SLICES}u) sum += ${partial}[((unsigned long long)s * ${taps + 1}u + j) * ${channels}u + c];`,
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
  const shape = shapeOf(inputs, attrs, STRETCH_BACK)
  const gradient = (input: number): Value | undefined => {
    const output = node.outputs[wrt.indexOf(input)]
    return output !== undefined && memory.isRead(output) ? output : undefined
  }
  const dWeight = gradient(1),
    dBias = gradient(3)
  const size = shape.rows * (shape.taps + 1) * shape.channels
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
  rows: (node, side, index) => (side === 'input' && index === 0 ? node.inputs[0]!.type.shape[2]! : undefined),
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
  rows: (node, side, index) => {
    const isInput = (side === 'input' ? index : vjpParts(node).wrt[index]) === 0
    return isInput ? node.inputs[0]!.type.shape[2]! : undefined
  },
  launches: (node, memory) => {
    const parts = partsOf(node, memory)
    return [backwardKernel(memory, parts), ...(parts.sums === undefined ? [] : [sumKernel(memory, parts)])]
  },
}
