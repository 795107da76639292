// The depth-width study: stacks of several depths at matched parameter counts, timed and trained, the law of their losses,
// and the shape with the lowest predicted loss under a latency budget. Every finished point stays in the project.

import { HeddleError, errorRecord } from '#core/errors.ts'
import { matchWidth, stackOfDepth } from '#core/model/match-width.ts'
import type { MatchedWidth } from '#core/model/match-width.ts'
import { canonicalJson, hashSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseTrainConfig, RUN_PARAMS } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { choice, integer, optionalReal, real, resolveParams } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { scalingLawBands } from '#core/stats/law/bands.ts'
import { latencyOptimal } from '#core/stats/law/latency-optimal.ts'
import type { LatencyOptimal } from '#core/stats/law/latency-optimal.ts'
import { fitScalingLaw, heldOutError } from '#core/stats/law/scaling-law.ts'
import type { HeldOutError, LawPoint, ScalingLawFit } from '#core/stats/law/scaling-law.ts'
import type { Interval } from '#core/stats/interval.ts'
import { median } from '#core/stats/summary.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { lutPlace } from '#main/runtime/profile/lut-job.ts'
import { dtypeOf } from '#main/runtime/targets/index.ts'
import { addFit } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { createStudy, listStudies, updateStudy } from '#main/store/studies.ts'
import { finishTrial, listTrials, startTrial } from '#main/store/trials.ts'
import { runProfile } from './profile.ts'
import { recordEnvironment, recordSpec } from './record.ts'
import { runTraining } from './train.ts'

/** Settings of a sweep; flags and forms are made from them. */
export const SWEEP_PARAMS = {
  steps: { ...RUN_PARAMS.steps, default: 150 },
  trainBatch: { ...RUN_PARAMS.batchSize, default: 4 },
  seqLen: { ...RUN_PARAMS.seqLen, default: 128 },
  validationTokens: { ...RUN_PARAMS.validationTokens, default: 8192 },
  seed: RUN_PARAMS.seed,
  widthStep: integer({ doc: 'Widths are multiples of this.', min: 1, max: 4096, default: 8 }),
  maxWidth: integer({ doc: 'Largest width.', min: 1, max: 65536, default: 1024 }),
  phase: choice({ doc: 'Which latency.', choices: ['decode', 'prefill'], default: 'decode' }),
  batchSize: integer({ doc: 'Sequences at once, when timed.', min: 1, max: 65536, default: 1 }),
  context: integer({ doc: 'Text tokens in the caches or prompt, when timed.', min: 1, max: 1 << 20, default: 256 }),
  maxSeconds: real({ doc: 'Longest measurement of latencies.', unit: 's', min: 0.1, max: 3600, default: 10 }),
  budgetMs: optionalReal({
    doc: 'Latency budget; by default the median latency of the grid.',
    unit: 'ms',
    min: 1e-6,
    max: 1e9,
    default: null,
  }),
} as const

export interface SweepConfig {
  /** Blocks that a stack goes round, and settings of the model. */
  readonly pattern: ArchSpec
  readonly depths: readonly number[]
  /** Decoder parameters. */
  readonly budgets: readonly number[]
  readonly widthStep: number
  readonly maxWidth: number
  /** Everything of a training run but its spec. */
  readonly train: Omit<TrainConfig, 'spec'>
  readonly phase: 'decode' | 'prefill'
  readonly batchSize: number
  readonly context: number
  readonly maxSeconds: number
  readonly latencyBudgetMs: number | null
}

export interface SweepPoint {
  readonly number: number
  readonly depth: number
  readonly width: number
  readonly budget: number
  readonly params: number
  readonly latencyMs: number
  /** Nats a token; null where the run failed. */
  readonly loss: number | null
  /** Whether it is beyond the points that the test of the law was fitted to. */
  readonly isHeldOut: boolean
}

export interface SweepResult {
  readonly study: number
  readonly points: readonly SweepPoint[]
  readonly fit: ScalingLawFit | null
  /** Error of a law fitted without the deepest stacks and the largest budget, on those. */
  readonly heldOut: HeldOutError | null
  readonly coefficients: Readonly<Record<string, Interval>> | null
  readonly budgetMs: number
  readonly optimal: LatencyOptimal | null
  readonly reused: number
}

export interface SweepHandlers {
  readonly project: Project
  readonly name: string
  readonly onProgress?: (event: ProgressEvent) => void
  readonly onNote?: (line: string) => void
  readonly signal?: AbortSignal
}

/** The grid: every depth at every budget, each shape once. */
export function sweepGrid({
  pattern,
  depths,
  budgets,
  widthStep,
  maxWidth,
}: Pick<SweepConfig, 'pattern' | 'depths' | 'budgets' | 'widthStep' | 'maxWidth'>): (MatchedWidth & {
  readonly depth: number
  readonly budget: number
})[] {
  const points = depths.flatMap((depth) =>
    budgets.map((budget) => ({
      depth,
      budget,
      ...matchWidth((width) => stackOfDepth(pattern.blocks, pattern.model, depth, width), budget, {
        min: widthStep,
        max: maxWidth,
        step: widthStep,
      }),
    })),
  )
  return [...new Map(points.map((p) => [`${p.depth} ${p.width}`, p])).values()]
}

/**
 * Runs or resumes a sweep: the study of the same name and configuration is continued, others are refused.
 * @throws HeddleError `usage` for a name that another sweep has, `job-cancelled`
 */
export async function runSweep(runner: Runner, config: SweepConfig, handlers: SweepHandlers): Promise<SweepResult> {
  const { project, signal, onProgress, onNote } = handlers
  const grid = sweepGrid(config)
  const study = openStudy(project, config, handlers.name)
  try {
    const latencies = await latenciesOf(
      runner,
      grid.map((p) => p.spec),
      config,
      handlers,
    )
    const trials = new Map(listTrials(project, study).map((t) => [t.number, t]))
    const deepest = Math.max(...config.depths),
      largest = Math.max(...config.budgets)
    const points: SweepPoint[] = []
    let reused = 0
    for (const [number, { spec, depth, width, budget, params }] of grid.entries()) {
      onProgress?.({ phase: 'sweep', done: number, total: grid.length, unit: 'stacks' })
      const known = trials.get(number)
      let loss = known?.state === 'done' ? (known.metrics?.['valLoss'] ?? null) : null
      if (known?.state === 'done' || known?.state === 'failed') reused++
      else {
        const trial = startTrial(project, { study, number, spec: recordSpec(project, spec) })
        const facts = { depth, width, budget, params, latencyMs: latencies[number]! }
        try {
          const outcome = await runTraining(
            runner,
            { config: { ...config.train, spec }, project, study, trial, name: `${depth} x ${width}` },
            { ...(signal !== undefined && { signal }), ...(onProgress !== undefined && { onProgress }) },
          )
          loss = outcome.state === 'done' ? (outcome.final['valLoss'] ?? null) : null
          finishTrial(project, trial, {
            state: outcome.state,
            metrics: { ...facts, valLoss: loss, bitsPerByte: outcome.final['bitsPerByte'] ?? null },
            ...(outcome.error !== undefined && { error: outcome.error }),
          })
        } catch (error) {
          const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
          finishTrial(project, trial, { state: isCancelled ? 'cancelled' : 'failed', error: errorRecord(error) })
          if (isCancelled) throw error
        }
      }
      onNote?.(
        `${depth} blocks x ${width}: ${latencies[number]!.toPrecision(3)} ms, ${loss === null ? 'failed' : `${loss.toFixed(4)} nats/token`}`,
      )
      points.push({
        number,
        depth,
        width,
        budget,
        params,
        latencyMs: latencies[number]!,
        loss,
        isHeldOut: depth === deepest || budget === largest,
      })
    }
    const result = { study, points, reused, ...conclude(points, config) }
    record(project, study, handlers.name, result)
    updateStudy(project, study, { state: 'done', error: null })
    return result
  } catch (error) {
    const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
    updateStudy(project, study, { state: isCancelled ? 'cancelled' : 'failed', error: errorRecord(error) })
    throw error
  }
}

function openStudy(project: Project, config: SweepConfig, name: string): number {
  const plain = JSON.parse(JSON.stringify(config)) as Record<string, unknown>
  const same = listStudies(project, { name }).at(-1)
  if (same === undefined)
    return createStudy(project, {
      name,
      kind: 'sweep',
      config: plain,
      seed: config.train.run.seed,
      objectives: ['valLoss', 'latencyMs'],
    })
  if (same.kind !== 'sweep' || canonicalJson(same.config) !== canonicalJson(plain))
    throw new HeddleError('usage', `${project.path} has another study named ${name}`, {
      path: 'name',
      hint: 'give the same flags to resume it, or another --name',
    })
  updateStudy(project, same.id, { state: 'running', error: null })
  return same.id
}

/** Medians of all stacks, in order; what the project has for this place is not measured again. */
async function latenciesOf(
  runner: Runner,
  specs: readonly ArchSpec[],
  config: SweepConfig,
  { project, signal, onProgress }: SweepHandlers,
): Promise<number[]> {
  const { phase, batchSize, context, maxSeconds, train } = config
  const place = lutPlace(train.target, train.threads)
  const environment = recordEnvironment(project, train.target, place.environment)
  const known = (spec: ArchSpec): number | undefined =>
    listMeasurements(project, {
      spec: hashSpec(spec),
      environment,
      target: train.target,
      protocolVersion: place.protocol,
      phase,
      batch: batchSize,
      context,
      dtype: dtypeOf(train.target),
    }).at(-1)?.p50Ms
  const lacking = specs.filter((spec) => known(spec) === undefined)
  if (lacking.length > 0) {
    const options = {
      phases: phase,
      batchSize,
      promptLen: phase === 'prefill' ? context : 1,
      context,
      threads: train.threads,
      seed: train.run.seed,
      maxRelativeWidth: 0.03,
      maxSeconds,
      trace: false,
      decomposeAll: false,
    } as const
    await runProfile(
      runner,
      { specs: lacking, target: train.target, options },
      { project, ...(onProgress !== undefined && { onProgress }), ...(signal !== undefined && { signal }) },
    )
  }
  return specs.map((spec) => {
    const found = known(spec)
    if (found === undefined) throw new Error(`no latency was stored for ${hashSpec(spec)}`)
    return found
  })
}

/** The law of the finished points, how it does on larger ones, and the choice under the budget. */
export function conclude(
  points: readonly SweepPoint[],
  { latencyBudgetMs, train }: Pick<SweepConfig, 'latencyBudgetMs' | 'train'>,
): Pick<SweepResult, 'fit' | 'heldOut' | 'coefficients' | 'budgetMs' | 'optimal'> {
  const budgetMs = latencyBudgetMs ?? median(points.map((p) => p.latencyMs))
  const lawPoints = (some: readonly SweepPoint[]): LawPoint[] =>
    some.flatMap(({ depth, width, loss }) => (loss === null ? [] : [{ depth, width, loss }]))
  const all = lawPoints(points)
  if (all.length < 3) return { fit: null, heldOut: null, coefficients: null, budgetMs, optimal: null }
  const inner = lawPoints(points.filter((p) => !p.isHeldOut)),
    outer = lawPoints(points.filter((p) => p.isHeldOut))
  const heldOut = inner.length >= 3 && outer.length > 0 ? heldOutError(outer, fitScalingLaw(inner).law) : null
  const bands = scalingLawBands(all, [], { rng: rng(train.run.seed, 'sweep'), resamples: 200 })
  const optimal = latencyOptimal({
    candidates: points.filter((p) => p.loss !== null),
    budgetMs,
    law: bands.law,
    laws: bands.laws,
  })
  return { fit: fitScalingLaw(all), heldOut, coefficients: bands.coefficients, budgetMs, optimal }
}

function record(
  project: Project,
  study: number,
  name: string,
  { fit, heldOut, coefficients, budgetMs, optimal, points }: Omit<SweepResult, 'study' | 'reused'>,
): void {
  if (fit === null) return
  const { tokens: _tokens, ...law } = fit.law
  const details = JSON.parse(
    JSON.stringify({ coefficients, warnings: fit.warnings, residuals: fit.residuals, points, budgetMs, optimal }),
  ) as Record<string, unknown>
  addFit(project, {
    study,
    name,
    law: 'depth-width',
    coefficients: { ...law },
    errors: {
      r2: fit.r2,
      heldOutMean: heldOut?.mean ?? null,
      heldOutWorst: heldOut?.worst ?? null,
      condition: fit.condition,
    },
    details,
  })
}

/** What a sweep is asked for; what is left out has a default. */
export interface SweepRequest {
  /** Values of SWEEP_PARAMS. */
  readonly params: Readonly<Record<string, unknown>>
  readonly depths: readonly number[]
  readonly budgets: readonly number[]
  /** Corpus file or folder; null for the demo corpus. */
  readonly data: string | null
  readonly tokenizer: string
  readonly target?: string | undefined
  readonly threads?: number | undefined
}

/**
 * The configuration of a sweep over a pattern. With bytes as tokens, the vocabulary is theirs unless the pattern says another.
 * @throws HeddleError `param-invalid`
 */
export function sweepConfig(given: ArchSpec, request: SweepRequest): SweepConfig {
  const { depths, budgets, data, tokenizer, target, threads } = request
  const pattern = { ...given, model: { ...(tokenizer === 'bytes' && { vocabSize: 257 }), ...given.model } }
  const values = resolveParams(SWEEP_PARAMS, request.params, { dModel: 0 }, 'params')
  const { steps, trainBatch, seqLen, validationTokens, seed, budgetMs, ...rest } = values
  const { spec: _spec, ...train } = parseTrainConfig({
    spec: pattern,
    data: { kind: 'corpus', path: data, tokenizer },
    run: { steps, batchSize: trainBatch, seqLen, validationTokens, seed, validationEvery: steps },
    ...(target !== undefined && { target }),
    ...(threads !== undefined && { threads }),
  })
  return { ...rest, pattern, train, depths, budgets, latencyBudgetMs: budgetMs }
}
