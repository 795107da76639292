// What a report reads about searches: the studies of one space and goal side by side, what each reached after every
// trial under one reference point, their finalists, and the line of their winners.

import { HeddleError } from '#core/errors.ts'
import { canonicalJson, resolveSpec } from '#core/model/spec.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import { ancestorsOf, costsOf, meets, searcherOf, specOf } from '#core/search/index.ts'
import type { Goal, Trial } from '#core/search/index.ts'
import { hypervolumeOverTime, referencePoint } from '#core/stats/hypervolume.ts'
import { openSearch, readTrials } from '#main/api/search.ts'
import type { Study } from '#main/api/search.ts'
import { readFinalists, winnerOf } from '#main/api/search-run.ts'
import type { Finalist } from '#main/api/search-run.ts'
import type { Project } from '#main/store/db.ts'
import { listStudies } from '#main/store/studies.ts'

/** One search with what it found. */
export interface SearchRows {
  readonly study: Study
  readonly title: string
  readonly trials: readonly Trial[]
  /** Hypervolume of the trials that keep the constraints, after each trial. */
  readonly volume: readonly number[]
  /** The best trial by the first objective that keeps the constraints. */
  readonly best: Trial | undefined
  readonly finalists: readonly Finalist[]
  readonly winner: Finalist | undefined
  /** From the founder to the winner, or to the best trial where nothing was measured. */
  readonly lineage: readonly Trial[]
}

/** Searches that can be compared: of one space and one goal. */
export interface SearchGroup {
  readonly goal: Goal
  readonly searches: readonly SearchRows[]
  /** Of the hypervolumes, in the order and units of the objectives; a bound where an objective has one. */
  readonly reference: readonly number[]
}

/** The searches of a project by space and goal; those without a finished trial, or that cannot be read, are left out. */
export function readSearches(project: Project): SearchGroup[] {
  const studies = listStudies(project, { kind: 'search' }).flatMap((row) => openOrNone(project, row.id))
  const groups = Map.groupBy(studies, ({ config, goal }) => canonicalJson([config.space, goal, config.evaluation]))
  return [...groups.values()].flatMap((group) => {
    const { goal } = group[0]!
    const read = group.map((study) => ({ study, trials: readTrials(project, study) }))
    const costs = read.flatMap(({ trials }) => trials.flatMap((trial) => pointOf(goal, trial) ?? []))
    if (costs.length === 0) return []
    const reference = referenceOf(goal, costs)
    return [
      { goal, reference: unsigned(goal, reference), searches: read.map((one) => rowsOf(project, one, reference)) },
    ]
  })
}

function openOrNone(project: Project, id: number): Study[] {
  try {
    return [openSearch(project, id)]
  } catch (error) {
    if (error instanceof HeddleError) return []
    throw error
  }
}

/** Costs of a trial that keeps the constraints. */
const pointOf = (goal: Goal, trial: Trial): [number[]] | undefined => {
  const costs = meets(goal.constraints, trial.metrics) ? costsOf(goal, trial) : undefined
  return costs && [costs]
}

/** Just beyond the worst trial, and at the bound of an objective that has one. */
function referenceOf({ objectives, constraints }: Goal, costs: readonly (readonly number[])[]): number[] {
  return referencePoint(costs).map((worst, axis) => {
    const { metric, direction } = objectives[axis]!
    const bound = constraints.find((c) => c.metric === metric)
    const limit = direction === 'minimise' ? bound?.max : bound?.min
    return limit === undefined ? worst : direction === 'minimise' ? limit : -limit
  })
}

const unsigned = ({ objectives }: Goal, costs: readonly number[]): number[] =>
  costs.map((cost, axis) => (objectives[axis]!.direction === 'minimise' ? cost : -cost))

function rowsOf(
  project: Project,
  { study, trials }: { readonly study: Study; readonly trials: readonly Trial[] },
  reference: readonly number[],
): SearchRows {
  const ended = trials.filter(({ state }) => state === 'done' || state === 'failed')
  const points = ended.map((trial) => pointOf(study.goal, trial)?.[0] ?? reference.map(() => Infinity))
  const best = ended
    .flatMap((trial) => (pointOf(study.goal, trial) ?? []).map((costs) => ({ trial, cost: costs[0]! })))
    .reduce<{ trial: Trial; cost: number } | undefined>(
      (a, b) => (a === undefined || b.cost < a.cost ? b : a),
      undefined,
    )
  const finalists = readFinalists(project, study, trials)
  const number = winnerOf(finalists, study)
  const winner = finalists.find(({ trial }) => trial.number === number)
  const end = winner?.trial ?? best?.trial
  return {
    study,
    title: searcherOf(study.config.searcher).title,
    trials,
    volume: [...hypervolumeOverTime(points, reference)],
    best: best?.trial,
    finalists,
    winner,
    lineage: end === undefined ? [] : ancestorsOf(trials, end.number),
  }
}

/** The stack of a trial. */
export const stackOf = ({ genome }: Trial, { plan }: Study): ResolvedSpec => resolveSpec(specOf(genome, plan.space))

/** Width and symbols of a stack, cut where it is deep: `128: m2 f a f`. */
export function shortName({ settings, blocks }: ResolvedSpec, most = 12): string {
  const symbols = blocks.slice(0, most).map(({ block }) => block.symbol)
  return `${settings.dModel}: ${symbols.join(' ')}${blocks.length > most ? ' ...' : ''}`
}
