// The training loop: batches in, metric points out. All arithmetic is in the programs; this file feeds, reads and decides.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { adamw } from '#core/optim/adamw.ts'
import { firstValuesOf } from '#core/optim/first-values.ts'
import { cosineLr } from '#core/optim/schedule.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Session, Target } from '../targets/target.ts'
import { checkFolder, loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { drawWeights } from '../weights/draw.ts'
import type { BatchSource } from './source.ts'
import { openValidation } from './validate.ts'

/** Metrics by name at a step; step n is the state after n optimiser steps. */
export interface MetricPoint {
  readonly step: number
  readonly values: Readonly<Record<string, number>>
}

export interface TrainOptions {
  readonly onPoint?: (point: MetricPoint) => void
  readonly onProgress?: (event: ProgressEvent) => void
  readonly signal?: AbortSignal
  /** Where checkpoints go; none are written without it. */
  readonly checkpoint?: string
  /** A checkpoint to go on from. */
  readonly resume?: string
}

export interface TrainResult {
  readonly state: 'done' | 'failed' | 'cancelled'
  readonly error?: ErrorRecord
  /** Steps done. */
  readonly steps: number
  /** Metrics of the last validation. */
  readonly final: Readonly<Record<string, number>>
  readonly tokensPerSecond: number
  readonly seconds: number
  /** Seconds from the start to the end of the first step. */
  readonly firstStepSeconds: number
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** What a step gives: the loss and gradient of the weights before it, and the norm of those after it. */
type StepValues = Readonly<Record<'loss' | 'gradNorm' | 'weightNorm', number>>

/**
 * The loss above which a run has diverged, in nats. Clipped gradients and normalised activations keep a run finite at any
 * learning rate; guessing evenly costs ln(vocabulary), so a model that is this wrong has learned nothing that can be kept.
 */
const divergenceLimit = (vocabSize: number): number => 30 + 10 * Math.log(vocabSize)

/**
 * Trains a stack. Divergence and cancelling end the run as data, with the state so far; other errors are thrown.
 */
export async function train(
  config: TrainConfig,
  source: BatchSource,
  target: Target,
  options: TrainOptions = {},
): Promise<TrainResult> {
  const started = performance.now()
  const seconds = (): number => (performance.now() - started) / 1000
  const { run, optimiser } = config
  const resolved = resolveSpec(config.spec)
  if (source.vocabSize > resolved.settings.vocabSize)
    throw new HeddleError(
      'spec-invalid',
      `vocabSize (${resolved.settings.vocabSize}) is smaller than the data's vocabulary (${source.vocabSize})`,
      { path: 'model.vocabSize', hint: `set vocabSize to at least ${source.vocabSize}` },
    )
  if (options.checkpoint !== undefined) checkFolder(options.checkpoint)
  const programs = trainPrograms(resolved, {
    batchSize: run.batchSize,
    seqLen: run.seqLen,
    optimiser,
    accumulation: run.accumulation,
  })
  const resumed = options.resume === undefined ? undefined : loadCheckpoint(options.resume, config, programs.weights)
  const open = {
    initial: resumed?.state ?? drawWeights(programs.weights, firstValuesOf(config, programs.weights)),
    ...(config.threads !== null && { threads: config.threads }),
  }
  const sessions: { close(): void }[] = []
  /** Steps that have been started and not been looked at, the oldest first. */
  const underWay: { readonly lr: number; readonly startedAt: number; readonly values: Promise<StepValues> }[] = []
  const opened = async <T extends { close(): void }>(opening: Promise<T>): Promise<T> => {
    const session = await opening
    sessions.push(session)
    return session
  }
  try {
    // the program that steps holds the state; the others read it there
    const updateSession = programs.update === undefined ? undefined : await opened(target.open(programs.update, open))
    const batchSession = await opened(
      target.open(programs.batch, { ...open, ...(updateSession !== undefined && { share: updateSession }) }),
    )
    const stateful = updateSession ?? batchSession
    const validation = await opened(openValidation(config, resolved, source, target, stateful))
    const limit = divergenceLimit(resolved.settings.vocabSize)
    const first = resumed?.step ?? 0
    let step = first
    let firstStepSeconds = 0
    let trainSeconds = 0
    let lastEnd = 0
    let final: Readonly<Record<string, number>> = {}
    const result = (state: TrainResult['state'], error?: HeddleError): TrainResult => ({
      state,
      ...(error !== undefined && { error: errorRecord(error) }),
      steps: step,
      final,
      tokensPerSecond:
        trainSeconds === 0 ? 0 : ((step - first) * run.accumulation * run.batchSize * run.seqLen) / trainSeconds,
      seconds: seconds(),
      firstStepSeconds,
      weights: new Map(programs.weights.map((w) => [w.name, stateful.read(w.name)])),
    })
    const cancelled = (): TrainResult =>
      result('cancelled', new HeddleError('job-cancelled', `cancelled after step ${step}`))
    const diverged = (at: number, lr: number): TrainResult =>
      result(
        'failed',
        new HeddleError('train-diverged', `diverged at step ${at}, lr ${lr.toPrecision(3)}`, {
          path: `step ${at}`,
          hint: 'lower the learning rate, lengthen the warm-up or clip gradients',
        }),
      )
    /** Who looks at the weights after a step. */
    const stopAt = (done: number): { isValidated: boolean; isSaved: boolean } => ({
      isValidated: done % run.validationEvery === 0 || done === run.steps,
      isSaved: done === run.steps || (run.checkpointEvery !== null && done % run.checkpointEvery === 0),
    })
    // accumulation is several runs after each other already
    const ahead = updateSession === undefined ? (batchSession.ahead ?? 0) : 0
    const mayStart = (): boolean => {
      const { isValidated, isSaved } = stopAt(step + underWay.length)
      return underWay.length === 0 || (underWay.length <= ahead && !isValidated && !isSaved)
    }
    if (step === run.steps) final = (await validation.score(options.signal)) ?? {}
    while (step < run.steps) {
      const isAborted = options.signal?.aborted === true
      if (isAborted && underWay.length === 0) return cancelled()
      while (!isAborted && mayStart()) {
        const index = step + underWay.length
        const lr = cosineLr(index, run.steps, config.schedule)
        const startedAt = performance.now()
        const values = oneStep(config, source, batchSession, updateSession, index, lr)
        // an error is heard by who awaits the step, if anybody still does
        values.catch(() => undefined)
        underWay.push({ lr, startedAt, values })
      }
      options.onProgress?.({ phase: 'train', done: step, total: run.steps, unit: 'steps' })
      const { lr, startedAt, values: pending } = underWay[0]!
      const values = await pending
      underWay.shift()
      const took = (performance.now() - Math.max(startedAt, lastEnd)) / 1000
      lastEnd = performance.now()
      if (firstStepSeconds === 0) firstStepSeconds = seconds()
      if (!(values.loss <= limit) || !Number.isFinite(values.gradNorm)) return diverged(step, lr)
      step++
      trainSeconds += took
      if (!Number.isFinite(values.weightNorm)) return diverged(step, lr)
      const { isValidated, isSaved } = stopAt(step)
      const scored = isValidated ? await validation.score(options.signal) : undefined
      if (scored?.['valLoss'] !== undefined && !(scored['valLoss'] <= limit)) return diverged(step, lr)
      final = scored ?? final
      const tokensPerSecond = (run.accumulation * run.batchSize * run.seqLen) / took
      options.onPoint?.({ step, values: { ...values, lr, tokensPerSecond, ...scored } })
      if (options.checkpoint !== undefined && isSaved)
        await saveCheckpoint(options.checkpoint, step, config, programs.weights, stateful)
      if (isValidated && scored === undefined) return cancelled()
    }
    options.onProgress?.({ phase: 'train', done: step, total: run.steps, unit: 'steps' })
    return result('done')
  } finally {
    await Promise.allSettled(underWay.map(({ values }) => values))
    for (const session of sessions) session.close()
  }
}

async function oneStep(
  config: TrainConfig,
  source: BatchSource,
  batch: Session,
  update: Session | undefined,
  step: number,
  lr: number,
): Promise<StepValues> {
  const { accumulation } = config.run
  const scalars = Object.fromEntries(
    Object.entries({ lr, ...adamw.scalars(step + 1, config.optimiser) }).map(([name, value]) => [
      name,
      Float32Array.of(value),
    ]),
  )
  if (update === undefined) {
    const { loss, gradNorm, weightNorm } = await batch.run({ ...source.train(step), ...scalars }, [
      'loss',
      'gradNorm',
      'weightNorm',
    ])
    return { loss: loss![0]!, gradNorm: gradNorm![0]!, weightNorm: weightNorm![0]! }
  }
  let total = 0
  for (let i = 0; i < accumulation; i++)
    total += (await batch.run({ ...source.train(step * accumulation + i) }, ['loss']))['loss']![0]!
  const { gradNorm, weightNorm } = await update.run(scalars, ['gradNorm', 'weightNorm'])
  return { loss: total / accumulation, gradNorm: gradNorm![0]!, weightNorm: weightNorm![0]! }
}
