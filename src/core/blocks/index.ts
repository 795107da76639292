// The registry: every kind of block, in the order of the palette. The single source of truth for forms, search space,
// graphs, counts and docs.

import { HeddleError } from '../errors.ts'
import { show } from '../params.ts'
import { attention } from './attention.ts'
import type { Block } from './block.ts'
import { deltanet } from './deltanet.ts'
import { ffn } from './ffn.ts'
import { gatedDeltanet } from './gated-deltanet.ts'
import { gla } from './gla.ts'
import { linearAttention } from './linear-attention.ts'
import { mamba1 } from './mamba1.ts'
import { mamba2 } from './mamba2.ts'
import { retnet } from './retnet.ts'
import { rwkv7, rwkv7ChannelMix } from './rwkv7.ts'

export const blocks: readonly Block[] = [
  attention,
  mamba2,
  mamba1,
  deltanet,
  gatedDeltanet,
  gla,
  retnet,
  linearAttention,
  rwkv7,
  ffn,
  rwkv7ChannelMix,
]

const byKind = new Map(blocks.map((b) => [b.kind, b]))
const bySymbol = new Map(blocks.map((b) => [b.symbol, b]))

/** The block of a kind. Throws HeddleError `spec-invalid` with the known kinds. */
export function blockOf(kind: string, path: string): Block {
  const found = byKind.get(kind)
  if (found !== undefined) return found
  throw new HeddleError('spec-invalid', `unknown block ${show(kind)}`, {
    path,
    hint: `known blocks: ${[...byKind.keys()].join(', ')}`,
  })
}

export const blockOfSymbol = (symbol: string): Block | undefined => bySymbol.get(symbol)
export type { Block, BlockContext, Glyph, Phase, Projection } from './block.ts'
