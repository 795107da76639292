// The search loop: propose, evaluate, store, tell. All that it knows is in the rows of the study, so it can be killed and
// resumed at any moment: trials in flight run again under their numbers, and what is proposed next does not change.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { integer, resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import {
  keyOf,
  makeSpace,
  nextNumber,
  parseGoal,
  proposeTrial,
  searcherOf,
  specOf,
  trialOf,
  trialsOf,
} from '#core/search/index.ts'
import type { Goal, Metrics, StudyPlan, Trial } from '#core/search/index.ts'
import { isFinished } from '#core/search/study/trial.ts'
import type { Project } from '#main/store/db.ts'
import { createStudy, getStudy, updateStudy } from '#main/store/studies.ts'
import { finishTrial, listTrials, startTrial, trialColumns } from '#main/store/trials.ts'
import { recordSpec } from './record.ts'
import { clearPauseRequest, isPauseRequested } from './search/pause.ts'
import { parseTable, tablePredictor } from './search/table.ts'
import type { FrozenTable } from './search/table.ts'

/** How much a study does; the rest of its configuration is the space, the goal, and what an evaluation takes. */
export const STUDY_PARAMS = {
  trials: integer({ doc: 'Trials of the study.', min: 1, max: 1_000_000, default: 24 }),
  parallel: integer({ doc: 'Evaluators that work at the same time.', min: 1, max: 64, default: 1 }),
  seed: integer({ doc: 'Seed of the proposals.', min: 0, max: 2 ** 31 - 1, default: 1 }),
} as const

export interface SearchConfig {
  readonly searcher: string
  readonly params: ParamValues
  readonly space: Readonly<Record<string, unknown>>
  readonly goal: Readonly<Record<string, unknown>>
  readonly trials: number
  readonly parallel: number
  readonly seed: number
  /** What `evaluate` needs to repeat a trial; kept with the study and not looked into here. */
  readonly evaluation: Readonly<Record<string, unknown>>
  /** The latencies by which widths are chosen and trials are predicted; the same as long as the study lasts. */
  readonly table?: FrozenTable
}

/** Metrics of one spec; rejects with a HeddleError, which fails the trial and not the study. */
export type Evaluate = (
  spec: ArchSpec,
  trial: { readonly id: number; readonly number: number; readonly study: number },
) => Promise<Metrics>

export interface SearchHandlers {
  readonly onTrial?: (trial: Trial) => void
  /** Ends the loop after the trials in flight; they count as cancelled when their evaluation rejects. */
  readonly signal?: AbortSignal
}

export interface Study {
  readonly id: number
  readonly plan: StudyPlan
  readonly goal: Goal
  readonly config: SearchConfig
}

const plain = (value: object): Record<string, never> => JSON.parse(JSON.stringify(value)) as Record<string, never>

/** Stores a study. Throws HeddleError for a space, goal or searcher that cannot be. */
export function createSearch(project: Project, name: string, config: SearchConfig): Study {
  const plan = planOf(config)
  const id = createStudy(project, {
    name,
    kind: 'search',
    searcher: config.searcher,
    config: plain(config),
    space: plain(config.space),
    objectives: plan.goal.objectives.map((o) => o.metric),
    seed: config.seed,
  })
  return { id, plan, goal: plan.goal, config }
}

/** A stored study, to resume, extend or read it. `trials` raises its budget. */
export function openSearch(project: Project, id: number, trials?: number): Study {
  const row = getStudy(project, id)
  if (row.kind !== 'search')
    throw new HeddleError('usage', `study ${id} is a ${row.kind}, not a search`, { path: 'study' })
  const stored = row.config as unknown as SearchConfig
  if (trials !== undefined && trials < stored.trials)
    throw new HeddleError('usage', `study ${id} has a budget of ${stored.trials} trials already`, { path: 'trials' })
  const config = { ...stored, trials: trials ?? stored.trials }
  if (trials !== undefined && !project.readonly) updateStudy(project, id, { config: plain(config) })
  const plan = planOf(config)
  return { id, plan, goal: plan.goal, config }
}

function planOf(config: SearchConfig): StudyPlan {
  const { trials, parallel, seed } = config
  resolveParams(STUDY_PARAMS, { trials, parallel, seed }, { dModel: 0 }, 'study')
  const table = parseTable(config.table)
  const predict = table?.conditions.tpotMs === undefined ? undefined : tablePredictor(table)
  return {
    searcher: searcherOf(config.searcher),
    params: config.params,
    space: makeSpace(config.space, predict && ((spec) => predict(spec).tpotMs!.ms)),
    goal: parseGoal(config.goal),
    seed,
    parallel,
  }
}

/** The trials of a study as searchers and plots see them, by number. */
export function readTrials(project: Project, { id, plan }: Study): Trial[] {
  return trialsOf(trialColumns(project, id), plan.space)
}

/** What a user may have added since the study began to run (`addTrial`). */
function storedTrial(project: Project, { id, plan }: Study, number: number): Trial | undefined {
  const [row] = listTrials(project, id, { number })
  return row && trialOf(row, plan.space)
}

/** The trials that a study is to have by now: each that is added raises it. */
export const budgetOf = (project: Project, study: number): number => Number(getStudy(project, study).config['trials'])

/** Nobody runs what an error left running: such trials run again under their numbers. */
function interruptTrials(project: Project, study: number): void {
  for (const { id } of listTrials(project, study, { state: 'running' }))
    finishTrial(project, id, { state: 'interrupted' })
}

/** Runs a study until its budget is used up or it is told to stop, here or by `requestPause`; returns its trials. */
export async function runSearch(
  project: Project,
  study: Study,
  evaluate: Evaluate,
  handlers: SearchHandlers = {},
): Promise<Trial[]> {
  const { id, plan, config } = study
  const inFlight = new Map<number, Promise<void>>()
  clearPauseRequest(project, id)
  updateStudy(project, id, { state: 'running', error: null })
  interruptTrials(project, id)
  const rows = new Map(readTrials(project, study).map((t) => [t.number, t]))
  const ids = new Map(listTrials(project, id).map((row) => [row.number, row.id]))

  const begin = (number: number): void => {
    const known = rows.get(number) ?? storedTrial(project, study, number)
    const proposal =
      known === undefined
        ? proposeTrial(plan, [...rows.values()], number)
        : { ...known, spec: specOf(known.genome, plan.space) }
    if (proposal === undefined) throw new Error(`trial ${number} was to start before those that it must see had ended`)
    const { spec, genome, parents, mutation } = proposal
    const hash = recordSpec(project, spec)
    const trial = startTrial(project, {
      study: id,
      number,
      spec: hash,
      parent: parents[0] === undefined ? null : (ids.get(parents[0]) ?? null),
      mutation: plain({ genome, parents, mutation }),
    })
    ids.set(number, trial)
    put({ number, genome, key: keyOf(genome, plan.space), parents, mutation, state: 'running', metrics: {} })
    inFlight.set(
      number,
      run(trial, number, spec).finally(() => inFlight.delete(number)),
    )
  }
  const put = (trial: Trial): void => {
    rows.set(trial.number, trial)
    handlers.onTrial?.(trial)
  }
  const run = async (trial: number, number: number, spec: ArchSpec): Promise<void> => {
    try {
      const metrics = await evaluate(spec, { id: trial, number, study: id })
      finishTrial(project, trial, { state: 'done', metrics })
      put({ ...rows.get(number)!, state: 'done', metrics })
    } catch (error) {
      // that the project cannot be written says nothing of the stack: the search ends, and this trial runs again
      if (!(error instanceof HeddleError) || error.code.startsWith('store-')) throw error
      const state = error.code === 'job-cancelled' ? 'cancelled' : 'failed'
      finishTrial(project, trial, { state, error: errorRecord(error) })
      put({ ...rows.get(number)!, state })
    }
  }

  try {
    for (;;) {
      const isStopping = handlers.signal?.aborted === true || isPauseRequested(project, id)
      const number = isStopping ? undefined : nextNumber([...rows.values()], budgetOf(project, id), config.parallel)
      if (number !== undefined) begin(number)
      else if (inFlight.size > 0) await Promise.race(inFlight.values())
      else break
    }
  } finally {
    // after an error too: nothing of this search goes on when it has ended
    await Promise.allSettled(inFlight.values())
  }
  clearPauseRequest(project, id)
  const isDone = [...rows.values()].filter(isFinished).length >= budgetOf(project, id)
  updateStudy(project, id, { state: isDone ? 'done' : 'paused' })
  return [...rows.values()].sort((a, b) => a.number - b.number)
}
