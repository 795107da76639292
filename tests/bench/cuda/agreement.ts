// Does training in bf16 follow training in f32? Losses on the demo corpus, beside what another order of the batches does.

import { parseSpecText } from '#core/model/text.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { cuda, cudaExact } from '#main/runtime/targets/cuda/target.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { corpusBatches } from '#main/runtime/train/corpus-source.ts'
import { train } from '#main/runtime/train/train.ts'

const DATA = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const
const STACK = '{dModel: 256, vocabSize: 257} d f m2 f a f gdn f'
/** Steps whose mean loss is compared. */
const WINDOW = 50

async function losses(target: Target, seed: number, steps: number): Promise<number[]> {
  const config = parseTrainConfig({
    spec: parseSpecText(STACK),
    data: DATA,
    run: { steps, batchSize: 16, seqLen: 256, validationEvery: steps, validationTokens: 32768, seed },
    schedule: { lr: 3e-3, warmup: 40 },
  })
  const source = await corpusBatches(DATA, config.run)
  const found: number[] = []
  const { state, final, seconds } = await train(config, source, target, {
    onPoint: ({ values }) => void found.push(values['loss']!),
  })
  source.close()
  console.log(
    `  ${target.kind}, seed ${seed}: ${state} after ${seconds.toFixed(1)} s, validation ${final['valLoss']?.toFixed(4)} nats/token`,
  )
  return found
}

export async function benchAgreement(steps: number): Promise<void> {
  console.log(`${steps} steps of ${STACK} on the demo corpus, bytes, 16 x 256 tokens a step`)
  const exact = await losses(cudaExact, 1, steps)
  const half = await losses(cuda, 1, steps)
  const other = await losses(cudaExact, 2, steps)
  const means = (values: readonly number[]): number[] =>
    Array.from(
      { length: Math.floor(values.length / WINDOW) },
      (_, i) => values.slice(i * WINDOW, (i + 1) * WINDOW).reduce((a, b) => a + b, 0) / WINDOW,
    )
  const [a, b, c] = [means(exact), means(half), means(other)] as [number[], number[], number[]]
  const apart = (x: readonly number[]): number => Math.max(...x.map((value, i) => Math.abs(value - a[i]!)))
  a.forEach((value, i) =>
    console.log(
      `  steps ${i * WINDOW + 1} to ${(i + 1) * WINDOW}: f32 ${value.toFixed(4)}, bf16 ${b[i]!.toFixed(4)}, f32 with seed 2 ${c[i]!.toFixed(4)}`,
    ),
  )
  console.log(`  at most apart from f32: bf16 ${apart(b).toFixed(4)}, seed 2 ${apart(c).toFixed(4)} nats/token`)
}
