// Every target that works here computes what the interpreter computes, in all three phases of a small hybrid model.

import { describe, expect, it } from 'vitest'
import type { Program } from '#core/graph/program.ts'
import { lower } from '#core/model/lower.ts'
import type { LoweredModel, ModelOutput } from '#core/model/lower.ts'
import { parseSpecText } from '#core/model/text.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { adamw } from '#core/optim/adamw.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { resolveParams } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import { targetOf, targets } from '#main/runtime/targets/index.ts'
import type { HostArray, Session, Target } from '#main/runtime/targets/target.ts'
import { assertClose } from '../helpers/assert-close.ts'

const BATCH = 2
const LENGTH = 9
const VOCABULARY = 31
const model = resolveSpec(
  parseSpecText(
    `{dModel: 16, vocabSize: ${VOCABULARY}, metaTokens: 3, headNormDivision: true} d{nHeads: 2} f{intermediateSize: 24} m2{headDim: 8, dState: 4} a{headDim: 8, window: 5, metaAlwaysVisible: true}
     gla{nHeads: 2} r7{headDim: 8, decayLowRankDim: 4, aLowRankDim: 4, vLowRankDim: 4, gateLowRankDim: 4} gdn{headDim: 4, nHeads: 2} r7{headDim: 8, decayLowRankDim: 4, aLowRankDim: 4, vLowRankDim: 4, gateLowRankDim: 4} m{dState: 3} a{headDim: 8, nKvHeads: 1} r7f`,
  ),
)
// with the usual epsilon, rounding decides the sign of a first step wherever a gradient is nearly zero
const optimiser = resolveParams(adamw.params, { weightNorm: true, clip: 0.5, eps: 0.01 }, { dModel: 0 }, 'optimiser')

/** Weights that let every path count. */
const weights = new Map(
  lower(model, { phase: 'train', batchSize: 1, seqLen: 1 }).weights.map(({ name, shape }) => {
    const random = rng('target weight', name)
    const size = shape.reduce((a, b) => a * b, 1)
    const scale = shape.length === 2 ? 1 / Math.sqrt(shape[1]!) : 0.3
    const centre = /norm[a-z_]*\.weight$/.test(name) ? 1 : 0
    return [name, Float32Array.from({ length: size }, () => centre + scale * random.normal())] as const
  }),
)

const tokens = (key: string, length = LENGTH, batch = BATCH): Int32Array => {
  const random = rng('target tokens', key)
  return Int32Array.from({ length: batch * length }, () => random.integer(VOCABULARY))
}

function open(target: Target, lowered: LoweredModel): Promise<Session> {
  const { graph, phase, states } = lowered
  const bindings = phase === 'decode' ? states.map(({ name }) => ({ input: name, output: `next.${name}` })) : []
  return target.open(
    { name: phase, phase, graph, bindings, frozen: lowered.weights.map((w) => w.name) },
    { initial: weights, threads: 1 },
  )
}

const inference = (phase: 'prefill' | 'decode', output: ModelOutput): LoweredModel =>
  lower(model, {
    phase,
    batchSize: BATCH,
    seqLen: phase === 'decode' ? 1 : LENGTH,
    context: LENGTH + 4,
    outputs: [output],
  })

type Values = ReadonlyMap<string, HostArray>

/** Logits and states of a prefill, then of four steps behind it. */
async function generate(target: Target): Promise<Values> {
  const values = new Map<string, HostArray>()
  const prefill = inference('prefill', 'allLogits')
  const decode = await open(target, inference('decode', 'logits'))
  const session = await open(target, prefill)
  try {
    const first = await session.run({ tokens: tokens('prompt') }, [
      'logits',
      ...prefill.states.map((s) => `next.${s.name}`),
    ])
    for (const [name, data] of Object.entries(first)) values.set(`prefill ${name}`, data)
    for (const { name } of prefill.states) decode.write(name, first[`next.${name}`] as Float32Array)
    for (let i = 0; i < 4; i++) {
      const { logits } = await decode.run({ tokens: tokens(`step ${i}`, 1), position: Int32Array.of(3 + LENGTH + i) }, [
        'logits',
      ])
      values.set(`decode logits ${i}`, logits!)
    }
    for (const { name } of prefill.states) values.set(`decode ${name}`, decode.read(name))
    return values
  } finally {
    session.close()
    decode.close()
  }
}

interface TrainSessions {
  readonly batch: Session
  readonly update: Session | undefined
  readonly close: () => void
}

async function openTraining(target: Target, batchSize: number, accumulation: number): Promise<TrainSessions> {
  const programs = trainPrograms(model, { batchSize, seqLen: LENGTH, optimiser, accumulation })
  const batch = await target.open(programs.batch, { initial: weights, threads: 1 })
  const update = programs.update && (await target.open(programs.update, { initial: weights, threads: 1, share: batch }))
  return { batch, update, close: () => [batch, update].forEach((session) => session?.close()) }
}

const scalars = (step: number): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries({ lr: 0.01, ...adamw.scalars(step, optimiser) }).map(([name, value]) => [
      name,
      Float32Array.of(value),
    ]),
  )

/** Three steps of training; then the loss of a program that reads the trained weights where they lie. */
async function train(target: Target): Promise<Values> {
  const values = new Map<string, HostArray>()
  const { batch, close } = await openTraining(target, BATCH, 1)
  const { graph } = lower(model, {
    phase: 'train',
    batchSize: BATCH,
    seqLen: LENGTH,
    outputs: ['loss', 'predictions', 'logProbs'],
  })
  const program: Program = { name: 'validate', phase: 'train', graph, bindings: [], frozen: [] }
  const validate = await target.open(program, { initial: new Map(), share: batch, threads: 1 })
  try {
    for (let step = 1; step <= 3; step++) {
      const feeds = { tokens: tokens(`x ${step}`), targets: tokens(`y ${step}`), ...scalars(step) }
      const results = await batch.run(feeds, ['loss', 'gradNorm', 'weightNorm', 'targetCount'])
      for (const [name, data] of Object.entries(results)) values.set(`step ${step} ${name}`, data)
      const scored = validate.runSync({ tokens: tokens('held out'), targets: tokens('held out') }, ['loss', 'logProbs'])
      values.set(`validation loss ${step}`, scored['loss']!).set(`log probabilities ${step}`, scored['logProbs']!)
    }
    for (const name of weights.keys()) values.set(name, batch.read(name))
    return values
  } finally {
    validate.close()
    close()
  }
}

const available = targets.filter((target) => target !== reference)
const expected = new Map([
  ['generate', generate(reference)],
  ['train', train(reference)],
])

function compare(actual: Values, wanted: Values, tolerance: number): void {
  expect([...actual.keys()]).toEqual([...wanted.keys()])
  for (const [name, data] of wanted) assertClose(actual.get(name)!, data, tolerance, name)
}

describe.each(available)('$kind', (target) => {
  const availability = target.probe()
  const skip = availability.isAvailable ? undefined : availability.reason

  it('generates as the interpreter does', async (test) => {
    if (skip !== undefined) return test.skip(skip)
    compare(await generate(target), await expected.get('generate')!, 2e-5)
  })

  it('trains as the interpreter does', async (test) => {
    if (skip !== undefined) return test.skip(skip)
    compare(await train(target), await expected.get('train')!, 5e-4)
  })
})

describe.each(targets)('$kind', (target) => {
  const availability = target.probe()
  const skip = availability.isAvailable ? undefined : availability.reason

  it('averages gradients of several batches into one step', async (test) => {
    if (skip !== undefined) return test.skip(skip)
    const whole = await openTraining(target, BATCH, 1)
    const parts = await openTraining(target, 1, BATCH)
    try {
      for (let step = 1; step <= 2; step++) {
        const x = tokens(`x ${step}`),
          y = tokens(`y ${step}`)
        const { gradNorm } = await whole.batch.run({ tokens: x, targets: y, ...scalars(step) }, ['gradNorm'])
        for (let b = 0; b < BATCH; b++)
          await parts.batch.run(
            { tokens: x.slice(b * LENGTH, (b + 1) * LENGTH), targets: y.slice(b * LENGTH, (b + 1) * LENGTH) },
            ['loss'],
          )
        const updated = await parts.update!.run(scalars(step), ['gradNorm'])
        assertClose(updated['gradNorm']!, gradNorm!, 1e-4, `gradient norm of step ${step}`)
      }
      for (const name of weights.keys()) assertClose(parts.update!.read(name), whole.batch.read(name), 1e-3, name)
    } finally {
      whole.close()
      parts.close()
    }
  })

  it('is described, and says whether it works', () => {
    expect(target.doc.length).toBeGreaterThan(20)
    if (availability.isAvailable) {
      expect(availability.version).not.toBe('')
      expect(targetOf(target.kind)).toBe(target)
    } else {
      expect(availability.reason.length).toBeGreaterThan(5)
      expect(() => targetOf(target.kind)).toThrow(expect.objectContaining({ code: 'target-missing' }))
    }
  })
})

it('an unknown target is refused with the known ones', () => {
  expect(() => targetOf('abacus')).toThrow(
    expect.objectContaining({ code: 'target-missing', hint: expect.stringContaining('reference') as string }),
  )
})
