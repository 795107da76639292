// Batches of a corpus: tokenised once into a cache, then read by place.

import type { DataConfig, RUN_PARAMS } from '#core/optim/train-config.ts'
import type { ValuesOf } from '#core/params.ts'
import { bigramBitsPerByte } from '../data/bigram.ts'
import type { BigramScore } from '../data/bigram.ts'
import { openCorpus } from '../data/corpus.ts'
import { prepareDataset } from '../data/dataset.ts'
import type { TokenDataset } from '../data/dataset.ts'
import { loadTokenizer } from '../data/tokenizer.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Batch, BatchSource } from './source.ts'

export interface CorpusOptions {
  readonly onProgress?: (event: ProgressEvent) => void
  readonly signal?: AbortSignal
}

type CorpusConfig = Extract<DataConfig, { kind: 'corpus' }>

/** Opens, and where needed tokenises, the corpus of a run. Throws the HeddleErrors of corpora and tokenizers. */
export async function corpusBatches(
  data: CorpusConfig,
  run: ValuesOf<typeof RUN_PARAMS>,
  options: CorpusOptions = {},
): Promise<BatchSource> {
  const dataset = await openTokens(data, options)
  const { batchSize, seqLen, seed, validationTokens } = run
  try {
    // both splits must hold a window: better said before the first step than at the first validation
    dataset.trainWindows(seqLen)
    dataset.validation({ batchSize, seqLen, maxTokens: validationTokens }).next()
  } catch (error) {
    dataset.close()
    throw error
  }
  return {
    vocabSize: dataset.vocabSize,
    isScored: false,
    train: (index) => shifted(dataset.trainBatch(index, { batchSize, seqLen, seed }), batchSize, seqLen),
    *validation() {
      for (const { tokens, bytes } of dataset.validation({ batchSize, seqLen, maxTokens: validationTokens }))
        yield { ...shifted(tokens, batchSize, seqLen), bytes }
    },
    close: () => dataset.close(),
  }
}

/** The bigram baseline of a corpus under a tokenizer; `data` as in a run's configuration. */
export async function bigramOf(data: CorpusConfig, options: CorpusOptions = {}): Promise<BigramScore> {
  const dataset = await openTokens(data, options)
  try {
    return bigramBitsPerByte(dataset)
  } finally {
    dataset.close()
  }
}

async function openTokens(
  { path, field, dtype, tokenizer: name }: CorpusConfig,
  { onProgress, signal }: CorpusOptions,
): Promise<TokenDataset> {
  const tokenizer = await loadTokenizer(name)
  const corpus = await openCorpus({ ...(path === null ? { kind: 'demo' } : { path }), field, dtype })
  return prepareDataset(corpus, tokenizer, { onProgress, signal })
}

/** Windows of T + 1 tokens as inputs and targets, [B,T] each. */
function shifted(windows: Int32Array, batchSize: number, seqLen: number): Batch {
  const tokens = new Int32Array(batchSize * seqLen),
    targets = new Int32Array(batchSize * seqLen)
  for (let b = 0; b < batchSize; b++) {
    const start = b * (seqLen + 1)
    tokens.set(windows.subarray(start, start + seqLen), b * seqLen)
    targets.set(windows.subarray(start + 1, start + 1 + seqLen), b * seqLen)
  }
  return { tokens, targets }
}
