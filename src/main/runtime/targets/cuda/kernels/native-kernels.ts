// Kernels written by hand for ops that are neither element-wise nor products.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { numberText } from '../schedule/emitter.ts'
import type { Buffer, NativeJob } from '../schedule/job.ts'
import { unshaped } from '../schedule/roots.ts'
import { fillOf } from '../schedule/values.ts'
import { triInverseKernel } from './tri-inverse.ts'
import { KernelWriter } from './writer.ts'
import type { BufferOf, Launch } from './writer.ts'

const THREADS = 256

export function nativeKernel({ node }: NativeJob, bufferOf: BufferOf): Launch {
  const operands = (value: Value): Buffer | undefined => bufferOf(unshaped(value))
  switch (node.op) {
    case 'scatter_add':
      return scatterAddKernel(node, operands)
    case 'update':
      return updateKernel(node, operands)
    case 'tri_inverse':
      return triInverseKernel(node, operands)
    default:
      throw new Error(`cuda: no kernel for ${node.op}`)
  }
}

/** Indices that a block looks at before it adds what it found; equal rows then add up in the order of the indices. */
const SCAN = 1024

/**
 * One block for each row of the table: it looks through all indices for its own and adds those updates in order, so that the
 * result does not depend on timing and a frequent row costs no contention.
 */
function scatterAddKernel(node: Node, bufferOf: BufferOf): Launch {
  const [table, indices, updates] = node.inputs as [Value, Value, Value]
  const rows = table.type.shape[0]!
  const width = sizeOf(table.type.shape) / rows
  const count = sizeOf(indices.type.shape)
  const writer = new KernelWriter(bufferOf)
  const fill = fillOf(table)
  const start = fill === undefined ? writer.load(bufferOf(table)!, `r * ${width}u + c`) : numberText(fill, 'f32')
  const perThread = Math.ceil(width / THREADS)
  const body = [
    `__shared__ unsigned found[${SCAN}];`,
    '__shared__ unsigned counts[33];',
    'unsigned r = blockIdx.x;',
    'unsigned lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;',
    `float sums[${perThread}];`,
    '#pragma unroll',
    `for (int t = 0; t < ${perThread}; t++) {`,
    `unsigned c = threadIdx.x + t * ${THREADS}u;`,
    `sums[t] = c < ${width}u ? ${start} : 0.0f;`,
    '}',
    `for (unsigned base = 0; base < ${count}u; base += ${SCAN}u) {`,
    // each warp takes 128 neighbouring indices and keeps the order of its finds
    'unsigned mine[4];',
    'unsigned total = 0;',
    '#pragma unroll',
    'for (int q = 0; q < 4; q++) {',
    'unsigned i = base + warp * 128u + q * 32u + lane;',
    `bool hit = i < ${count}u && (unsigned)${writer.load(bufferOf(indices)!, 'i')} == r;`,
    'unsigned mask = __ballot_sync(0xffffffffu, hit);',
    'mine[q] = hit ? total + __popc(mask & ((1u << lane) - 1u)) : 0xffffffffu;',
    'total += __popc(mask);',
    '}',
    'if (lane == 0u) counts[warp] = total;',
    '__syncthreads();',
    'unsigned before = 0, all = 0;',
    `for (unsigned w = 0; w < ${THREADS / 32}u; w++) { if (w < warp) before += counts[w]; all += counts[w]; }`,
    '#pragma unroll',
    'for (int q = 0; q < 4; q++)',
    'if (mine[q] != 0xffffffffu) found[before + mine[q]] = base + warp * 128u + q * 32u + lane;',
    '__syncthreads();',
    '#pragma unroll 4',
    'for (unsigned f = 0; f < all; f++) {',
    'unsigned i = found[f];',
    '#pragma unroll',
    `for (int t = 0; t < ${perThread}; t++) {`,
    `unsigned c = threadIdx.x + t * ${THREADS}u;`,
    `if (c < ${width}u) sums[t] += ${writer.load(bufferOf(updates)!, `i * ${width}u + c`)};`,
    '}',
    '}',
    '__syncthreads();',
    '}',
    '#pragma unroll',
    `for (int t = 0; t < ${perThread}; t++) {`,
    `unsigned c = threadIdx.x + t * ${THREADS}u;`,
    `if (c < ${width}u) ${writer.store(bufferOf(node.outputs[0]!)!, `r * ${width}u + c`, 'sums[t]')}`,
    '}',
  ]
  return writer.finish('scatter', [rows, 1], THREADS, body)
}

/** Replaces a block of rows; where the result has the memory of the operand, only the block is written. */
function updateKernel(node: Node, bufferOf: BufferOf): Launch {
  const [x, block, start] = node.inputs as [Value, Value, Value]
  const axis = node.attrs['axis'] as number
  const inner = sizeOf(x.type.shape.slice(axis + 1))
  const [length, rows] = [x.type.shape[axis]!, block.type.shape[axis]!]
  const from = bufferOf(x)!,
    into = bufferOf(node.outputs[0]!)!
  const writer = new KernelWriter(bufferOf)
  const first = writer.load(bufferOf(start)!, '0u')
  const isInPlace = from === into
  const size = sizeOf((isInPlace ? block : x).type.shape)
  const taken = writer.load(bufferOf(block)!, `(o * ${rows}u + t) * ${inner}u + c`)
  const position = isInPlace ? rows : length
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${size}u) return;`,
    `unsigned c = i % ${inner}u, t = i / ${inner}u % ${position}u, o = i / ${inner * position}u;`,
    `unsigned at = min((unsigned)max(${first}, 0), ${length - rows}u);`,
    ...(isInPlace
      ? [writer.store(into, `(o * ${length}u + at + t) * ${inner}u + c`, taken)]
      : [
          'bool isBlock = t - at < ' + `${rows}u;`,
          `float x = isBlock ? 0.0f : ${writer.load(from, 'i')};`,
          'if (isBlock) { t -= at; ' + `x = ${taken}; }`,
          writer.store(into, 'i', 'x'),
        ]),
  ]
  return writer.finish('update', [Math.ceil(size / THREADS), 1], THREADS, body)
}

/** Copies a value into another form in memory. */
export function convertKernel(from: Buffer, into: Buffer): Launch {
  const writer = new KernelWriter(() => undefined)
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i < ${into.size}u) ${writer.store(into, 'i', writer.load(from, 'i'))}`,
  ]
  return writer.finish('convert', [Math.ceil(into.size / THREADS), 1], THREADS, body)
}
