// Products with parts of one weight are one product, whose result is read where it lies; what their gradients are computed from is
// written side by side.

import { describe, expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { firstValuesOf } from '#core/optim/first-values.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { rng } from '#core/rng.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { drawWeights } from '#main/runtime/weights/draw.ts'
import { normError } from '../../helpers/assert-close.ts'
import { cpuMachine, hasCompiler, there } from './cpu-machine.ts'

const SHAPE = { batchSize: 2, seqLen: 70 }
const VOCABULARY = 32

interface Gradients {
  readonly schedule: CudaSession['schedule']
  readonly of: ReadonlyMap<string, Float32Array>
}

/** Gradients of one batch for a stack of blocks. */
async function gradients(blocks: string, compute: Compute): Promise<Gradients> {
  const spec = parseSpecText(`{dModel: 64, vocabSize: ${VOCABULARY}} ${blocks}`)
  const config = parseTrainConfig({ spec })
  const programs = trainPrograms(resolveSpec(spec), { ...SHAPE, optimiser: config.optimiser, accumulation: 2 })
  const session = await openOnMachine(
    there(cpuMachine()),
    programs.batch,
    { initial: drawWeights(programs.weights, firstValuesOf(config, programs.weights)) },
    { compute, claims: claimsIn(compute) },
  )
  const random = rng('whole products')
  const tokens = Int32Array.from({ length: SHAPE.batchSize * SHAPE.seqLen }, () => random.integer(VOCABULARY))
  try {
    session.runSync({ tokens, targets: tokens.map((t) => (t * 7 + 1) % VOCABULARY) }, ['loss'])
    const of = new Map(programs.weights.map(({ name }) => [name, session.read(`mean_grad.${name}`)]))
    return { schedule: session.schedule, of }
  } finally {
    session.close()
  }
}

describe.skipIf(!hasCompiler())('Mamba-2', () => {
  it.each([
    { heads: 8, isInPlace: true },
    // rows of 128 + 256 + 4 numbers begin at odd places
    { heads: 4, isInPlace: false },
  ])('with $heads heads: gradients as in f32', { timeout: 240_000 }, async ({ heads, isInPlace }) => {
    const blocks = `m2{expand: ${heads / 2}, headDim: 32, dState: 64}`
    const exact = await gradients(blocks, 'f32')
    const half = await gradients(blocks, 'bf16')
    for (const [name, gradient] of half.of) expect(normError(gradient, exact.of.get(name)!), name).toBeLessThan(2e-2)
    const { steps } = half.schedule
    const labels = steps.filter(({ scope }) => scope.startsWith('L00.mixer')).map(({ label }) => label)
    // in_proj and out_proj, each with two gradients
    expect(labels.filter((label) => label === 'matmul')).toHaveLength(6)
    expect(labels.some((label) => label === 'slice' || label === 'concat')).toBe(!isInPlace)
  })
})

describe.skipIf(!hasCompiler())('products that are only added up', () => {
  it('are one, from parts written side by side: gradients as in f32', { timeout: 240_000 }, async () => {
    const blocks =
      'f{intermediateSize: 96} d{nHeads: 1} a{nHeads: 2, headDim: 32} a{nHeads: 2, headDim: 32, nKvHeads: 1}'
    const exact = await gradients(blocks, 'f32')
    const half = await gradients(blocks, 'bf16')
    for (const [name, gradient] of half.of) expect(normError(gradient, exact.of.get(name)!), name).toBeLessThan(2e-2)
    const labels = (scope: string): readonly string[] =>
      half.schedule.steps.flatMap((step) => (step.scope === scope && step.label.includes('matmul') ? [step.label] : []))
    // the output projection's two gradients, the sum, and the weights' gradients from columns of one value
    expect(labels('L00.mixer.ffn.grad')).toEqual(['matmul', 'matmul', 'matmul', '2 x matmul'])
    for (const scope of ['L01.mixer.deltanet.grad', 'L02.mixer.attention.grad'])
      expect(labels(scope).filter((label) => label === '3 x matmul')).toHaveLength(1)
    expect([...labels('L03.mixer.attention.grad')].sort()).toEqual(['2 x matmul', ...Array<string>(4).fill('matmul')])
    const copied = half.schedule.steps.filter(({ label }) => label.includes('concat'))
    expect(copied.map(({ scope, label }) => `${scope} ${label}`)).toEqual([])
  })
})
