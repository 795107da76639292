// Attention of one token over a cache that it joins. The cache is divided among blocks, each of which takes some rows for
// the query heads that share them and leaves the largest score, the sum and the weighted values; the last block to end joins
// these (flash decoding).

import type { Node, Value } from '#core/graph/types.ts'
import { Emitter, numberText } from '../../schedule/emitter.ts'
import { plus, times, variable } from '../../schedule/integer.ts'
import type { Index } from '../../schedule/integer.ts'
import type { Buffer } from '../../schedule/job.ts'
import { C_TYPE } from '../../schedule/values.ts'
import { convertKernel } from '../convert-kernel.ts'
import { EIGHT } from '../gemv/eight.ts'
import { rowCode } from '../row-operand.ts'
import { KernelWriter, powerOfTwo } from '../writer.ts'
import type { Launch } from '../writer.ts'
import { CACHE_ROWS } from './cache-rows.ts'
import type { StepMemory, StepOp } from './step-op.ts'

const WARPS = 8
const THREADS = 32 * WARPS
/** Query heads for which a block reads the cache once. */
const MAX_HEADS = 4
/** Blocks that fill a large device, the divisions of a cache that are made for that, and the rows of one. */
const WANTED_BLOCKS = 264
const MAX_SPLITS = 128
const MIN_CHUNK = 64
/** Bytes of shared memory of a block. */
const MAX_SHARED = 46 << 10

interface Shape {
  readonly batch: number
  readonly heads: number
  readonly groups: number
  readonly capacity: number
  readonly width: number
  /** Query heads of a block, and blocks for the query heads of a group. */
  readonly own: number
  readonly headBlocks: number
  readonly splits: number
  readonly chunk: number
}

function shapeOf(node: Node): Shape {
  const [batch, , heads, width] = node.inputs[0]!.type.shape as [number, number, number, number]
  const [, groups, capacity] = node.inputs[3]!.type.shape as [number, number, number]
  const shared = heads / groups
  const own = [4, 3, 2, 1].find((n) => n <= MAX_HEADS && shared % n === 0)!
  const headBlocks = shared / own
  const wanted = Math.min(Math.ceil(WANTED_BLOCKS / (batch * groups * headBlocks)), MAX_SPLITS)
  // many sequences fill the device by themselves; what a block takes must still fit its shared memory
  const room = Math.floor((MAX_SHARED / 4 - WARPS * own * width - (own + 2) * width) / own)
  const most = Math.floor((room - Math.ceil((2 * capacity) / room)) / 16) * 16
  const chunk = Math.min(Math.ceil(Math.max(MIN_CHUNK, Math.ceil(capacity / wanted)) / 16) * 16, Math.max(most, 16))
  return { batch, heads, groups, capacity, width, own, headBlocks, splits: Math.ceil(capacity / chunk), chunk }
}

function attentionKernel(node: Node, memory: StepMemory): readonly Launch[] {
  const shape = shapeOf(node)
  const { batch, heads, groups, capacity, width, own, headBlocks, splits, chunk } = shape
  const [q, k, v, , , position] = node.inputs as [Value, Value, Value, Value, Value, Value]
  const [output, ...caches] = node.outputs as [Value, Value, Value]
  const writer = new KernelWriter(memory.bufferOf)
  const shared: string[] = []
  // a cache that is not overwritten in place is copied first
  const copies = caches.flatMap((cache, i) => {
    const from = memory.bufferOf(node.inputs[3 + i]!)!,
      into = memory.bufferOf(cache)!
    return from === into ? [] : [convertKernel(from, into)]
  })
  const [keys, values] = caches.map((cache) => memory.bufferOf(cache)!) as [Buffer, Buffer]
  const row = (
    value: Value,
    rows: number,
    index: Index,
    name: string,
    place: (j: string) => string,
  ): readonly string[] => {
    const code = rowCode(
      {
        value,
        rows,
        length: width,
        row: index,
        lanes: 32,
        lane: 'lane',
        slots: WARPS,
        slot: 'warp',
        read: place,
        write: (j, element) => `${place(j)} = ${element};`,
        prefix: name,
      },
      writer,
    )
    shared.push(...code.shared)
    return code.lines
  }
  const bg = variable('g', batch * groups)
  const head = plus(times(bg, heads / groups), variable('part', heads / groups))
  const query = row(q, batch * heads, head, 'q', (j) => `query[job][split8(${j}, ${width}u)]`)
  const key = row(k, batch * groups, bg, 'k', (j) => `fresh[0][split8(${j}, ${width}u)]`)
  const value = row(v, batch * groups, bg, 'v', (j) => `fresh[1][split8(${j}, ${width}u)]`)
  const emitter = new Emitter(
    {
      read: (operand, place) => {
        const buffer = memory.bufferOf(operand)
        return buffer === undefined ? undefined : writer.load(buffer, place)
      },
    },
    'position_',
  )
  const seen = emitter.element(position, variable('i', 1))
  const parts = memory.scratch('f32', batch * groups * headBlocks * splits * own * (width + 2), 'parts')
  const tickets = memory.counters(batch * groups * headBlocks)
  const type = C_TYPE[memory.bufferOf(caches[0]!)!.stored]
  const body = [
    'unsigned lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;',
    `unsigned g = blockIdx.y / ${headBlocks}u;`,
    `__shared__ float4 query4[${own}][${width / 4}], fresh4[2][${width / 4}];`,
    `float (*query)[${width}] = (float (*)[${width}])query4, (*fresh)[${width}] = (float (*)[${width}])fresh4;`,
    ...shared,
    `unsigned from = blockIdx.x * ${chunk}u;`,
    `${type} *keys = ${writer.writes(keys)} + (unsigned long long)g * ${capacity * width}u;`,
    `${type} *values = ${writer.writes(values)} + (unsigned long long)g * ${capacity * width}u;`,
    ...emitter.lines,
    `unsigned slot = ring_slot(${seen}, ${capacity}u, ${String(node.attrs['window'] !== 0)}, ${Number(node.attrs['meta'])}u);`,
    `unsigned filled = min((unsigned)${seen} + 1u, ${capacity}u);`,
    'if (from >= filled) return;',
    `unsigned to = min(from + ${chunk}u, filled);`,
    `HeldRows<${type}, ${width}> held_keys, held_values;`,
    `unsigned first = from + threadIdx.x / ${width / 8}u;`,
    'held_keys.take(keys, first, to, slot);',
    'held_values.take(values, first, to, slot);',
    `for (unsigned job = warp; job < ${own + 2}u; job += ${WARPS}u) {`,
    `if (job < ${own}u) {`,
    `unsigned part = blockIdx.y % ${headBlocks}u * ${own}u + job;`,
    ...query,
    '} else if (slot - from < to - from) {',
    `if (job == ${own}u) {`,
    ...key,
    '} else {',
    ...value,
    '}',
    '__syncwarp();',
    `unsigned which = job - ${own}u;`,
    `${type} *cache = which == 0u ? keys : values;`,
    `for (unsigned j = lane; j < ${width}u; j += 32u) {`,
    `${type} kept;`,
    `store(&kept, 0, fresh[which][split8(j, ${width}u)]);`,
    `fresh[which][split8(j, ${width}u)] = load(&kept, 0);`,
    // of the blocks that read this row one writes it
    `if (blockIdx.y % ${headBlocks}u == 0u) cache[slot * ${width}u + j] = kept;`,
    '}',
    '}',
    '}',
    '__syncthreads();',
    `attend_rows<${type}, ${width}, ${own}, ${chunk}, ${splits}>(held_keys, held_values, keys, values, query, fresh, from, to, slot,`,
    `${numberText(node.attrs['scale'] as number, 'f32')}, (filled + ${chunk - 1}u) / ${chunk}u,`,
    `${writer.writes(parts)} + blockIdx.y * ${splits * own * width}u,`,
    `${writer.writes(parts)} + (gridDim.y * ${width}u + blockIdx.y * 2u) * ${splits * own}u, ${writer.writes(tickets)} + blockIdx.y,`,
    `${writer.writes(memory.bufferOf(output)!)} + (g * ${heads / groups}u + blockIdx.y % ${headBlocks}u * ${own}u) * ${width}u);`,
  ]
  const launch = writer.finish('attend', [splits, batch * groups * headBlocks], THREADS, body, {
    uses: [EIGHT, CACHE_ROWS],
  })
  return [...copies, { ...launch, countsWide: true }]
}

export const attentionStep: StepOp = {
  kind: 'attention_step',
  claims: (node) => {
    const { width, own, chunk, splits } = shapeOf(node)
    const bytes = 4 * (WARPS * own * width + own * (chunk + splits) + (own + 2) * width)
    return width >= 8 && width <= 256 && powerOfTwo(width) === width && bytes <= MAX_SHARED
  },
  rowOperands: () => [0, 1, 2],
  states: [
    { output: 1, input: 3, isCache: true },
    { output: 2, input: 4, isCache: true },
  ],
  launches: attentionKernel,
}
