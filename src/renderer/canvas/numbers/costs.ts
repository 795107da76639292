// What every block of a stack costs, fast enough for each key press. Blocks that are written alike cost alike, except that the
// first of them may leave something for the others: so it is enough to count a stack of the first two of each.

import { countSpec } from '#core/model/counts.ts'
import type { BlockCounts, Counts } from '#core/model/counts.ts'
import { canonicalJson } from '#core/model/spec.ts'
import type { FlatBlock, ResolvedSpec } from '#core/model/spec.ts'

export type Cost = Pick<
  BlockCounts,
  'params' | 'prefillFlopsPerToken' | 'decodeFlopsPerToken' | 'stateElements' | 'stateBytes'
>

export interface StackCosts {
  readonly total: Omit<Counts, 'paramsByBlock' | 'blocks'>
  /** One for each block of the unrolled stack. */
  readonly blocks: readonly Cost[]
  /** Embedding and meta tokens in front of the stack, final norm and head behind it. */
  readonly outside: Pick<Cost, 'params' | 'prefillFlopsPerToken' | 'decodeFlopsPerToken'>
}

/** Counts of short stacks that were asked for lately, by settings, context and blocks. */
const known = new Map<string, Counts>()
const MOST_KNOWN = 64

const sum = <T>(list: readonly T[], of: (x: T) => number): number => list.reduce((total, x) => total + of(x), 0)

/** What tells two blocks apart: their kind and every parameter. */
export const signatureOf = ({ block, params }: FlatBlock): string => `${block.kind} ${canonicalJson(params)}`

/** Costs of every block and of the whole at a context of so many text tokens; equal to those of `countSpec`. */
export function costsOf(resolved: ResolvedSpec, context: number): StackCosts {
  const slots = new Map<string, number[]>()
  const short: FlatBlock[] = []
  const slotOf = resolved.blocks.map((flat) => {
    const signature = signatureOf(flat)
    const seen = slots.get(signature) ?? []
    if (seen.length === 2) return seen[1]!
    seen.push(short.push(flat) - 1)
    slots.set(signature, seen)
    return seen.at(-1)!
  })
  const counts = countShort({ ...resolved, blocks: short }, context, [...slots.values()].join(' '), [...slots.keys()])
  const blocks = slotOf.map((slot): Cost => counts.blocks[slot]!)
  const outside = {
    params: counts.params - sum(counts.blocks, (b) => b.params),
    prefillFlopsPerToken: counts.prefillFlopsPerToken - sum(counts.blocks, (b) => b.prefillFlopsPerToken),
    decodeFlopsPerToken: counts.decodeFlopsPerToken - sum(counts.blocks, (b) => b.decodeFlopsPerToken),
  }
  const params = outside.params + sum(blocks, (b) => b.params)
  const prefillFlopsPerToken = outside.prefillFlopsPerToken + sum(blocks, (b) => b.prefillFlopsPerToken)
  const total = {
    params,
    embeddingParams: counts.embeddingParams,
    decoderParams: params - (counts.params - counts.decoderParams),
    prefillFlopsPerToken,
    trainFlopsPerToken: 3 * prefillFlopsPerToken,
    decodeFlopsPerToken: outside.decodeFlopsPerToken + sum(blocks, (b) => b.decodeFlopsPerToken),
    stateElements: sum(blocks, (b) => b.stateElements),
    stateBytes: sum(blocks, (b) => b.stateBytes),
    context,
  }
  return { total, blocks, outside }
}

function countShort(short: ResolvedSpec, context: number, order: string, signatures: readonly string[]): Counts {
  const key = `${context} ${canonicalJson(short.settings)} ${order} ${signatures.join(' ')}`
  const found = known.get(key)
  if (found !== undefined) return found
  const counts = countSpec(short, context)
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!)
  known.set(key, counts)
  return counts
}
