// What a stack costs, derived by lowering it with shapes only: no formula is written twice.

import { sizeOf } from '../graph/types.ts'
import { ops } from '../ops/index.ts'
import type { LoweredModel } from './lower.ts'
import { lower } from './lower.ts'
import type { ResolvedSpec } from './spec.ts'

/** Bytes of one state element where no target says otherwise (bfloat16 caches, as deployed). */
const STATE_ELEMENT_BYTES = 2

export interface BlockCounts {
  readonly kind: string
  readonly path: string
  /** Weights of the block and of the norm before it. */
  readonly params: number
  /** FLOPs per token of a prefill over the context; a multiply-add counts 2. */
  readonly prefillFlopsPerToken: number
  /** FLOPs of a decode step at the end of the context. */
  readonly decodeFlopsPerToken: number
  /** Elements of state per sequence at the context. */
  readonly stateElements: number
  /** Their bytes at two bytes an element. */
  readonly stateBytes: number
}

export interface Counts {
  readonly params: number
  /** Embedding, untied head and meta tokens. */
  readonly embeddingParams: number
  /** Without embedding and untied head. */
  readonly decoderParams: number
  readonly paramsByBlock: readonly number[]
  /** Training: forward and backward over the context, 3 times the prefill figure. */
  readonly trainFlopsPerToken: number
  readonly prefillFlopsPerToken: number
  readonly decodeFlopsPerToken: number
  readonly stateElements: number
  readonly stateBytes: number
  readonly context: number
  readonly blocks: readonly BlockCounts[]
}

/** Counts of a stack at a context of so many text tokens. */
export function countSpec(resolved: ResolvedSpec, context: number): Counts {
  const prefill = lower(resolved, {
    phase: 'prefill',
    batchSize: 1,
    seqLen: context,
    context,
    outputs: ['allLogits'],
    shapesOnly: true,
  })
  const decode = lower(resolved, { phase: 'decode', batchSize: 1, seqLen: 1, context, shapesOnly: true })
  const prefillFlops = flopsByBlock(prefill, resolved.blocks.length)
  const decodeFlops = flopsByBlock(decode, resolved.blocks.length)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  const paramsOf = (block: number | undefined): number =>
    sum(decode.weights.filter((w) => w.block === block).map((w) => sizeOf(w.shape)))
  const blocks = resolved.blocks.map(({ block, path }, i): BlockCounts => {
    const stateElements = sum(decode.states.filter((s) => s.block === i).map((s) => sizeOf(s.shape)))
    return {
      kind: block.kind,
      path,
      params: paramsOf(i),
      prefillFlopsPerToken: prefillFlops.blocks[i]! / context,
      decodeFlopsPerToken: decodeFlops.blocks[i]!,
      stateElements,
      stateBytes: stateElements * STATE_ELEMENT_BYTES,
    }
  })
  const outside = decode.weights.filter((w) => w.block === undefined && w.shape.length === 2)
  const params = sum(decode.weights.map((w) => sizeOf(w.shape)))
  const vocabulary = sum(outside.filter((w) => w.name !== 'memory_tokens').map((w) => sizeOf(w.shape)))
  return {
    params,
    embeddingParams: sum(outside.map((w) => sizeOf(w.shape))),
    decoderParams: params - vocabulary,
    paramsByBlock: blocks.map((b) => b.params),
    trainFlopsPerToken: (3 * prefillFlops.total) / context,
    prefillFlopsPerToken: prefillFlops.total / context,
    decodeFlopsPerToken: decodeFlops.total,
    stateElements: sum(blocks.map((b) => b.stateElements)),
    stateBytes: sum(blocks.map((b) => b.stateBytes)),
    context,
    blocks,
  }
}

/** FLOPs of a lowered graph, whole and by block, from the cost rule of every op. */
export function flopsByBlock({ graph }: LoweredModel, count: number): { total: number; blocks: number[] } {
  const blocks = new Array<number>(count).fill(0)
  let total = 0
  for (const node of graph.nodes) {
    const flops = ops.get(node.op)!.cost?.(node).flops ?? 0
    total += flops
    const match = /^L(\d+)\./.exec(node.scope)
    if (match !== null) blocks[Number(match[1])]! += flops
  }
  return { total, blocks }
}
