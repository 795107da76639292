import type { Program } from '#core/graph/program.ts'
import { IGNORE_INDEX, lower } from '#core/model/lower.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import type { Session, Target } from '../targets/target.ts'
import type { BatchSource } from './source.ts'

/** Scores the weights of a training session on held-out batches. */
export interface Validation {
  /** `valLoss`, `perplexity`, `bitsPerByte` where bytes are known, `accuracy` for tasks; undefined when cancelled midway. */
  score(signal?: AbortSignal): Promise<Readonly<Record<string, number>> | undefined>
  close(): void
}

/** The forward program with loss, which reads its weights from the training session. */
export async function openValidation(
  config: TrainConfig,
  resolved: ResolvedSpec,
  source: BatchSource,
  target: Target,
  training: Session,
): Promise<Validation> {
  const { batchSize, seqLen } = config.run
  const outputs = source.isScored ? (['loss', 'predictions'] as const) : (['loss'] as const)
  const { graph } = lower(resolved, { phase: 'train', batchSize, seqLen, outputs })
  const program: Program = { name: 'validate', phase: 'train', graph, bindings: [], frozen: [] }
  const session = await target.open(program, {
    initial: new Map(),
    share: training,
    ...(config.threads !== null && { threads: config.threads }),
  })
  return {
    close: () => session.close(),
    score: async (signal) => {
      let nats = 0,
        count = 0,
        right = 0
      let bytes: number | null = 0
      for (const batch of source.validation()) {
        if (signal?.aborted === true) return undefined
        const read = await session.run({ tokens: batch.tokens, targets: batch.targets }, [
          'loss',
          'targetCount',
          ...(source.isScored ? ['predictions'] : []),
        ])
        const scored = read['targetCount']![0]!
        nats += read['loss']![0]! * scored
        count += scored
        bytes = bytes === null || batch.bytes === null ? null : bytes + batch.bytes
        const predictions = read['predictions']
        if (predictions !== undefined)
          batch.targets.forEach((t, i) => (right += Number(t !== IGNORE_INDEX && t === predictions[i])))
      }
      if (count === 0) return {}
      const valLoss = nats / count
      return {
        valLoss,
        perplexity: Math.exp(valLoss),
        ...(bytes !== null && bytes > 0 && { bitsPerByte: nats / Math.LN2 / bytes }),
        ...(source.isScored && { accuracy: right / count }),
      }
    },
  }
}
