// A training step that does not fit computes forward values twice, and comes to the same.

import { expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { adamw } from '#core/optim/adamw.ts'
import { firstValuesOf } from '#core/optim/first-values.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { rng } from '#core/rng.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { drawWeights } from '#main/runtime/weights/draw.ts'
import { cpuMachine, hasCompiler, there } from './cpu-machine.ts'

const SHAPE = { batchSize: 4, seqLen: 32 }
const VOCABULARY = 32

const spec = parseSpecText(`{dModel: 16, vocabSize: ${VOCABULARY}} (a{headDim: 8} f m2{headDim: 8, dState: 8} f)x2`)
const config = parseTrainConfig({ spec })
const programs = trainPrograms(resolveSpec(spec), { ...SHAPE, optimiser: config.optimiser, accumulation: 1 })

/** Three steps on a machine with this much memory. */
async function train(memoryBytes: number) {
  const passes: string[] = []
  const session = await openOnMachine(
    there(cpuMachine(memoryBytes)),
    programs.batch,
    {
      initial: drawWeights(programs.weights, firstValuesOf(config, programs.weights)),
      onPass: (name) => void passes.push(name),
    },
    { compute: 'f32', claims: claimsIn('f32') },
  )
  const random = rng('recompute')
  const tokens = Int32Array.from({ length: SHAPE.batchSize * SHAPE.seqLen }, () => random.integer(VOCABULARY))
  const targets = tokens.map((t) => (t * 7 + 1) % VOCABULARY)
  try {
    const losses = [1, 2, 3].map((step) => {
      const scalars = Object.entries({ lr: 1e-2, ...adamw.scalars(step, config.optimiser) })
      const feeds = { tokens, targets, ...Object.fromEntries(scalars.map(([k, v]) => [k, Float32Array.of(v)])) }
      return session.runSync(feeds, ['loss'])['loss']![0]!
    })
    const weights = programs.weights.map(({ name }) => session.read(name))
    return { losses, weights, memory: session.schedule.memory, passes }
  } finally {
    session.close()
  }
}

it.skipIf(!hasCompiler())('fits in less memory, with the same losses and weights', { timeout: 120_000 }, async () => {
  const whole = await train(2 ** 30)
  expect(whole.passes).not.toContain('recompute')
  const { keptBytes, arenaBytes } = whole.memory
  const less = await train(keptBytes + Math.round(0.9 * arenaBytes))
  expect(less.passes).toContain('recompute')
  expect(less.memory.arenaBytes).toBeLessThan(0.8 * arenaBytes)
  expect(less.losses).toEqual(whole.losses.map((loss) => expect.closeTo(loss, 5) as number))
  less.weights.forEach((weight, i) => {
    const furthest = weight.reduce((most, x, j) => Math.max(most, Math.abs(x - whole.weights[i]![j]!)), 0)
    expect(furthest, programs.weights[i]!.name).toBeLessThan(1e-4)
  })
  await expect(train(keptBytes + Math.round(0.1 * arenaBytes))).rejects.toMatchObject({ code: 'target-failed' })
})
