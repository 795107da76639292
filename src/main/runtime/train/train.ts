// The training loop: batches in, metric points out. All arithmetic is in the programs; this file feeds, reads and decides.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { Weight } from '#core/model/declarations.ts'
import { initWeights } from '#core/model/weights.ts'
import { adamw } from '#core/optim/adamw.ts'
import { cosineLr } from '#core/optim/schedule.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { projectData, projectionOf } from '#core/optim/weight-norm.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Session, Target } from '../targets/target.ts'
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
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

/** First weights of a run: initial values, projected once when weight normalisation is on. */
export function firstWeights(config: TrainConfig, weights: readonly Weight[]): Map<string, Float32Array> {
  const initial = initWeights(weights, config.run.seed, { rescaleResidual: config.run.rescaleResidual })
  if (!config.optimiser.weightNorm) return initial
  for (const weight of weights) {
    const projection = projectionOf(weight, config.optimiser.weightNormEmbedding)
    if (projection !== undefined) initial.set(weight.name, projectData(initial.get(weight.name)!, weight.shape as [number, number], projection))
  }
  return initial
}

/**
 * Trains a stack. Divergence and cancelling end the run as data, with the state so far; other errors are thrown.
 */
export async function train(config: TrainConfig, source: BatchSource, target: Target, options: TrainOptions = {}): Promise<TrainResult> {
  const started = performance.now()
  const seconds = (): number => (performance.now() - started) / 1000
  const { run, optimiser } = config
  const resolved = resolveSpec(config.spec)
  if (source.vocabSize > resolved.settings.vocabSize)
    throw new HeddleError('spec-invalid', `vocabSize (${resolved.settings.vocabSize}) is smaller than the data's vocabulary (${source.vocabSize})`, { path: 'model.vocabSize', hint: `set vocabSize to at least ${source.vocabSize}` })
  const programs = trainPrograms(resolved, { batchSize: run.batchSize, seqLen: run.seqLen, optimiser, accumulation: run.accumulation })
  const resumed = options.resume === undefined ? undefined : loadCheckpoint(options.resume, config, programs.weights)
  const open = { initial: resumed?.state ?? firstWeights(config, programs.weights), ...(config.threads !== null && { threads: config.threads }) }
  const batchSession = await target.open(programs.batch, open)
  const updateSession = programs.update === undefined ? undefined : await target.open(programs.update, { ...open, share: batchSession })
  const validation = await openValidation(config, resolved, source, target, batchSession)
  const sessions = [batchSession, ...(updateSession === undefined ? [] : [updateSession]), validation]
  const stateful = updateSession ?? batchSession
  let step = resumed?.step ?? 0
  let firstStepSeconds = 0
  let trainSeconds = 0
  let final: Readonly<Record<string, number>> = {}
  const result = (state: TrainResult['state'], error?: ErrorRecord): TrainResult => ({
    state,
    ...(error !== undefined && { error }),
    steps: step,
    final,
    tokensPerSecond: trainSeconds === 0 ? 0 : ((step - (resumed?.step ?? 0)) * run.accumulation * run.batchSize * run.seqLen) / trainSeconds,
    seconds: seconds(),
    firstStepSeconds,
    weights: new Map(programs.weights.map((w) => [w.name, stateful.read(w.name)])),
  })
  try {
    while (step < run.steps) {
      if (options.signal?.aborted === true) return result('cancelled', errorRecord(new HeddleError('job-cancelled', `cancelled after step ${step}`)))
      options.onProgress?.({ phase: 'train', done: step, total: run.steps, unit: 'steps' })
      const lr = cosineLr(step, run.steps, config.schedule)
      const before = performance.now()
      const values = await oneStep(config, source, batchSession, updateSession, step, lr)
      const took = (performance.now() - before) / 1000
      trainSeconds += took
      if (firstStepSeconds === 0) firstStepSeconds = seconds()
      if (!Number.isFinite(values['loss']!) || !Number.isFinite(values['gradNorm']!))
        return result('failed', errorRecord(new HeddleError('train-diverged', `diverged at step ${step}, lr ${lr.toPrecision(3)}`, { path: `step ${step}`, hint: 'lower the learning rate, lengthen the warm-up or clip gradients' })))
      step++
      const point = { ...values, lr, tokensPerSecond: (run.accumulation * run.batchSize * run.seqLen) / took }
      const isValidated = step % run.validationEvery === 0 || step === run.steps
      if (isValidated) final = await validation.score(options.signal)
      options.onPoint?.({ step, values: { ...point, ...(isValidated && final) } })
      const isSaved = run.checkpointEvery !== null && step % run.checkpointEvery === 0
      if (options.checkpoint !== undefined && (isSaved || step === run.steps)) await saveCheckpoint(options.checkpoint, step, config, programs.weights, stateful)
    }
    options.onProgress?.({ phase: 'train', done: step, total: run.steps, unit: 'steps' })
    return result('done')
  } finally {
    for (const session of sessions) session.close()
  }
}

async function oneStep(config: TrainConfig, source: BatchSource, batch: Session, update: Session | undefined, step: number, lr: number): Promise<Record<string, number>> {
  const { accumulation } = config.run
  const scalars = Object.fromEntries(Object.entries({ lr, ...adamw.scalars(step + 1, config.optimiser) }).map(([name, value]) => [name, Float32Array.of(value)]))
  if (update === undefined) {
    const { loss, gradNorm, weightNorm } = await batch.run({ ...source.train(step), ...scalars }, ['loss', 'gradNorm', 'weightNorm'])
    return { loss: loss![0]!, gradNorm: gradNorm![0]!, weightNorm: weightNorm![0]! }
  }
  let total = 0
  for (let i = 0; i < accumulation; i++) total += (await batch.run({ ...source.train(step * accumulation + i) }, ['loss']))['loss']![0]!
  const { gradNorm, weightNorm } = await update.run(scalars, ['gradNorm', 'weightNorm'])
  return { loss: total / accumulation, gradNorm: gradNorm![0]!, weightNorm: weightNorm![0]! }
}

