// Runs small enough for a loaded machine: a few thousand weights, a few steps, one thread.

import type { TrainConfig } from '#core/optim/train-config.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { parseSpecText } from '#core/model/text.ts'
import { rng } from '#core/rng.ts'
import { corpusBatches } from '#main/runtime/train/corpus-source.ts'
import type { BatchSource } from '#main/runtime/train/source.ts'
import { taskSource } from '#main/runtime/train/source.ts'
import type { TrainOptions, TrainResult } from '#main/runtime/train/train.ts'
import { train } from '#main/runtime/train/train.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import type { Target } from '#main/runtime/targets/target.ts'

/** Parts of a configuration that replace those of the tiny one. */
export interface TinyChanges {
  readonly spec?: string
  readonly data?: object
  readonly run?: object
  readonly schedule?: object
  readonly optimiser?: object
}

/** A configuration of twelve steps on one thread; the data is the task `induction` unless it is changed. */
export function tinyConfig({
  spec = '{dModel: 16, vocabSize: 16} a{headDim: 8} d f',
  data,
  run,
  schedule,
  optimiser,
}: TinyChanges = {}): TrainConfig {
  return parseTrainConfig({
    spec: parseSpecText(spec),
    data: data ?? { kind: 'task', task: 'induction', params: {} },
    run: { steps: 12, batchSize: 4, seqLen: 16, validationEvery: 6, validationTokens: 128, seed: 3, ...run },
    schedule: { lr: 0.01, warmup: 3, ...schedule },
    optimiser: { ...optimiser },
    threads: 1,
  })
}

/** The result of a run and the loss of each of its steps. */
export type TinyRun = TrainResult & { readonly losses: readonly number[] }

/** Trains by a configuration on a target and closes its data. */
export async function runTiny(
  config: TrainConfig,
  options: TrainOptions = {},
  target: Target = ortCpu,
): Promise<TinyRun> {
  const losses: number[] = []
  const source = await openSource(config)
  try {
    const result = await train(config, source, target, {
      ...options,
      onPoint: (point) => {
        losses.push(point.values['loss']!)
        options.onPoint?.(point)
      },
    })
    return { ...result, losses }
  } finally {
    source.close()
  }
}

/** The batches that a configuration names. */
export function openSource({ data, run }: TrainConfig): Promise<BatchSource> {
  if (data.kind === 'corpus') return corpusBatches(data, run)
  return Promise.resolve(taskSource(data.task, data.params, run))
}

/** Documents of made-up words, one JSON object a line; some letters take two bytes. */
export function tinyCorpus(documents = 40): string {
  const random = rng('tiny corpus')
  const words = Array.from({ length: 30 }, () => {
    const length = 2 + random.integer(6)
    return Array.from({ length }, () => random.pick([...'aeiorstnlké'])).join('')
  })
  const text = (): string => Array.from({ length: 60 }, () => random.pick(words)).join(' ')
  return Array.from({ length: documents }, () => `${JSON.stringify({ text: text() })}\n`).join('')
}
