// Perplexity of a checkpoint on the held-out documents of a corpus.

import type { DataConfig } from '#core/optim/train-config.ts'
import { RUN_PARAMS } from '#core/optim/train-config.ts'
import { resolveParams } from '#core/params.ts'
import { corpusBatches } from '../train/corpus-source.ts'
import type { Target } from '../targets/target.ts'
import type { LikelihoodOptions } from './likelihood.ts'
import { checkVocabulary, openForward } from './model.ts'
import type { EvalModel } from './model.ts'

export interface CorpusPerplexity {
  /** Nats a token. */
  readonly loss: number
  readonly perplexity: number
  /** Bits a UTF-8 byte; null where the corpus came as tokens. */
  readonly bitsPerByte: number | null
  /** Scored tokens. */
  readonly tokens: number
}

export interface PerplexityOptions extends LikelihoodOptions {
  readonly seqLen: number
  /** Held-out tokens to score, at most. */
  readonly maxTokens: number
}

/** Scores windows of held-out documents, as a validation during training does; undefined when cancelled. */
export async function corpusPerplexity(
  model: EvalModel,
  target: Target,
  data: Extract<DataConfig, { kind: 'corpus' }>,
  options: PerplexityOptions,
): Promise<CorpusPerplexity | undefined> {
  const { batchSize, seqLen, maxTokens, threads, phase, onProgress, signal } = options
  const run = resolveParams(RUN_PARAMS, { batchSize, seqLen, validationTokens: maxTokens }, { dModel: 0 }, 'run')
  const source = await corpusBatches(data, run, {
    ...(onProgress !== undefined && { onProgress }),
    ...(signal !== undefined && { signal }),
  })
  try {
    checkVocabulary(model, source.vocabSize)
    const session = await openForward(model, target, { batchSize, seqLen }, ['loss'], threads)
    try {
      let nats = 0,
        tokens = 0
      let bytes: number | null = 0
      for (const batch of source.validation()) {
        if (signal?.aborted === true) return undefined
        const { loss, targetCount } = await session.run({ tokens: batch.tokens, targets: batch.targets }, [
          'loss',
          'targetCount',
        ])
        nats += loss![0]! * targetCount![0]!
        tokens += targetCount![0]!
        bytes = bytes === null || batch.bytes === null ? null : bytes + batch.bytes
        onProgress?.({ phase, done: tokens, total: null, unit: 'tokens' })
      }
      const loss = nats / tokens
      return {
        loss,
        perplexity: Math.exp(loss),
        bitsPerByte: bytes === null || bytes === 0 ? null : nats / Math.LN2 / bytes,
        tokens,
      }
    } finally {
      session.close()
    }
  } finally {
    source.close()
  }
}
