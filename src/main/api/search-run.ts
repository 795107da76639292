// A whole study: its look-up table, its trials on several evaluators, its finalists. The command line and the workbench
// call the same functions and only show what the handlers hear.

import { HeddleError } from '#core/errors.ts'
import { predictionOf } from '#core/metrics.ts'
import { metricsOf, parseGoal } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import { startRunner as startRealRunner } from '#main/runtime/link.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import type { Project } from '#main/store/db.ts'
import { evaluateStack } from './evaluate-stack.ts'
import { openLane } from './lane.ts'
import type { Lane } from './lane.ts'
import { budgetOf, createSearch, openSearch, readTrials, runSearch } from './search.ts'
import type { Evaluate, SearchConfig, Study } from './search.ts'
import { checkGoal } from './search/config.ts'
import { parseEvaluation } from './search/evaluation.ts'
import type { Evaluation } from './search/evaluation.ts'
import { chooseFinalists, measureFinalists, readFinalists, winnerOf } from './search/finalists.ts'
import type { Finalist } from './search/finalists.ts'
import { fillTable, tablePredictor } from './search/table.ts'
import type { LatencyMetric } from './search/table.ts'

export { searchConfig, searcherParams } from './search/config.ts'
export type { SearchRequest } from './search/config.ts'
export { EVALUATION_PARAMS, parseEvaluation, SMALL_RUN } from './search/evaluation.ts'
export type { Evaluation } from './search/evaluation.ts'
export { readFinalists, winnerOf } from './search/finalists.ts'
export type { Finalist, MeasuredLatency } from './search/finalists.ts'

export interface SearchRunHandlers {
  /** As soon as the study is stored. */
  readonly onStudy?: (study: Study) => void
  /** Each change of state of a trial. */
  readonly onTrial?: (trial: Trial, study: Study) => void
  readonly onProgress?: (event: ProgressEvent) => void
  readonly onFinalists?: (finalists: readonly Finalist[], study: Study) => void
  /** Cancels at once: trials in flight run again when the study goes on. */
  readonly signal?: AbortSignal
  /** Stops after the trials in flight. */
  readonly pause?: AbortSignal
  /** Where trials are evaluated; by default the runner process. They are closed at the end. */
  readonly startRunner?: () => Runner
  /** Keeps measurements alone beside other work of this process; a lane of the search's own without. */
  readonly lane?: Lane
}

export interface SearchOutcome {
  readonly study: Study
  readonly trials: readonly Trial[]
  readonly finalists: readonly Finalist[]
  /** Number of the best trial among the finalists that keep the constraints with measured latencies. */
  readonly winner: number | undefined
  readonly state: 'done' | 'paused'
}

/**
 * Makes a study and runs it. Its look-up table is filled first where trials are predicted or widths fitted to a target.
 * @throws HeddleError for a bad config, `job-cancelled` before the study is stored, `target-failed`
 */
export async function startStudy(
  project: Project,
  { name, config }: { readonly name: string; readonly config: SearchConfig },
  handlers: SearchRunHandlers = {},
): Promise<SearchOutcome> {
  const evaluation = parseEvaluation(config.evaluation)
  checkGoal(parseGoal(config.goal), evaluation)
  const crew = openCrew(handlers)
  try {
    const metrics = tabled(config, evaluation)
    const table =
      config.table ??
      (metrics.length === 0
        ? undefined
        : await crew.lane.exclusive(() =>
            fillTable(crew.first(), project, config.space, evaluation, metrics, handlers),
          ))
    const study = createSearch(project, name, {
      ...config,
      evaluation: { ...evaluation },
      ...(table !== undefined && { table }),
    })
    handlers.onStudy?.(study)
    return await run(project, study, handlers, crew)
  } finally {
    await crew.close()
  }
}

/**
 * Goes on with a study; `trials` raises its budget. One that is done measures its finalists unless they are measured.
 * @throws HeddleError `usage` where there is no such search
 */
export async function resumeStudy(
  project: Project,
  { study: id, trials }: { readonly study: number; readonly trials?: number },
  handlers: SearchRunHandlers = {},
): Promise<SearchOutcome> {
  const study = openSearch(project, id, trials)
  const crew = openCrew(handlers)
  try {
    handlers.onStudy?.(study)
    return await run(project, study, handlers, crew)
  } finally {
    await crew.close()
  }
}

async function run(project: Project, study: Study, handlers: SearchRunHandlers, crew: Crew): Promise<SearchOutcome> {
  const { signal, pause, onProgress } = handlers
  const evaluation = parseEvaluation(study.config.evaluation)
  const { table } = study.config
  const predict = table === undefined ? undefined : tablePredictor(table)
  const wanted = metricsOf(study.goal)
  const total = (): number => budgetOf(project, study.id)
  let done = readTrials(project, study).filter(hasEnded).length
  const tell = (): void => onProgress?.({ phase: 'search', done, total: total(), unit: 'trials' })
  tell()
  const stops = [signal, pause].filter((s) => s !== undefined)
  const evaluate: Evaluate = (spec, trial) =>
    crew.lend((runner) =>
      evaluateStack(runner, spec, {
        project,
        lane: crew.lane,
        evaluation,
        wanted,
        predict: evaluation.latency === 'predicted' ? predict : undefined,
        study: study.id,
        trial: trial.id,
        ...(signal !== undefined && { signal }),
      }),
    )
  const isStopped = (): boolean => stops.some(({ aborted }) => aborted)
  const stop = AbortSignal.any(stops)
  const onTrial = (trial: Trial): void => {
    handlers.onTrial?.(trial, study)
    if (!hasEnded(trial)) return
    done++
    tell()
  }
  let trials: readonly Trial[]
  let state: SearchOutcome['state']
  do {
    trials = await runSearch(project, study, evaluate, { signal: stop, onTrial })
    state = trials.filter(hasEnded).length >= total() ? 'done' : 'paused'
    if (state === 'done' && !isStopped()) await finish(project, study, trials, handlers, crew)
    // a stack that was added while finalists were measured is the next trial
  } while (state === 'done' && !isStopped() && total() > trials.length)
  const finalists = readFinalists(project, study, trials)
  handlers.onFinalists?.(finalists, study)
  return { study, trials, finalists, winner: winnerOf(finalists, study), state }
}

async function finish(
  project: Project,
  study: Study,
  trials: readonly Trial[],
  handlers: SearchRunHandlers,
  crew: Crew,
): Promise<void> {
  if (readFinalists(project, study, trials).every(({ measured }) => measured.tpotMs !== undefined)) return
  const { finalists } = parseEvaluation(study.config.evaluation)
  try {
    const chosen = chooseFinalists(trials, study, finalists)
    await crew.lane.exclusive(() => measureFinalists(crew.first(), project, study, chosen, handlers))
  } catch (error) {
    // the trials are whole: the study measures its finalists when it is resumed
    if (!(error instanceof HeddleError) || error.code !== 'job-cancelled') throw error
  }
}

const hasEnded = ({ state }: Trial): boolean => state === 'done' || state === 'failed'

/** Which latencies the study needs a table for. */
function tabled(config: SearchConfig, { latency }: Evaluation): LatencyMetric[] {
  const wanted = metricsOf(parseGoal(config.goal))
  const isPredicted = latency === 'predicted'
  return [
    ...(isPredicted || config.space['widthTargetMs'] !== undefined ? (['tpotMs'] as const) : []),
    ...(isPredicted && wanted.has(predictionOf('ttftMs')!.kind) ? (['ttftMs'] as const) : []),
  ]
}

/** Runner processes, started when they are needed and lent to one evaluation at a time. */
interface Crew {
  lend<T>(work: (runner: Runner) => Promise<T>): Promise<T>
  /** The first one, for work that needs no other. */
  first(): Runner
  readonly lane: Lane
  close(): Promise<void>
}

function openCrew({ startRunner = startRealRunner, lane = openLane() }: SearchRunHandlers): Crew {
  const all: Runner[] = []
  const idle: Runner[] = []
  const start = (): Runner => {
    const runner = startRunner()
    all.push(runner)
    return runner
  }
  return {
    async lend(work) {
      const runner = idle.shift() ?? start()
      try {
        return await work(runner)
      } finally {
        idle.push(runner)
      }
    },
    first() {
      if (all.length === 0) idle.push(start())
      return all[0]!
    },
    lane,
    async close() {
      for (const runner of all) await runner.close()
    },
  }
}
