// The three stacks that training is timed on, as programs.

import { lower } from '#core/model/lower.ts'
import { flopsByBlock } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { adamw } from '#core/optim/adamw.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import type { TrainPrograms } from '#core/optim/train-program.ts'
import { rng } from '#core/rng.ts'
import type { HostArray } from '#main/runtime/targets/target.ts'

const PATTERN = 'd f m2 f a f d f m2 f a f'
export const VOCAB_SIZE = 8192
export const TOKENS_PER_STEP = 16_384

export const STACKS: Readonly<Record<string, { readonly dModel: number; readonly blocks: string }>> = {
  T1: { dModel: 512, blocks: PATTERN },
  T2: { dModel: 1024, blocks: `(${PATTERN})x2` },
  T3: { dModel: 1024, blocks: '(a f)x12' },
}

export interface TrainingCase {
  readonly config: TrainConfig
  readonly programs: TrainPrograms
  /** Floating-point operations of a step: a backward pass does the forward pass's products twice. */
  readonly flops: number
  /** What step n is fed. */
  feeds(step: number): Record<string, HostArray>
}

export function trainingCase(name: string, seqLen: number): TrainingCase {
  const stack = STACKS[name]
  if (stack === undefined) throw new Error(`no stack named ${name}: ${Object.keys(STACKS).join(', ')}`)
  const { dModel, blocks } = stack
  const ffn = blocks.replaceAll(/\bf\b/g, `f{intermediateSize: ${3 * dModel}}`)
  const spec = parseSpecText(`{dModel: ${dModel}, vocabSize: ${VOCAB_SIZE}} ${ffn}`)
  const resolved = resolveSpec(spec)
  const config = parseTrainConfig({ spec })
  const batchSize = TOKENS_PER_STEP / seqLen
  const programs = trainPrograms(resolved, { batchSize, seqLen, optimiser: config.optimiser, accumulation: 1 })
  const random = rng('cuda-bench', 1)
  const tokens = Int32Array.from({ length: TOKENS_PER_STEP }, () => random.integer(VOCAB_SIZE))
  const targets = tokens.map((t) => (t * 7 + 1) % VOCAB_SIZE)
  const lowered = lower(resolved, { phase: 'train', batchSize, seqLen })
  return {
    config,
    programs,
    flops: 3 * flopsByBlock(lowered, resolved.blocks.length).total,
    feeds: (step) => ({
      tokens,
      targets,
      ...Object.fromEntries(
        Object.entries({ lr: 1e-3, ...adamw.scalars(step, config.optimiser) }).map(([k, v]) => [k, Float32Array.of(v)]),
      ),
    }),
  }
}
