// Reductions over any axes. Threads of a warp lie along the innermost axis, so that reads coalesce; long reductions are
// divided among blocks, whose partial results a second kernel joins in a fixed order.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { Emitter } from '../schedule/emitter.ts'
import { flatten, literal, unflatten, variable } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import type { Buffer, ReduceJob } from '../schedule/job.ts'
import { Neighbours, neighboursOf, placeOf } from './neighbours.ts'
import { KernelWriter } from './writer.ts'
import type { BufferOf, Launch } from './writer.ts'

const THREADS = 256
const WARPS = THREADS / 32
/** Blocks that fill a large device. */
const WANTED_BLOCKS = 528
/** Threads of a block that looks for the largest element of one row. */
const ARGMAX_THREADS = 1024
/** Terms that a thread sums at least before the work is divided further. */
const MIN_TERMS = 16

interface ReduceShape {
  readonly outputs: number
  readonly terms: number
  /** Whether neighbouring threads take neighbouring outputs (and not neighbouring terms). */
  readonly isColumn: boolean
  /** Neighbouring outputs of a thread. */
  readonly width: number
  readonly blocks: number
  readonly splits: number
}

function reduceShape(node: Node): ReduceShape {
  const { shape } = node.inputs[0]!.type
  const axes = node.attrs['axes'] as readonly number[]
  const outputs = sizeOf(node.outputs[0]!.type.shape)
  const terms = sizeOf(shape) / outputs
  const last = shape.findLastIndex((size) => size !== 1)
  const isColumn = !axes.includes(last)
  const width = isColumn ? neighboursOf(outputs, terms) : 1
  const blocks = isColumn ? Math.ceil(outputs / (32 * width)) : outputs
  const perBlock = isColumn ? WARPS : THREADS
  const splits = Math.max(1, Math.min(Math.ceil(WANTED_BLOCKS / blocks), Math.ceil(terms / (perBlock * MIN_TERMS))))
  return { outputs, terms, isColumn, width, blocks, splits }
}

/** Elements of scratch memory that a reduction needs; 0 for none. */
export function reduceScratch({ node }: ReduceJob): number {
  if (node.op === 'argmax') return 0
  const { splits, outputs } = reduceShape(node)
  return splits === 1 ? 0 : splits * outputs
}

export function reduceKernels({ node }: ReduceJob, scratch: Buffer | undefined, bufferOf: BufferOf): readonly Launch[] {
  if (node.op === 'argmax') return [argmaxKernel(node, bufferOf)]
  const shape = reduceShape(node)
  const result = bufferOf(node.outputs[0]!)!
  if (scratch === undefined) return [partialKernel(node, shape, result, bufferOf)]
  return [
    partialKernel(node, shape, scratch, bufferOf),
    joinKernel(node.op, shape.outputs, shape.splits, scratch, result),
  ]
}

const isSum = (node: Node): boolean => node.op === 'reduce_sum'
const startOf = (op: string): string => (op === 'reduce_sum' ? '0.0f' : '__int_as_float(0xff800000)')
const combineOf = (op: string): string => (op === 'reduce_sum' ? 'add_f' : 'larger')

/** Statements that add the term k of output o to `sum`. */
function termLines(
  node: Node,
  writer: KernelWriter,
  outputs: Index,
  terms: number,
  neighbours: Neighbours,
  sum: string,
): readonly string[] {
  const operand: Value = node.inputs[0]!
  const { shape } = operand.type
  const axes = node.attrs['axes'] as readonly number[]
  const kept = unflatten(outputs, node.outputs[0]!.type.shape)
  const reduced = unflatten(
    variable('k', terms),
    shape.map((size, axis) => (axes.includes(axis) ? size : 1)),
  )
  const place = shape.map((size, axis) =>
    size === 1 ? literal(0) : axes.includes(axis) ? reduced[axis]! : kept[axis]!,
  )
  const emitter = new Emitter({
    read: (value, at, isConditional) => {
      const buffer = writer.bufferOf(value)
      return buffer === undefined ? undefined : neighbours.load(buffer, at, isConditional)
    },
  })
  const element = emitter.element(operand, flatten(place, shape))
  return [...emitter.lines, `${sum} = ${combineOf(node.op)}(${sum}, ${element});`]
}

function partialKernel(node: Node, shape: ReduceShape, into: Buffer, bufferOf: BufferOf): Launch {
  const writer = new KernelWriter(bufferOf)
  const body = shape.isColumn ? columnBody(node, shape, into, writer) : rowBody(node, shape, into, writer)
  return writer.finish(shape.isColumn ? 'columns' : 'reduce', [shape.blocks, shape.splits], THREADS, body)
}

/** Threads of a warp lie along the outputs, warps along the terms. */
function columnBody(node: Node, shape: ReduceShape, into: Buffer, writer: KernelWriter): string[] {
  const { outputs, terms, width, splits } = shape
  const neighbours = new Neighbours(writer, width)
  const lines = termLines(node, writer, placeOf('i', outputs, width), terms, neighbours, 'sums[u_]')
  const each = `for (unsigned u = 0; u < ${width}u; u++)`
  return [
    `__shared__ float shared[${WARPS}][${32 * width}];`,
    'unsigned x = threadIdx.x % 32u, y = threadIdx.x / 32u;',
    'unsigned i = blockIdx.x * 32u + x;',
    `float sums[${width}];`,
    `${each} sums[u] = ${startOf(node.op)};`,
    `if (i < ${outputs / width}u) {`,
    '#pragma unroll 4',
    `for (unsigned k = blockIdx.y * ${WARPS}u + y; k < ${terms}u; k += ${WARPS * splits}u) {`,
    ...neighbours.loop(lines),
    '}',
    '}',
    `${each} shared[y][x * ${width}u + u] = sums[u];`,
    '__syncthreads();',
    `if (y == 0u && i < ${outputs / width}u) {`,
    `${each} {`,
    'float sum = sums[u];',
    `for (unsigned w = 1; w < ${WARPS}u; w++) sum = ${combineOf(node.op)}(sum, shared[w][x * ${width}u + u]);`,
    writer.store(into, `${splits === 1 ? '' : `blockIdx.y * ${outputs}u + `}i * ${width}u + u`, 'sum'),
    '}',
    '}',
  ]
}

/** All threads of a block share one output. */
function rowBody(node: Node, { outputs, terms, splits }: ReduceShape, into: Buffer, writer: KernelWriter): string[] {
  const lines = termLines(node, writer, variable('o', outputs), terms, new Neighbours(writer, 1), 'sum')
  return [
    '__shared__ float shared[32];',
    'unsigned o = blockIdx.x;',
    `float sum = ${startOf(node.op)};`,
    '#pragma unroll 4',
    `for (unsigned k = blockIdx.y * ${THREADS}u + threadIdx.x; k < ${terms}u; k += ${THREADS * splits}u) {`,
    ...lines,
    '}',
    `sum = block_${isSum(node) ? 'add' : 'larger'}<${WARPS}>(sum, shared);`,
    `if (threadIdx.x == 0u) ${writer.store(into, splits === 1 ? 'o' : `blockIdx.y * ${outputs}u + o`, 'sum')}`,
  ]
}

/** Joins partial results [splits, outputs] of `reduce_sum` or `reduce_max`, one warp for each output. */
export function joinKernel(op: string, outputs: number, splits: number, from: Buffer, into: Buffer): Launch {
  const writer = new KernelWriter()
  const body = [
    'unsigned lane = threadIdx.x % 32u;',
    `unsigned o = blockIdx.x * ${WARPS}u + threadIdx.x / 32u;`,
    `if (o >= ${outputs}u) return;`,
    `float sum = ${startOf(op)};`,
    '#pragma unroll 4',
    `for (unsigned s = lane; s < ${splits}u; s += 32u) sum = ${combineOf(op)}(sum, ${writer.load(from, `s * ${outputs}u + o`)});`,
    `sum = lanes_${op === 'reduce_sum' ? 'add' : 'larger'}<32>(sum);`,
    `if (lane == 0u) ${writer.store(into, 'o', 'sum')}`,
  ]
  return writer.finish('join', [Math.ceil(outputs / WARPS), 1], THREADS, body)
}

/** The first place of the largest element of each row: a warp for each, or a block where rows are few. */
function argmaxKernel(node: Node, bufferOf: BufferOf): Launch {
  const operand = node.inputs[0]!
  const width = operand.type.shape.at(-1)!
  const rows = sizeOf(operand.type.shape) / width
  const lanes = rows < WANTED_BLOCKS && width > THREADS ? ARGMAX_THREADS : 32
  const threads = Math.max(lanes, THREADS)
  const writer = new KernelWriter(bufferOf)
  const emitter = new Emitter({
    read: (value, at) => {
      const buffer = bufferOf(value)
      return buffer === undefined ? undefined : writer.load(buffer, at)
    },
  })
  const place = flatten([variable('r', rows), variable('j', width)], [rows, width])
  const element = emitter.element(operand, place)
  const better = 'if (other > most || (other == most && place < first)) { most = other; first = place; }'
  const amongLanes = [
    'for (int d = 16; d > 0; d /= 2) {',
    'float other = __shfl_xor_sync(0xffffffffu, most, d);',
    'unsigned place = __shfl_xor_sync(0xffffffffu, first, d);',
    better,
    '}',
  ]
  const amongWarps = [
    `__shared__ float mosts[${threads / 32}];`,
    `__shared__ unsigned firsts[${threads / 32}];`,
    'if (lane % 32u == 0u) { mosts[lane / 32u] = most; firsts[lane / 32u] = first; }',
    '__syncthreads();',
    `for (unsigned w = 0; w < ${threads / 32}u; w++) {`,
    'float other = mosts[w];',
    'unsigned place = firsts[w];',
    better,
    '}',
  ]
  const body = [
    `unsigned lane = threadIdx.x % ${lanes}u;`,
    `unsigned r = blockIdx.x * ${threads / lanes}u + threadIdx.x / ${lanes}u;`,
    `if (r >= ${rows}u) return;`,
    'float most = __int_as_float(0xff800000);',
    `unsigned first = ${width}u;`,
    '#pragma unroll 4',
    `for (unsigned j = lane; j < ${width}u; j += ${lanes}u) {`,
    ...emitter.lines,
    `if (${element} > most || first == ${width}u) { most = ${element}; first = j; }`,
    '}',
    ...amongLanes,
    ...(lanes > 32 ? amongWarps : []),
    `if (lane == 0u) ${writer.store(bufferOf(node.outputs[0]!)!, 'r', '(int)first')}`,
  ]
  return writer.finish('argmax', [Math.ceil(rows / (threads / lanes)), 1], threads, body)
}
