// Streams the documents of a corpus through a tokenizer into the files of the two splits.

import { join } from 'node:path'
import type { Corpus, CorpusDocument, ReadContext } from './corpus.ts'
import { createNumberFile, type NumberWriter } from './number-file.ts'
import { corpusError } from './sources/source.ts'
import { cutPlace } from './sources/text.ts'
import { splitPoint, type Split } from './split.ts'
import type { SplitCounts } from './token-cache.ts'
import type { Tokenizer } from './tokenizer.ts'

// a long document is encoded in pieces: regular expressions have a stack, and it bounds the memory
const PIECE_LENGTH = 256 * 1024

export interface SplitFiles {
  readonly train: SplitCounts
  readonly validation: SplitCounts
  readonly vocabSize: number
  readonly endOfDocument: number | null
  readonly dtype: 'uint16' | 'uint32'
  /** The smallest and largest split point of all documents. */
  readonly points: { readonly lowest: number; readonly highest: number }
}

/** Writes the number files of a token cache (see token-cache.ts) into an empty folder. */
export async function writeSplits(
  corpus: Corpus,
  tokenizer: Tokenizer | null,
  split: Split,
  folder: string,
  context: ReadContext,
): Promise<SplitFiles> {
  const isText = corpus.kind !== 'tokens'
  const endOfDocument = isText ? tokenizer!.endOfDocument : (corpus.source.endOfDocument ?? null)
  const declared = corpus.source.vocabSize ?? tokenizer?.vocabSize
  // without a declared vocabulary the ids of a file decide, and its own width holds them
  const fits = declared === undefined ? corpus.source.dtype !== 'uint32' : declared <= 65_536
  const dtype = fits ? 'uint16' : 'uint32'
  const sides = {
    train: await openSide(folder, 'train', dtype, endOfDocument),
    validation: await openSide(folder, 'validation', dtype, endOfDocument),
  }
  const bytesFile = isText ? await createNumberFile(join(folder, 'validation.bytes'), 'uint32') : undefined
  let lowest = 1
  let highest = 0
  let largest = endOfDocument ?? 0
  try {
    if (bytesFile && endOfDocument !== null) await bytesFile.append([0])
    for await (const document of corpus.documents(context)) {
      const ids = documentIds(document, tokenizer)
      if (ids.length === 0) continue
      if (!isText) largest = checkIds(ids, largest, declared, document, corpus)
      const point = splitPoint(split.seed, document)
      lowest = Math.min(lowest, point)
      highest = Math.max(highest, point)
      const isHeldOut = point < split.heldOut
      const bytes = typeof document.content === 'string' ? Buffer.byteLength(document.content) : 0
      await (isHeldOut ? sides.validation : sides.train).append(ids, bytes)
      if (isHeldOut && bytesFile) {
        await bytesFile.append(attributeBytes(ids, bytes, tokenizer!))
        if (endOfDocument !== null) await bytesFile.append([0])
      }
    }
  } finally {
    await Promise.all([sides.train.close(), sides.validation.close(), bytesFile?.close()])
  }
  return {
    train: sides.train.counts(isText),
    validation: sides.validation.counts(isText),
    vocabSize: declared ?? largest + 1,
    endOfDocument,
    dtype,
    points: { lowest, highest },
  }
}

interface Side {
  append(ids: Uint32Array, bytes: number): Promise<void>
  counts(isText: boolean): SplitCounts
  close(): Promise<void>
}

async function openSide(folder: string, name: string, dtype: 'uint16' | 'uint32', end: number | null): Promise<Side> {
  const tokens: NumberWriter = await createNumberFile(join(folder, `${name}.bin`), dtype)
  const starts: NumberWriter = await createNumberFile(join(folder, `${name}.starts`), 'float64')
  let bytes = 0
  // the id in front lets a model be asked for the first token of the first document
  if (end !== null) await tokens.append([end])
  return {
    async append(ids, documentBytes) {
      await starts.append([tokens.count])
      await tokens.append(ids)
      if (end !== null) await tokens.append([end])
      bytes += documentBytes
    },
    counts: (isText) => ({ documents: starts.count, tokens: tokens.count, bytes: isText ? bytes : null }),
    async close() {
      await Promise.all([tokens.close(), starts.close()])
    },
  }
}

function documentIds({ content }: CorpusDocument, tokenizer: Tokenizer | null): Uint32Array {
  if (typeof content !== 'string') return content
  if (content.length <= PIECE_LENGTH) return tokenizer!.encode(content)
  const pieces: Uint32Array[] = []
  for (let start = 0; start < content.length;) {
    const end = cutPlace(content, start, start + PIECE_LENGTH)
    pieces.push(tokenizer!.encode(content.slice(start, end)))
    start = end
  }
  const all = new Uint32Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

function checkIds(
  ids: Uint32Array,
  largest: number,
  declared: number | undefined,
  document: CorpusDocument,
  corpus: Corpus,
): number {
  for (const id of ids) if (id > largest) largest = id
  if (declared !== undefined && largest >= declared) {
    throw corpusError(
      `${document.id} holds token ${largest}, but the vocabulary has ${declared} entries`,
      corpus.name,
      'check the tokenizer',
    )
  }
  return largest
}

/**
 * Says how many bytes of a document each of its tokens stands for. The sum is the document's length; where the tokenizer's
 * own lengths add up to something else (it normalises, or adds a space), they are scaled.
 */
export function attributeBytes(ids: Uint32Array, total: number, tokenizer: Pick<Tokenizer, 'tokenBytes'>): Uint32Array {
  const own = ids.map((id) => tokenizer.tokenBytes(id))
  const sum = own.reduce((whole, bytes) => whole + bytes, 0)
  if (sum === total) return own
  let seen = 0
  let given = 0
  return own.map((bytes, i) => {
    seen += sum === 0 ? 1 : bytes
    const upTo = i === own.length - 1 ? total : Math.floor((seen * total) / (sum || own.length))
    const share = upTo - given
    given = upTo
    return share
  })
}
