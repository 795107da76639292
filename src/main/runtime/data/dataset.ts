// Training batches and validation windows out of a token cache, read by place: memory does not grow with the corpus, and a
// batch depends on (seed, step) alone, so a run resumes exactly.

import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { rng } from '#core/rng.ts'
import type { Corpus } from './corpus.ts'
import { openNumberFile, type NumberReader } from './number-file.ts'
import { permutation } from './permutation.ts'
import { corpusError } from './sources/source.ts'
import { cacheTokens, type CacheOptions, type TokenCache } from './token-cache.ts'
import type { Tokenizer } from './tokenizer.ts'

export type SplitName = 'train' | 'validation'

export interface BatchShape {
  readonly batchSize: number
  readonly seqLen: number
}

export interface ValidationBatch {
  /** Windows of T + 1 tokens; the last T of each are scored. [B, T+1] */
  readonly tokens: Int32Array
  /** How many tokens are scored: B · T. */
  readonly targets: number
  /** UTF-8 bytes of text that the scored tokens stand for; null where the corpus came as tokens. */
  readonly bytes: number | null
}

export interface TokenDataset {
  readonly cache: TokenCache
  readonly vocabSize: number
  readonly endOfDocument: number | null
  /** Windows of an epoch: each token but the first, and a remainder shorter than a window, is a target once an epoch. */
  trainWindows(seqLen: number): number
  /** The batch of a step, counted from 0; each epoch takes every window once in an order of its own. [B, T+1] */
  trainBatch(step: number, shape: BatchShape & { readonly seed: number }): Int32Array
  /**
   * Fixed windows over the held-out documents, spread evenly when `maxTokens` asks for fewer targets than there are. All
   * batches are full: windows beyond the last full batch are left out, and fewer windows than one batch are repeated.
   */
  validation(options: BatchShape & { readonly maxTokens?: number | undefined }): Generator<ValidationBatch>
  /** The tokens of one document, without what stands between documents. */
  document(split: SplitName, number: number): Int32Array
  /** Consecutive tokens of a split, end-of-document ids included. */
  read(split: SplitName, start: number, length: number): Int32Array
  /** UTF-8 bytes of text that some consecutive held-out tokens stand for; null where the corpus came as tokens. */
  validationBytes(start: number, length: number): number | null
  close(): void
}

const BYTE_COUNTS_READ = 2 ** 16

/** Tokenises a corpus, or finds it tokenised, and opens it. Throws as `cacheTokens`. */
export async function prepareDataset(
  corpus: Corpus,
  tokenizer: Tokenizer | null,
  options: CacheOptions = {},
): Promise<TokenDataset> {
  return openDataset(await cacheTokens(corpus, tokenizer, options))
}

/** Opens a token cache. The methods throw `corpus-invalid` when a split is too small for one window. */
export function openDataset(cache: TokenCache): TokenDataset {
  const files: NumberReader[] = []
  const file = (name: string, type: 'uint16' | 'uint32' | 'float64', count: number): NumberReader => {
    const reader = openNumberFile(join(cache.folder, name), type, count)
    files.push(reader)
    return reader
  }
  const tokens = {
    train: file('train.bin', cache.dtype, cache.train.tokens),
    validation: file('validation.bin', cache.dtype, cache.validation.tokens),
  }
  const starts = {
    train: file('train.starts', 'float64', cache.train.documents),
    validation: file('validation.starts', 'float64', cache.validation.documents),
  }
  const byteCounts =
    cache.validation.bytes === null ? undefined : file('validation.bytes', 'uint32', cache.validation.tokens)

  const validationBytes = (start: number, length: number): number | null => {
    if (!byteCounts) return null
    let sum = 0
    for (let at = start; at < start + length; at += BYTE_COUNTS_READ) {
      const counts = new Uint32Array(Math.min(BYTE_COUNTS_READ, start + length - at))
      byteCounts.read(at, counts)
      for (const count of counts) sum += count
    }
    return sum
  }

  const windowsOf = (split: SplitName, seqLen: number): number => {
    const { count } = tokens[split]
    if (count >= seqLen + 1) return Math.floor((count - 1) / seqLen)
    const what = split === 'train' ? 'the training documents have' : 'the held-out documents have'
    const message = `${what} ${count} tokens, but one window of sequence length ${seqLen} needs ${seqLen + 1}`
    throw corpusError(message, cache.corpus.name, 'use a larger corpus or a shorter sequence')
  }

  // the order of the epoch that was asked for last: steps come one after another
  let order: { readonly key: string; readonly offset: number; readonly windowAt: (place: number) => number } | undefined
  const epochOrder = (seed: number, epoch: number, seqLen: number, windows: number) => {
    const key = `${seed} ${epoch} ${seqLen}`
    if (order?.key !== key) {
      const remainder = (tokens.train.count - 1) % seqLen
      // windows begin elsewhere in each epoch, as far as the remainder behind the last one allows
      const offset = rng(seed, 'offset', epoch).integer(remainder + 1)
      order = { key, offset, windowAt: permutation(windows, seed, epoch) }
    }
    return order
  }

  return {
    cache,
    vocabSize: cache.vocabSize,
    endOfDocument: cache.endOfDocument,
    trainWindows: (seqLen) => windowsOf('train', checkCount(seqLen, 'seqLen')),
    trainBatch(step, { batchSize, seqLen, seed }) {
      checkShape({ batchSize, seqLen })
      const windows = windowsOf('train', seqLen)
      const batch = new Int32Array(batchSize * (seqLen + 1))
      for (let row = 0; row < batchSize; row++) {
        const sample = step * batchSize + row
        const { offset, windowAt } = epochOrder(seed, Math.floor(sample / windows), seqLen, windows)
        const start = offset + windowAt(sample % windows) * seqLen
        tokens.train.read(start, batch.subarray(row * (seqLen + 1), (row + 1) * (seqLen + 1)))
      }
      return batch
    },
    *validation({ batchSize, seqLen, maxTokens }) {
      checkShape({ batchSize, seqLen })
      const windows = windowsOf('validation', seqLen)
      const wanted =
        maxTokens === undefined ? windows : Math.min(windows, Math.floor(checkCount(maxTokens, 'maxTokens') / seqLen))
      const batches = Math.max(1, Math.floor(wanted / batchSize))
      const taken = Math.min(windows, batches * batchSize)
      for (let number = 0; number < batches; number++) {
        const batch = new Int32Array(batchSize * (seqLen + 1))
        let bytes: number | null = 0
        for (let row = 0; row < batchSize; row++) {
          const place = (number * batchSize + row) % taken
          const start = Math.floor((place * windows) / taken) * seqLen
          tokens.validation.read(start, batch.subarray(row * (seqLen + 1), (row + 1) * (seqLen + 1)))
          const covered = validationBytes(start + 1, seqLen)
          bytes = covered === null || bytes === null ? null : bytes + covered
        }
        yield { tokens: batch, targets: batchSize * seqLen, bytes }
      }
    },
    document(split, number) {
      const { documents } = cache[split]
      if (!(number >= 0 && number < documents)) throw new RangeError(`document ${number} of ${documents}`)
      const bounds = new Float64Array(number + 1 < documents ? 2 : 1)
      starts[split].read(number, bounds)
      const end = (bounds[1] ?? tokens[split].count) - (cache.endOfDocument === null ? 0 : 1)
      return this.read(split, bounds[0]!, end - bounds[0]!)
    },
    read(split, start, length) {
      const found = new Int32Array(length)
      tokens[split].read(start, found)
      return found
    },
    validationBytes,
    close: () => files.forEach((reader) => reader.close()),
  }
}

function checkShape({ batchSize, seqLen }: BatchShape): void {
  checkCount(batchSize, 'batchSize')
  checkCount(seqLen, 'seqLen')
}

function checkCount(value: number, path: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40) return value
  throw new HeddleError('param-invalid', `${path} is ${value}: it must be a positive integer`, { path })
}
