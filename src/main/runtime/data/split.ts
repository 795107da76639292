// Which documents are held out: a hash of the seed and the document decides, so that the answer needs neither the order nor
// the number of documents, and equal documents never stand on both sides.

import { createHash } from 'node:crypto'
import type { CorpusDocument } from './sources/source.ts'

export interface Split {
  readonly seed: number
  /** The share of documents that is held out for validation, above 0 and below 1. */
  readonly heldOut: number
}

export const DEFAULT_SPLIT: Split = { seed: 0, heldOut: 0.1 }

/** The place of a document in [0, 1), uniform over documents; those below `heldOut` are validation. */
export function splitPoint(seed: number, document: CorpusDocument): number {
  const { content, group } = document
  const bytes =
    typeof content === 'string' ? content : new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
  const hash = createHash('sha256').update(`${seed}\0`)
  return (
    hash
      .update(group ?? bytes)
      .digest()
      .readUIntBE(0, 6) /
    2 ** 48
  )
}
