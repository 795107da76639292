// Whole-sequence attention, forward and backward. Meaning: core/ops/fused/attention.ts; bodies of the kernels: attention/.

import type { Node, Shape, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { intAttr } from '#core/ops/op.ts'
import { numberText } from '../../schedule/emitter.ts'
import { unshaped } from '../../schedule/values.ts'
import type { Buffer } from '../../schedule/job.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import { KEY_GRADIENT, QUERY_GRADIENT } from './attention/backward.ts'
import { FORWARD } from './attention/forward.ts'
import type { NativeMemory, NativeOp, Rows } from './native-op.ts'
import { TENSOR_CORE } from './tensor-core.ts'

/** How a kernel cuts its work. */
interface Tiling {
  /** Groups of four warps in a block, which own 64 rows each. */
  readonly groups: number
  /** Rows of the tiles that a block goes through, and how many of them it has in shared memory. */
  readonly tile: number
  readonly stages: number
  /** Blocks of a multiprocessor. */
  readonly blocks: number
}

type Part = 'forward' | 'queryGradient' | 'keyGradient'

/** The fastest on an H200 at sequences of 512 and 2048, of those whose blocks need less than 99 KB of shared memory. */
const TILINGS: Readonly<Record<number, Readonly<Record<Part, Tiling>>>> = {
  32: {
    forward: { groups: 1, tile: 64, stages: 2, blocks: 4 },
    queryGradient: { groups: 1, tile: 64, stages: 2, blocks: 4 },
    keyGradient: { groups: 1, tile: 64, stages: 3, blocks: 3 },
  },
  64: {
    forward: { groups: 1, tile: 64, stages: 2, blocks: 4 },
    queryGradient: { groups: 1, tile: 64, stages: 2, blocks: 4 },
    keyGradient: { groups: 1, tile: 64, stages: 3, blocks: 3 },
  },
  96: {
    forward: { groups: 1, tile: 64, stages: 2, blocks: 3 },
    queryGradient: { groups: 2, tile: 32, stages: 2, blocks: 2 },
    keyGradient: { groups: 1, tile: 64, stages: 2, blocks: 2 },
  },
  128: {
    forward: { groups: 1, tile: 64, stages: 2, blocks: 2 },
    queryGradient: { groups: 1, tile: 64, stages: 2, blocks: 2 },
    keyGradient: { groups: 1, tile: 64, stages: 2, blocks: 2 },
  },
}

/** Of the heads that are worked on at a time, what is read again and again should stay in the level-two cache. */
const CACHED_BYTES = 24 * 2 ** 20

interface AttentionShape {
  readonly batch: number
  readonly length: number
  readonly heads: number
  readonly groups: number
  readonly width: number
}

function shapeOf([q, k]: readonly Value[]): AttentionShape {
  const [batch, length, heads, width] = q!.type.shape as [number, number, number, number]
  return { batch, length, heads, groups: k!.type.shape[2]!, width }
}

/** Bytes of shared memory: the tiles in flight, those that stay, and log-sum-exp and delta of the queries in flight. */
function sharedBytes(part: Part, width: number, { groups, tile, stages }: Tiling): number {
  const resident = part === 'forward' ? 1 : 2
  const statistics = part === 'keyGradient' ? stages * tile * 8 : 0
  return (2 * stages * tile + resident * groups * 64) * width * 2 + statistics
}

/** What a kernel computes on, by the names in its body. */
interface Work {
  readonly inputs: readonly Value[]
  readonly attrs: Node['attrs']
  readonly operands: Readonly<Record<string, Buffer>>
  readonly results: Readonly<Record<string, Buffer>>
  /** Results whose rows may lie apart. */
  readonly apart?: Readonly<Record<string, Rows>>
}

function kernel(part: Part, body: string, { inputs, attrs, operands, results, apart = {} }: Work): Launch {
  const { batch, length, heads, groups, width } = shapeOf(inputs)
  const tiling = TILINGS[width]![part]
  const writer = new KernelWriter()
  const scale = attrs['scale'] as number
  const owners = batch * (part === 'keyGradient' ? groups : heads)
  const together = Math.min(owners, Math.max(1, Math.floor(CACHED_BYTES / (4 * length * width))))
  const constants = {
    T: length,
    H: heads,
    G: groups,
    K: width,
    WINDOW: intAttr(attrs, 'window'),
    META: intAttr(attrs, 'meta'),
    GROUPS: tiling.groups,
    TILE: tiling.tile,
    STAGES: tiling.stages,
    TOGETHER: together,
  }
  const lines = [
    ...Object.entries(operands).map(([name, buffer]) => `const auto ${name} = ${writer.pointer(buffer)};`),
    ...Object.entries(results).map(([name, buffer]) => `const auto ${name} = ${writer.writes(buffer)};`),
    ...Object.entries(apart).flatMap(([name, { buffer, offset, stride }]) => [
      `const auto ${name} = ${writer.writes(buffer)} + ${offset};`,
      `constexpr int ${name.toUpperCase()}_STRIDE = ${stride};`,
    ]),
    ...Object.entries(constants).map(([name, value]) => `constexpr int ${name} = ${value};`),
    `constexpr float SCALE = ${numberText(scale, 'f32')}, LOG_SCALE = ${numberText(scale * Math.LOG2E, 'f32')};`,
    body,
  ]
  const blocks = owners * Math.ceil(length / (tiling.groups * 64))
  return writer.finish(`attention_${part}`, [blocks, 1], tiling.groups * 128, lines, {
    shared: sharedBytes(part, width, tiling),
    minBlocks: tiling.blocks,
    uses: [TENSOR_CORE],
  })
}

const takes = (inputs: readonly Value[], attrs: Node['attrs']): boolean =>
  inputs[0]!.type.shape[3]! in TILINGS && (attrs['scale'] as number) > 0

/** Log-sum-exp of the scores of each query, [B,H,T]. */
function statistics(node: Node, memory: NativeMemory): Buffer {
  const { batch, length, heads } = shapeOf(node.inputs)
  return memory.residual(node, 'f32', batch * heads * length, 'log-sum-exp')
}

export const attention: NativeOp = {
  kind: 'attention',
  claims: ({ inputs, attrs }) => takes(inputs, attrs),
  stored: () => 'bf16',
  beginsWith: ({ inputs: [q, ...others] }, operand) =>
    operand === q && operand.node.op === 'rope' && !others.some((other) => unshaped(other) === q),
  launches: (node, memory) => {
    const { inputs, attrs } = node
    const [k, v] = [memory.buffer(inputs[1]!), memory.buffer(inputs[2]!)]
    const results = { o: memory.buffer(node.outputs[0]!), lse: statistics(node, memory) }
    const rope = memory.first(inputs[0]!)
    if (rope === undefined) {
      const copy = 'copy_tile<Queries, THREADS>(queryTile, q + queryStart, H * K, T - row0);'
      const operands = { q: memory.buffer(inputs[0]!), k, v }
      return [kernel('forward', FORWARD(copy, ''), { inputs, attrs, operands, results })]
    }
    const [q, cosines, sines] = rope.inputs.map((input) => memory.buffer(input)) as [Buffer, Buffer, Buffer]
    const isKept = memory.isRead(inputs[0]!)
    const kept = isKept ? 'turned + queryStart' : '(bf16 *)0'
    const tables = 'cosines + row0 * (K / 2), sines + row0 * (K / 2)'
    const turn = `turn_tile<Queries, THREADS>(queryTile, ${kept}, q + queryStart, ${tables}, H * K, T - row0);`
    const work = {
      inputs,
      attrs,
      operands: { q, k, v, cosines, sines },
      results: { ...results, ...(isKept && { turned: memory.buffer(inputs[0]!) }) },
    }
    return [kernel('forward', FORWARD('', turn), work)]
  },
}

/** A gradient as the kernels write it: turned back where it is the one of what `rope` turned. */
interface Gradient {
  readonly into: Rows
  readonly isRead: boolean
  /** Cosines and sines of the positions. */
  readonly tables: Readonly<Record<string, Buffer>>
  /** The call that turns accumulators, of a warp's rows. */
  readonly turn: string
}

/** Elements of all heads of a token. */
const rowWidth = (shape: Shape): number => shape[2]! * shape[3]!

/** The gradient of an operand of the op, by its name in the kernels; in memory of its own where nobody reads it. */
function gradientOf(node: Node, memory: NativeMemory, input: number, name: string): Gradient {
  const { inputs, wrt } = vjpParts(node)
  const output = node.outputs[wrt.indexOf(input)]
  const rope = output === undefined ? undefined : memory.last(output)
  if (rope !== undefined) {
    const [cosines, sines] = [`${name}_cosines`, `${name}_sines`]
    return {
      into: memory.rows(rope.outputs[0]!),
      isRead: true,
      tables: { [cosines]: memory.buffer(rope.inputs[1]!), [sines]: memory.buffer(rope.inputs[2]!) },
      turn: `turn_rows(${name}_, ${cosines}, ${sines}, warpRow, T);`,
    }
  }
  const isRead = output !== undefined && memory.isRead(output)
  const { shape } = inputs[input]!.type
  const unread = (): Rows => ({
    buffer: memory.scratch('bf16', sizeOf(shape), 'unread gradient'),
    offset: 0,
    stride: rowWidth(shape),
  })
  const into = isRead ? memory.rows(output) : unread()
  return { into, isRead, tables: {}, turn: '' }
}

export const attentionGradient: NativeOp = {
  kind: 'vjp attention',
  claims: (node) => {
    const { inputs, attrs } = vjpParts(node)
    return takes(inputs, attrs)
  },
  stored: () => 'bf16',
  rows: ({ outputs }, side, index) => (side === 'output' ? rowWidth(outputs[index]!.type.shape) : undefined),
  endsWith: (output, op) => op.op === 'rope' && vjpParts(output.node).wrt[output.index]! < 2,
  launches: (node, memory) => {
    const { inputs, attrs, outputs, cotangents } = vjpParts(node)
    const [q, k, v] = inputs.map((input) => memory.buffer(input)) as [Buffer, Buffer, Buffer]
    const [o, go] = [memory.buffer(outputs[0]!), memory.buffer(cotangents[0]!)]
    const lse = statistics(outputs[0]!.node, memory)
    const [gq, gk, gv] = ['gq', 'gk', 'gv'].map((name, input) => gradientOf(node, memory, input, name)) as [
      Gradient,
      Gradient,
      Gradient,
    ]
    const delta = memory.scratch('f32', lse.size, 'delta')
    // the first also computes delta
    const first = kernel('queryGradient', QUERY_GRADIENT(gq.turn), {
      inputs,
      attrs,
      operands: { q, k, v, o, lse, go, ...gq.tables },
      results: { delta },
      apart: { gq: gq.into },
    })
    if (!gk.isRead && !gv.isRead) return [first]
    const second = kernel('keyGradient', KEY_GRADIENT(gk.turn), {
      inputs,
      attrs,
      operands: { q, k, v, lse, go, delta, ...gk.tables },
      results: {},
      apart: { gk: gk.into, gv: gv.into },
    })
    return [first, second]
  },
}
