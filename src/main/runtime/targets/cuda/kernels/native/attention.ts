// Whole-sequence attention, forward and backward. Meaning: core/ops/fused/attention.ts; bodies of the kernels: attention/.

import type { Node, Value } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { intAttr } from '#core/ops/op.ts'
import { numberText } from '../../schedule/emitter.ts'
import type { Buffer } from '../../schedule/job.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import { KEY_GRADIENT, QUERY_GRADIENT } from './attention/backward.ts'
import { FORWARD } from './attention/forward.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'
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
    forward: { groups: 2, tile: 48, stages: 2, blocks: 2 },
    queryGradient: { groups: 2, tile: 32, stages: 2, blocks: 2 },
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

/** A kernel whose body names buffers; those in `results` are written. */
function kernel(
  part: Part,
  body: string,
  inputs: readonly Value[],
  attrs: Node['attrs'],
  operands: Readonly<Record<string, Buffer>>,
  results: Readonly<Record<string, Buffer>>,
): Launch {
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
  launches: (node, memory) => {
    const [q, k, v] = node.inputs.map((input) => memory.buffer(input)) as [Buffer, Buffer, Buffer]
    const results = { o: memory.buffer(node.outputs[0]!), lse: statistics(node, memory) }
    return [kernel('forward', FORWARD, node.inputs, node.attrs, { q, k, v }, results)]
  },
}

export const attentionGradient: NativeOp = {
  kind: 'vjp attention',
  claims: (node) => {
    const { inputs, attrs } = vjpParts(node)
    return takes(inputs, attrs)
  },
  stored: () => 'bf16',
  launches: (node, memory) => {
    const { inputs, attrs, outputs, cotangents, wrt } = vjpParts(node)
    const [q, k, v] = inputs.map((input) => memory.buffer(input)) as [Buffer, Buffer, Buffer]
    const [o, go] = [memory.buffer(outputs[0]!), memory.buffer(cotangents[0]!)]
    const lse = statistics(outputs[0]!.node, memory)
    const delta = memory.scratch('f32', lse.size, 'delta')
    const gradient = (input: number): Buffer | undefined => {
      const output = node.outputs[wrt.indexOf(input)]
      return output !== undefined && memory.isRead(output) ? memory.buffer(output) : undefined
    }
    const unread = (like: Buffer): Buffer => memory.scratch('bf16', like.size, 'unread gradient')
    const [gq, gk, gv] = [gradient(0), gradient(1), gradient(2)]
    // the first also computes delta
    const first = kernel(
      'queryGradient',
      QUERY_GRADIENT,
      inputs,
      attrs,
      { q, k, v, o, lse, go },
      { gq: gq ?? unread(q), delta },
    )
    if (gk === undefined && gv === undefined) return [first]
    const results = { gk: gk ?? unread(k), gv: gv ?? unread(v) }
    return [first, kernel('keyGradient', KEY_GRADIENT, inputs, attrs, { q, k, v, lse, go, delta }, results)]
  },
}
