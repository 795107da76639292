// A study runs its plan one training after another. What ended is in the project and is not repeated: the same settings find
// the same study, and a run with the same configuration counts wherever in the project it was made.

import { errorRecord, HeddleError } from '#core/errors.ts'
import { canonicalJson } from '#core/model/spec.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { Project } from '#main/store/db.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import type { RunRow } from '#main/store/runs.ts'
import { createStudy, listStudies, updateStudy } from '#main/store/studies.ts'
import { finishTrial, listTrials, startTrial } from '#main/store/trials.ts'
import type { TrialRow } from '#main/store/trials.ts'
import { recordSpec } from '../record.ts'
import { runTraining } from '../train.ts'
import type { TrainHandlers } from '../train.ts'
import type { PlannedRun, StudyPlan, StudySettings } from './plans.ts'

export interface StudyHandlers extends TrainHandlers {
  /** Before each run, also those that are found. */
  readonly onRun?: (
    run: PlannedRun,
    place: { readonly number: number; readonly total: number; readonly isFound: boolean },
  ) => void
}

const FINAL = ['valLoss', 'perplexity', 'bitsPerByte', 'accuracy', 'weightNorm'] as const

/**
 * Runs what is missing of a study; returns its number in the project.
 * @throws HeddleError `job-cancelled`, or what a run throws; the study can then be run again and goes on
 */
export async function runStudy(
  runner: Runner,
  project: Project,
  plan: StudyPlan,
  settings: StudySettings,
  handlers: StudyHandlers = {},
): Promise<number> {
  const planned = plan.runs(settings)
  const study = openStudy(project, plan, settings, planned)
  try {
    for (const [number, run] of planned.entries()) {
      if (handlers.signal?.aborted === true)
        throw new HeddleError('job-cancelled', `cancelled before run ${number + 1} of ${planned.length}`)
      await runOne(runner, project, study, number, planned.length, run, handlers)
    }
    updateStudy(project, study, { state: 'done', error: null })
    return study
  } catch (error) {
    const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
    updateStudy(project, study, { state: isCancelled ? 'cancelled' : 'failed', error: errorRecord(error) })
    throw error
  }
}

function openStudy(project: Project, plan: StudyPlan, settings: StudySettings, planned: readonly PlannedRun[]): number {
  const config = plain({ settings, runs: planned.map(({ row, column, seed }) => ({ row, column, seed })) })
  const known = listStudies(project, { kind: plan.kind }).find(
    (row) => canonicalJson(row.config) === canonicalJson(config),
  )
  if (known === undefined) return createStudy(project, { name: plan.title, kind: plan.kind, config, seed: 1 })
  updateStudy(project, known.id, { state: 'running', error: null })
  return known.id
}

async function runOne(
  runner: Runner,
  project: Project,
  study: number,
  number: number,
  total: number,
  planned: PlannedRun,
  handlers: StudyHandlers,
): Promise<void> {
  const { config } = planned
  const known = trialOf(project, study, number)
  const isOver = known?.state === 'done' || known?.state === 'failed'
  const found = isOver ? undefined : finishedRun(project, config)
  handlers.onRun?.(planned, { number, total, isFound: isOver || found !== undefined })
  if (isOver) return
  const trial = startTrial(project, { study, number, spec: recordSpec(project, config.spec) })
  if (found !== undefined) return finishTrial(project, trial, { state: 'done', metrics: finalOf(project, found.id) })
  try {
    const name = `${planned.row}, ${planned.column}, seed ${planned.seed}`
    const outcome = await runTraining(runner, { project, config, name, study, trial }, handlers)
    const { run, state, error } = outcome
    if (state === 'cancelled') throw new HeddleError('job-cancelled', error?.message ?? 'cancelled')
    finishTrial(project, trial, {
      state,
      metrics: { ...finalOf(project, run!), tokensPerSecond: outcome.tokensPerSecond },
      ...(error !== undefined && { error }),
    })
  } catch (error) {
    // neither is an outcome of the configuration: the trial may run again
    if (trialOf(project, study, number)?.state === 'running')
      finishTrial(project, trial, {
        state: error instanceof HeddleError && error.code === 'job-cancelled' ? 'cancelled' : 'interrupted',
        error: errorRecord(error),
      })
    throw error
  }
}

function trialOf(project: Project, study: number, number: number): TrialRow | undefined {
  return listTrials(project, study, { offset: number, limit: 1 })[0]
}

/** A run of the project that was made with the same configuration and ended well. */
function finishedRun(project: Project, config: TrainConfig): RunRow | undefined {
  const wanted = canonicalJson(plain(config))
  return listRuns(project, { state: 'done' }).find((run) => canonicalJson(run.config) === wanted)
}

/** The number of the run and its last metrics, as metrics of a trial. */
function finalOf(project: Project, run: number): Record<string, number> {
  const values = FINAL.flatMap((metric) => {
    const last = readCurve(project, run, metric, { latest: true }).values.at(-1)
    return last === undefined ? [] : [[metric, last] as const]
  })
  return { run, ...Object.fromEntries(values) }
}

function plain(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>
}
