// Tokenises a corpus once, as a stream, into a folder that later runs reuse:
//   train.bin, validation.bin        token ids; each document is followed by the end-of-document id, which also stands first
//   train.starts, validation.starts  float64: where each document begins
//   validation.bytes                 uint32: the UTF-8 bytes of text that each token stands for, so that bits per byte is exact
//   tokens.json                      counts and origin; written last

import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { progressTracker, type Progress } from '../progress.ts'
import { defaultCacheFolder, fillFolder } from './cache-folder.ts'
import type { Corpus } from './corpus.ts'
import { NUMBER_TYPES } from './number-file.ts'
import { checkCancelled, fileError } from './sources/files.ts'
import { corpusError } from './sources/source.ts'
import { DEFAULT_SPLIT, type Split } from './split.ts'
import type { Tokenizer } from './tokenizer.ts'
import { writeSplits } from './write-splits.ts'

const FORMAT = 1
const LARGEST_RECORD = 2 ** 20

export interface SplitCounts {
  readonly documents: number
  readonly tokens: number
  /** UTF-8 bytes of text; null where the corpus came as tokens. */
  readonly bytes: number | null
}

/** What tokens.json says. */
export interface TokenRecord {
  readonly format: typeof FORMAT
  readonly corpus: { readonly name: string; readonly kind: string; readonly fingerprint: string }
  readonly tokenizer: { readonly name: string; readonly fingerprint: string } | null
  readonly vocabSize: number
  readonly endOfDocument: number | null
  readonly dtype: 'uint16' | 'uint32'
  readonly split: Split
  readonly train: SplitCounts
  readonly validation: SplitCounts
}

export interface TokenCache extends TokenRecord {
  readonly folder: string
  /** Whether an earlier run had made it. */
  readonly isReused: boolean
}

export interface CacheOptions {
  readonly split?: Split | undefined
  /** The folder that holds the caches. */
  readonly cacheFolder?: string | undefined
  /** Called a few times per MiB of the files. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Gives the cache of a corpus under a tokenizer, and makes it first where there is none. A corpus of tokens takes the
 * tokenizer's vocabulary as the bound of its ids; for such a corpus it may be null.
 * Throws `corpus-invalid`, `file-missing`, `job-cancelled`.
 */
export async function cacheTokens(
  corpus: Corpus,
  tokenizer: Tokenizer | null,
  options: CacheOptions = {},
): Promise<TokenCache> {
  const split = checkSplit(options.split ?? DEFAULT_SPLIT)
  if (!tokenizer && corpus.kind !== 'tokens')
    throw new HeddleError('tokenizer-invalid', 'a corpus of text needs a tokenizer')
  const origin = JSON.stringify([FORMAT, corpus.fingerprint, tokenizer?.fingerprint ?? null, split.seed, split.heldOut])
  const name = `tokens-${createHash('sha256').update(origin).digest('hex').slice(0, 32)}`
  const parent = options.cacheFolder ?? defaultCacheFolder()
  const known = await readCache(join(parent, name))
  if (known) return { ...known, isReused: true }

  const tracker = progressTracker()
  const report: Report = (phase, done) => {
    const progress = tracker.update({ phase, done, total: corpus.totalBytes, unit: 'bytes' })
    options.onProgress?.(progress)
  }
  const fill = async (folder: string): Promise<void> => {
    const content = await writeBothSplits(corpus, tokenizer, split, folder, report, options.signal)
    await checkUnchanged(corpus)
    checkCancelled(options.signal)
    const record: TokenRecord = {
      format: FORMAT,
      corpus: { name: corpus.name, kind: corpus.kind, fingerprint: corpus.fingerprint },
      tokenizer: tokenizer && { name: tokenizer.name, fingerprint: tokenizer.fingerprint },
      split,
      ...content,
    }
    await writeFile(join(folder, 'tokens.json'), `${JSON.stringify(record, null, 2)}\n`)
  }
  const folder = await fillFolder(parent, name, fill, async (path) => (await readCache(path)) !== undefined)
  const made = await readCache(folder)
  if (!made) throw corpusError('the token cache was removed while it was made', folder, 'try again')
  return { ...made, isReused: false }
}

type Report = (phase: string, done: number) => void

type Content = Awaited<ReturnType<typeof writeSplits>>

/** Writes the files of both splits; a second time with another bound when no document fell on one side. */
async function writeBothSplits(
  corpus: Corpus,
  tokenizer: Tokenizer | null,
  split: Split,
  folder: string,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<Omit<Content, 'points'>> {
  let bound = split.heldOut
  for (let attempt = 1; ; attempt++) {
    let done = 0
    const phase = attempt === 1 ? 'tokenise' : 'tokenise again'
    const onRead = (bytes: number): void => report(phase, (done += bytes))
    const { points, ...content } = await writeSplits(corpus, tokenizer, { seed: split.seed, heldOut: bound }, folder, {
      signal,
      onRead,
    })
    const { train, validation } = content
    if (train.documents > 0 && validation.documents > 0) return content
    if (train.documents + validation.documents === 0) throw corpusError('the corpus holds no text', corpus.name)
    if (attempt === 2 || points.lowest === points.highest) {
      throw corpusError(
        'the corpus holds only one distinct document, and a document is either trained on or held out',
        corpus.name,
        'use a corpus with at least two documents',
      )
    }
    // with few documents chance may leave a side empty: the one nearest to the bound goes there
    bound = validation.documents === 0 ? points.lowest + 2 ** -48 : points.highest
    await rm(folder, { recursive: true })
    await mkdir(folder)
  }
}

function checkSplit(split: Split): Split {
  const { seed, heldOut } = split
  if (!Number.isSafeInteger(seed))
    throw new HeddleError('param-invalid', `the seed of the split is ${seed}: it must be an integer`, {
      path: 'split.seed',
    })
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new HeddleError('param-invalid', `the held-out share is ${heldOut}: it must lie between 0 and 1`, {
      path: 'split.heldOut',
    })
  }
  return { seed, heldOut }
}

async function checkUnchanged(corpus: Corpus): Promise<void> {
  for (const file of corpus.files) {
    const status = await stat(file.path).catch((error: unknown) => {
      throw fileError(error, file.path)
    })
    if (status.size === file.size && status.mtimeMs === file.modifiedMs) continue
    throw corpusError('the file changed while it was tokenised', file.path, 'try again when it is complete')
  }
}

/** The record of a cache whose files are all there in the right length; undefined for anything else. */
async function readCache(folder: string): Promise<(TokenRecord & { readonly folder: string }) | undefined> {
  try {
    const path = join(folder, 'tokens.json')
    if ((await stat(path)).size > LARGEST_RECORD) return undefined
    const record = JSON.parse(await readFile(path, 'utf8')) as TokenRecord
    if (record.format !== FORMAT) return undefined
    const width = NUMBER_TYPES[record.dtype].BYTES_PER_ELEMENT
    for (const side of ['train', 'validation'] as const) {
      const { tokens, documents, bytes } = record[side]
      if ((await stat(join(folder, `${side}.bin`))).size !== tokens * width) return undefined
      if ((await stat(join(folder, `${side}.starts`))).size !== documents * 8) return undefined
      if (side === 'validation' && bytes !== null && (await stat(join(folder, 'validation.bytes'))).size !== tokens * 4)
        return undefined
    }
    return { ...record, folder }
  } catch {
    return undefined
  }
}
