// Where batches come from: the one shape that corpora and tasks share.

import { HeddleError } from '#core/errors.ts'
import { resolveParams } from '#core/params.ts'
import { drawBatch, taskOf } from '#core/tasks/index.ts'
import type { ValuesOf } from '#core/params.ts'
import type { RUN_PARAMS } from '#core/optim/train-config.ts'

export interface Batch {
  /** [B,T]. */
  readonly tokens: Int32Array
  /** [B,T]; -100 where nothing is learned or scored. */
  readonly targets: Int32Array
}

export interface ValidationBatch extends Batch {
  /** UTF-8 bytes that the scored targets cover; null when the data does not tell. */
  readonly bytes: number | null
}

/** Deterministic batches: the same index gives the same batch, so that a resumed run sees what the first would have seen. */
export interface BatchSource {
  readonly vocabSize: number
  /** Whether accuracy on the targets means something: tasks, not text. */
  readonly isScored: boolean
  train(index: number): Batch
  /** The same held-out batches at every call. */
  validation(): Iterable<ValidationBatch>
  close(): void
}

type RunValues = ValuesOf<typeof RUN_PARAMS>

/** Batches of a synthetic task; validation sequences are of the test split, which training never sees. */
export function taskSource(kind: string, given: Readonly<Record<string, unknown>>, run: RunValues): BatchSource {
  const task = taskOf(kind)
  const params = resolveParams(task.params, given, { dModel: 0 }, 'data.params')
  const size = { batchSize: run.batchSize, seqLen: run.seqLen }
  if (run.seqLen < task.minSeqLen(params))
    throw new HeddleError(
      'param-invalid',
      `task ${kind} needs seqLen of at least ${task.minSeqLen(params)}, got ${run.seqLen}`,
      { path: 'run.seqLen' },
    )
  const batches = Math.max(1, Math.floor(run.validationTokens / (run.batchSize * run.seqLen)))
  const batch = (split: 'train' | 'test', index: number): Batch =>
    drawBatch(task, { seed: run.seed, split, index }, size, params)
  return {
    vocabSize: task.vocabSize(params),
    isScored: true,
    train: (index) => batch('train', index),
    *validation() {
      for (let i = 0; i < batches; i++) yield { ...batch('test', i), bytes: null }
    },
    close: () => undefined,
  }
}
