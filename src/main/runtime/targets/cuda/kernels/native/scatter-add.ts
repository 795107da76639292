// The gradient of a table look-up: rows of updates added to the rows of a table that their indices name.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { numberText } from '../../schedule/emitter.ts'
import { fillOf } from '../../schedule/values.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

const THREADS = 256

/** Indices that a block looks at before it adds what it found; equal rows then add up in the order of the indices. */
const SCAN = 1024
/** Sums that a block keeps in shared memory, and columns that it takes at most. */
const SUMS = 8192
const COLUMNS = 1024
/** Blocks that a large device wants. */
const WANTED_BLOCKS = 256

/**
 * A block owns some rows of the table: it looks through all indices for its own and adds those updates in order, so that the
 * result does not depend on timing and a frequent row costs no contention.
 */
function scatterAddKernel(node: Node, memory: NativeMemory): Launch {
  const [table, indices, updates] = node.inputs as [Value, Value, Value]
  const rows = table.type.shape[0]!
  const width = sizeOf(table.type.shape) / rows
  const count = sizeOf(indices.type.shape)
  const columns = Math.min(width, COLUMNS)
  const own = Math.max(1, Math.min(Math.floor(rows / WANTED_BLOCKS), Math.floor(SUMS / columns)))
  const writer = new KernelWriter()
  const fill = fillOf(table)
  const start =
    fill === undefined
      ? writer.load(memory.buffer(table), `(r0 + s / ${columns}u) * ${width}u + c0 + s % ${columns}u`)
      : numberText(fill, 'f32')
  const isInside = `r0 + s / ${columns}u < ${rows}u && c0 + s % ${columns}u < ${width}u`
  const body = [
    `__shared__ float sums[${own * columns}];`,
    `__shared__ unsigned found[${SCAN}];`,
    '__shared__ unsigned counts[33];',
    `unsigned r0 = blockIdx.x * ${own}u, c0 = blockIdx.y * ${columns}u;`,
    'unsigned lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;',
    `for (unsigned s = threadIdx.x; s < ${own * columns}u; s += ${THREADS}u) sums[s] = ${isInside} ? ${start} : 0.0f;`,
    '__syncthreads();',
    `for (unsigned base = 0; base < ${count}u; base += ${SCAN}u) {`,
    // each warp takes 128 neighbouring indices and keeps the order of its finds
    'unsigned mine[4], row[4];',
    'unsigned total = 0;',
    '#pragma unroll',
    'for (int q = 0; q < 4; q++) {',
    'unsigned i = base + warp * 128u + q * 32u + lane;',
    `row[q] = i < ${count}u ? (unsigned)${writer.load(memory.buffer(indices), 'i')} - r0 : ${own}u;`,
    `bool hit = row[q] < ${own}u;`,
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
    `if (mine[q] != 0xffffffffu) found[before + mine[q]] = (base + warp * 128u + q * 32u + lane) * ${own}u + row[q];`,
    '__syncthreads();',
    '#pragma unroll 8',
    'for (unsigned f = 0; f < all; f++) {',
    `unsigned i = found[f] / ${own}u, at = found[f] % ${own}u * ${columns}u;`,
    '#pragma unroll',
    `for (int t = 0; t < ${Math.ceil(columns / THREADS)}; t++) {`,
    `unsigned c = threadIdx.x + t * ${THREADS}u;`,
    // a column belongs to one thread, so that nobody waits
    `if (c < ${columns}u && c0 + c < ${width}u) sums[at + c] += ${writer.load(memory.buffer(updates), `i * ${width}u + c0 + c`)};`,
    '}',
    '}',
    '__syncthreads();',
    '}',
    `for (unsigned s = threadIdx.x; s < ${own * columns}u; s += ${THREADS}u)`,
    `if (${isInside}) ${writer.store(memory.buffer(node.outputs[0]!), `(r0 + s / ${columns}u) * ${width}u + c0 + s % ${columns}u`, 'sums[s]')}`,
  ]
  return writer.finish('scatter', [Math.ceil(rows / own), Math.ceil(width / columns)], THREADS, body)
}

export const scatterAdd: NativeOp = {
  kind: 'scatter_add',
  claims: () => true,
  stored: (node, side, index) =>
    side === 'input' && index === 0 && fillOf(node.inputs[0]!) !== undefined ? undefined : 'any',
  launches: (node, memory) => [scatterAddKernel(node, memory)],
}
