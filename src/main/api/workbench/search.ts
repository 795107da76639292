// Searches: what a new one can be made of, its life as a job, and what its trials stand on.

import { HeddleError } from '#core/errors.ts'
import { predictionOf } from '#core/metrics.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import { makeSpace, parseGoal, searcherOf } from '#core/search/index.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'
import { PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listLut } from '#main/store/lut.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { listRuns } from '#main/store/runs.ts'
import { getStudy } from '#main/store/studies.ts'
import { listTrials, trialColumns } from '#main/store/trials.ts'
import { openSearch, readTrials, STUDY_PARAMS } from '../search.ts'
import type { SearchConfig, Study } from '../search.ts'
import { addTrial } from '../search/add-trial.ts'
import { parseEvaluation } from '../search/evaluation.ts'
import { requestPause } from '../search/pause.ts'
import { conditionsOf, tableOfProject } from '../search/table.ts'
import type { FrozenTable } from '../search/table.ts'
import { EVALUATION_PARAMS, readFinalists, resumeStudy, searcherParams, startStudy, winnerOf } from '../search-run.ts'
import type { SearchOutcome, SearchRunHandlers } from '../search-run.ts'
import { call } from './door.ts'
import type { Context } from './context.ts'
import type { JobHandle, JobRow } from './jobs.ts'
import { ownData } from './library.ts'
import type { Library } from './library.ts'
import { integer, object, optional, text } from './readers.ts'

type Json = Readonly<Record<string, unknown>>

const study = integer(1)

export const search = {
  /** Schemas of the forms of a new search, and what an evaluation takes unless told otherwise. */
  forms: call({}, () => ({
    study: STUDY_PARAMS,
    evaluation: EVALUATION_PARAMS,
    profile: PROFILE_PARAMS,
    defaults: parseEvaluation({}),
  })),
  /** Checks a configuration and fills in what it leaves open; nothing is stored. */
  check: call({ config: object }, ({ library }, { config }) => completed(library, config)),
  /** Makes a search and runs it: its trials arrive as events. */
  start: call({ name: text(), config: object }, async (context, { name, config: json }) => {
    const project = context.writable()
    const config = await completed(context.library, json)
    return startJob(context, project, name, (handlers) => startStudy(project, { name, config }, handlers))
  }),
  /** Goes on with a search; `trials` raises its budget. */
  resume: call({ study, trials: optional(integer(1, 1_000_000)) }, (context, { study: id, trials }) => {
    const project = idleProject(context, id)
    checkBudget(project, id, trials)
    return goOn(context, project, { study: id, ...(trials !== undefined && { trials }) })
  }),
  /** Makes a stack the next trial of a search, and goes on with it; one that runs takes it as its next proposal. */
  add: call({ study, spec: object }, (context, { study: id, spec }) => {
    const project = context.writable()
    const trial = addTrial(project, id, spec)
    const running = jobOf(context, id)
    if (running === undefined) return { trial: trial.number, job: goOn(context, project, { study: id }) }
    context.emit({ type: 'changed', table: 'studies' })
    context.emit({ type: 'trial', study: id, trial, problem: null })
    return { trial: trial.number, job: running }
  }),
  /** Stops a search after the trials in flight, wherever it runs. */
  pause: call({ study }, (context, { study: id }) => {
    const job = jobOf(context, id)
    if (job !== undefined) context.jobs.pause(job.id)
    else requestPause(context.project(), id)
  }),
  /** Stops a search at once; trials in flight run again when it goes on. */
  cancel: call({ study }, (context, { study: id }) => {
    const job = jobOf(context, id)
    if (job === undefined) throw new HeddleError('usage', `study ${id} is not running here`, { path: 'study' })
    context.jobs.cancel(job.id)
  }),
  /** The trials of a search by number, or those from a number on and before another, for `trialsOf`. */
  trials: call({ study, from: optional(integer()), end: optional(integer()) }, (context, { study: id, from, end }) =>
    trialColumns(context.project(), id, { ...(from !== undefined && { from }), ...(end !== undefined && { end }) }),
  ),
  /** The best trials with what was measured of them whole, after the last one. */
  finalists: call({ study }, (context, { study: id }) => {
    const project = context.project()
    const opened = openSearch(project, id)
    const finalists = readFinalists(project, opened, readTrials(project, opened))
    return {
      finalists: finalists.map(({ trial, predicted, measured }) => ({ number: trial.number, predicted, measured })),
      winner: winnerOf(finalists, opened) ?? null,
    }
  }),
  /** The measurements behind the latencies of its trials: interval, count and place of each. */
  latencies: call({ study, trial: optional(integer()) }, (context, { study: id, trial }) =>
    latenciesOf(context.project(), id, trial),
  ),
  /** Look-up tables that can answer for a search, of this project or of another one of the library. */
  tables: call({ study, path: optional(text(4096)) }, (context, { study: id, path }) => {
    const { evaluation, goal } = openSearch(context.project(), id).config
    const conditions = latencyConditions(evaluation, goal)
    if (path === undefined) return tablesOf(context.project(), conditions)
    const other = openProject(context.library.resolve(path), { readonly: true })
    try {
      return tablesOf(other, conditions)
    } finally {
      closeProject(other)
    }
  }),
}

const CONFIG_FIELDS = ['searcher', 'params', 'space', 'goal', 'trials', 'parallel', 'seed', 'evaluation']

/** A configuration with everything that it leaves open. Throws HeddleError for what cannot be. */
async function completed(library: Library, json: Json): Promise<SearchConfig> {
  const unknown = Object.keys(json).find((key) => !CONFIG_FIELDS.includes(key))
  if (unknown !== undefined)
    throw new HeddleError('param-invalid', `a search has no ${unknown.slice(0, 80)}`, { path: 'config' })
  const { searcher, trials, parallel, seed } = json
  const budget = resolveParams(STUDY_PARAMS, { trials, parallel, seed }, { dModel: 0 }, 'study')
  const { kind } = searcherOf(String(searcher).slice(0, 80))
  const given = parseEvaluation(json['evaluation'])
  const train = { ...given.train, data: ownData(library, given.train.data) }
  const evaluation = { ...given, train }
  const goal = object(json['goal'], 'goal')
  parseGoal(goal)
  const space = await withVocabulary(object(json['space'] ?? {}, 'space'), evaluation.train.data)
  // widths are fitted once the table is there: any latency will do to check the rest
  makeSpace(space, () => 0)
  const params = object(json['params'] ?? {}, 'params') as ParamValues
  return {
    searcher: kind,
    params: searcherParams(kind, budget.trials, params),
    space,
    goal,
    ...budget,
    evaluation: { ...evaluation },
  }
}

/** A space whose stacks know the tokens of their corpus, unless it says how many there are. */
async function withVocabulary(space: Json, data: ReturnType<typeof parseEvaluation>['train']['data']): Promise<Json> {
  const model = object(space['model'] ?? {}, 'space.model')
  if (data.kind !== 'corpus' || model['vocabSize'] !== undefined) return space
  const { vocabSize } = await loadTokenizer(data.tokenizer)
  return { ...space, model: { ...model, vocabSize } }
}

const jobOf = (context: Context, id: number): JobRow | undefined =>
  context.jobs.list().find((job) => job.state === 'running' && job.kind === 'search' && job.subject.study === id)

/** The project, to go on with a search in it that does not run. */
function idleProject(context: Context, id: number): Project {
  if (jobOf(context, id) !== undefined)
    throw new HeddleError('usage', `study ${id} is running`, { path: 'study', hint: 'pause it, or wait for its end' })
  return context.writable()
}

function goOn(context: Context, project: Project, request: { study: number; trials?: number }): JobRow {
  const { name, config } = getStudy(project, request.study)
  // a project from elsewhere may name any file
  ownData(context.library, parseEvaluation(config['evaluation']).train.data)
  return startJob(context, project, name, (handlers) => resumeStudy(project, request, handlers), request.study)
}

/** Refuses what cannot be resumed before a job begins. */
function checkBudget(project: Project, id: number, trials: number | undefined): void {
  const { config } = openSearch(project, id)
  if (trials !== undefined && trials < config.trials)
    throw new HeddleError('usage', `study ${id} has a budget of ${config.trials} trials already`, { path: 'trials' })
}

function startJob(
  context: Context,
  project: Project,
  name: string,
  run: (handlers: SearchRunHandlers) => Promise<SearchOutcome>,
  id?: number,
): JobRow {
  const changed = (): void => context.emit({ type: 'changed', table: 'studies' })
  const about = {
    kind: 'search',
    title: name,
    canPause: true,
    ...(id !== undefined && { subject: { study: id } }),
  } as const
  return context.jobs.start(about, async (handle) => {
    try {
      const outcome = await run(handlersOf(context, project, handle))
      if (handle.signal.aborted)
        throw new HeddleError('job-cancelled', `study ${outcome.study.id} was stopped`, { hint: 'it can be resumed' })
      return outcomeText(outcome)
    } finally {
      changed()
      for (const table of ['measurements', 'lut'] as const) context.emit({ type: 'changed', table })
    }
  })
}

function handlersOf(context: Context, project: Project, handle: JobHandle): SearchRunHandlers {
  return {
    signal: handle.signal,
    pause: handle.pause,
    lane: context.lane,
    startRunner: context.startRunner,
    onProgress: handle.onProgress,
    onStudy({ id }) {
      handle.refer({ study: id })
      context.emit({ type: 'changed', table: 'studies' })
    },
    onTrial(trial, { id }) {
      const isEnded = trial.state !== 'running'
      const [row] = isEnded ? listTrials(project, id, { number: trial.number }) : []
      context.emit({ type: 'trial', study: id, trial, problem: row?.error?.message ?? null })
      if (row === undefined) return
      for (const one of listRuns(project, { trial: row.id })) context.emit({ type: 'run', run: one })
      handle.note(`trial ${trial.number}: ${row.error?.message ?? trial.state}`)
    },
  }
}

function outcomeText({ trials, winner, state }: SearchOutcome): string {
  const done = trials.filter((trial) => trial.state === 'done').length
  const failed = trials.filter((trial) => trial.state === 'failed').length
  const counts = `${done} trials done${failed > 0 ? `, ${failed} failed` : ''}`
  if (state === 'paused') return `paused: ${counts}`
  return winner === undefined ? counts : `${counts}; trial ${winner} is the best that keeps the target`
}

/** Where one latency of a trial comes from. */
export interface TrialLatency {
  readonly trial: number
  readonly metric: 'tpotMs' | 'ttftMs'
  readonly p50Ms: number
  readonly lowMs: number
  readonly highMs: number
  readonly samples: number
  readonly environment: string
}

function latenciesOf(project: Project, id: number, only: number | undefined): TrialLatency[] {
  const { config }: Study = openSearch(project, id)
  const evaluation = parseEvaluation(config.evaluation)
  const { target } = evaluation.profile
  const trials = listTrials(project, id, { state: 'done', ...(only !== undefined && { number: only }) })
  return Object.entries(conditionsOf(evaluation)).flatMap(([name, { phase, batch, context }]) => {
    const metric = name as TrialLatency['metric']
    const where = { target, phase, batch, context }
    const spec = only === undefined ? {} : { spec: trials[0]?.spec ?? '' }
    const bySpec = Map.groupBy(listMeasurements(project, { ...where, ...spec }), (row) => row.spec)
    return trials.flatMap((trial): TrialLatency[] => {
      // the measurement whose median the trial has: later ones of the same stack are not its own
      const own = bySpec.get(trial.spec)?.find((row) => row.p50Ms === trial.metrics?.[metric])
      if (own === undefined) return []
      const { p50Ms, lowMs, highMs, environment, samples } = own
      return [{ trial: trial.number, metric, p50Ms, lowMs, highMs, samples: samples.length, environment }]
    })
  })
}

/** Where a table must hold to answer for a search: the latencies that its goal looks at, decode where it looks at none. */
function latencyConditions(evaluation: Json, goal: Json): FrozenTable['conditions'] {
  const { objectives, constraints } = parseGoal(goal)
  const named = new Set([...objectives, ...constraints].map(({ metric }) => metric))
  const all = conditionsOf(parseEvaluation(evaluation))
  const wanted = Object.entries(all).filter(([metric]) => named.has(metric) || named.has(predictionOf(metric)!.kind))
  return wanted.length > 0 ? Object.fromEntries(wanted) : { tpotMs: all.tpotMs }
}

function tablesOf(project: Project, conditions: FrozenTable['conditions']): FrozenTable[] {
  const environments = new Set(listLut(project).map((row) => row.environment))
  return [...environments].flatMap((environment) => {
    try {
      return [tableOfProject(project, conditions, environment)]
    } catch (error) {
      // a place that lacks one of the latencies, or has them twice, cannot answer
      if (error instanceof HeddleError && error.code === 'usage') return []
      throw error
    }
  })
}
