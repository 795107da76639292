// The finalists of a study: members of its front, measured once more whole and interleaved in one measurement, so that
// neither a lucky sample nor an error of the look-up table makes a winner.

import { measuredOf } from '#core/metrics.ts'
import { hashSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { costsOf, measuredGoal, meets, specOf, whatIf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import { runProfile } from '#main/api/profile.ts'
import type { Study } from '#main/api/search.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import type { Project } from '#main/store/db.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { listTrials } from '#main/store/trials.ts'
import { parseEvaluation } from './evaluation.ts'
import type { Evaluation } from './evaluation.ts'
import { conditionsOf, tablePredictor } from './table.ts'
import type { LatencyMetric } from './table.ts'

/** A median with the ends of its 95 % interval. */
export interface MeasuredLatency {
  readonly p50Ms: number
  readonly lowMs: number
  readonly highMs: number
}

export interface Finalist {
  readonly trial: Trial
  readonly spec: ArchSpec
  /** From the table of the study, where it has one. */
  readonly predicted: Readonly<Partial<Record<LatencyMetric, number>>>
  /** After the last trial; empty until then. */
  readonly measured: Readonly<Partial<Record<LatencyMetric, MeasuredLatency>>>
}

/** Seconds of the measurement for each finalist and phase. */
const SECONDS_EACH = 4

/**
 * The trials to measure again, the best by the first objective first: the front of those that keep the constraints;
 * where none does, the front of all. Of too many, the best and others spread evenly along the front.
 */
export function chooseFinalists(trials: readonly Trial[], { goal }: Study, most: number): Trial[] {
  const { front } = whatIf(trials, { goal })
  const numbers = front.length > 0 ? front : whatIf(trials, { goal: { ...goal, constraints: [] } }).front
  const count = Math.min(most, numbers.length)
  const places = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (numbers.length - 1)) / (count - 1)),
  )
  const byNumber = new Map(trials.map((trial) => [trial.number, trial]))
  return places.map((place) => byNumber.get(numbers[place]!)!)
}

/** Measures the finalists of a study in one measurement and stores it. Throws HeddleError as a profile does. */
export async function measureFinalists(
  runner: Runner,
  project: Project,
  study: Study,
  chosen: readonly Trial[],
  { onProgress, signal }: { readonly onProgress?: (event: ProgressEvent) => void; readonly signal?: AbortSignal } = {},
): Promise<void> {
  if (chosen.length === 0) return
  const evaluation = parseEvaluation(study.config.evaluation)
  const { profile } = evaluation
  const phases = phasesOf(study, evaluation)
  const options = {
    ...profile.options,
    phases: phases.length === 2 ? ('both' as const) : phases[0]!,
    maxSeconds: Math.max(profile.options.maxSeconds, SECONDS_EACH * chosen.length * phases.length),
  }
  const specs = chosen.map(({ genome }) => specOf(genome, study.plan.space))
  await runProfile(
    runner,
    { ...profile, options, specs },
    {
      project,
      ...(signal !== undefined && { signal }),
      onProgress: (event) => onProgress?.({ ...event, phase: `finalists: ${event.phase}` }),
    },
  )
}

/** The finalists of a study with what the project knows of them; runs nothing. */
export function readFinalists(project: Project, study: Study, trials: readonly Trial[]): Finalist[] {
  const evaluation = parseEvaluation(study.config.evaluation)
  const { table } = study.config
  const predict = table === undefined ? undefined : tablePredictor(table)
  const [last] = listTrials(project, study.id, { state: 'done', orderBy: 'change', descending: true, limit: 1 })
  const lastChange = last?.changedAt ?? 0
  return chooseFinalists(trials, study, evaluation.finalists).map((trial) => {
    const spec = specOf(trial.genome, study.plan.space)
    const predicted = Object.entries(predict?.(spec) ?? {}).map(([metric, { ms }]) => [metric, ms] as const)
    return {
      trial,
      spec,
      predicted: Object.fromEntries(predicted.filter(([, ms]) => Number.isFinite(ms))),
      measured: measuredSince(project, spec, evaluation, lastChange),
    }
  })
}

/** The latest whole measurement of a spec under the conditions of an evaluation, if it was taken after a time. */
function measuredSince(project: Project, spec: ArchSpec, evaluation: Evaluation, time: number): Finalist['measured'] {
  const { target } = evaluation.profile
  return Object.fromEntries(
    Object.entries(conditionsOf(evaluation)).flatMap(([metric, where]) => {
      const rows = listMeasurements(project, { spec: hashSpec(spec), target, ...where })
      const latest = rows.findLast((row) => row.createdAt > time)
      if (latest === undefined) return []
      const { p50Ms, lowMs, highMs } = latest
      return [[metric, { p50Ms, lowMs, highMs }]]
    }),
  )
}

/**
 * The finalist that is best by the first objective, later ones breaking ties, among those that keep the constraints,
 * all with measured latencies; undefined where none does.
 */
export function winnerOf(finalists: readonly Finalist[], study: Study): number | undefined {
  const goal = measuredGoal(study.goal)
  const best = finalists
    .map(({ trial, measured }) => {
      const p50s = Object.fromEntries(Object.entries(measured).map(([metric, { p50Ms }]) => [metric, p50Ms]))
      // under the names of what is measured; a prediction never stands in for a measurement
      const own = Object.entries(trial.metrics).filter(([metric]) => measuredOf(metric) === metric)
      const metrics = { ...Object.fromEntries(own), ...p50s }
      return { number: trial.number, metrics, costs: costsOf(goal, { state: trial.state, metrics }) }
    })
    .filter(({ metrics, costs }) => costs !== undefined && meets(goal.constraints, metrics))
    .sort((a, b) => compare(a.costs!, b.costs!))
  return best[0]?.number
}

function compare(a: readonly number[], b: readonly number[]): number {
  const axis = a.findIndex((cost, i) => cost !== b[i])
  return axis < 0 ? 0 : a[axis]! - b[axis]!
}

function phasesOf({ goal }: Study, { profile: { options } }: Evaluation): ('decode' | 'prefill')[] {
  const named = [...goal.objectives, ...goal.constraints].map(({ metric }) => measuredOf(metric))
  const wanted = new Set<'decode' | 'prefill'>(['decode'])
  if (named.includes('ttftMs') || options.phases !== 'decode') wanted.add('prefill')
  return [...wanted]
}
