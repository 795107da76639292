// What the board of a search shows, as numbers of its trials. Pure.

import { directionsOf, objectiveValues } from '#core/search/study/objectives.ts'
import { costsOf, meets, violation } from '#core/search/index.ts'
import type { Goal, MutationKind, Trial } from '#core/search/index.ts'
import { isFinished } from '#core/search/study/trial.ts'
import { hypervolumeOverTime, referencePoint } from '#core/stats/hypervolume.ts'
import { dominates } from '#core/stats/pareto.ts'

/** What became of one kind of change. */
export interface MutationCount {
  readonly kind: MutationKind
  /** Trials that it made, running ones included. */
  readonly proposed: number
  /** Those that ended with a result: they joined the population. */
  readonly accepted: number
  readonly failed: number
  /** Those that are better than their parent: by the constraints, then by the first objective. */
  readonly improved: number
}

/** Kinds of change, the most frequent first. */
export function countMutations(trials: readonly Trial[], goal: Goal): MutationCount[] {
  const first = { ...goal, objectives: goal.objectives.slice(0, 1) }
  const worths = new Map(trials.map((trial) => [trial.number, worthOf(trial, first)]))
  const byKind = new Map<MutationKind, { proposed: number; accepted: number; failed: number; improved: number }>()
  for (const trial of trials) {
    if (trial.mutation === null) continue
    const { kind } = trial.mutation
    let counts = byKind.get(kind)
    if (counts === undefined) byKind.set(kind, (counts = { proposed: 0, accepted: 0, failed: 0, improved: 0 }))
    counts.proposed++
    if (costsOf(goal, trial) !== undefined) counts.accepted++
    if (trial.state === 'failed') counts.failed++
    const parent = trial.parents[0] ?? -1
    if (worths.has(parent) && isWorthMore(worths.get(trial.number), worths.get(parent))) counts.improved++
  }
  return [...byKind]
    .map(([kind, counts]) => ({ kind, ...counts }))
    .sort((a, b) => b.proposed - a.proposed || (a.kind < b.kind ? -1 : 1))
}

interface Worth {
  readonly excess: number
  readonly cost: number
}

/** By the constraints and the first objective; undefined without a result. */
function worthOf(trial: Trial, goal: Goal): Worth | undefined {
  const cost = costsOf(goal, trial)?.[0]
  return cost === undefined ? undefined : { excess: violation(goal.constraints, trial.metrics), cost }
}

function isWorthMore(one: Worth | undefined, other: Worth | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined
  return one.excess === other.excess ? one.cost < other.cost : one.excess < other.excess
}

/** Whether a trial is better than another as aging evolution judges: by the constraints, then the first objective. */
export function isBetter(trial: Trial, other: Trial, goal: Goal): boolean {
  const first = { ...goal, objectives: goal.objectives.slice(0, 1) }
  return isWorthMore(worthOf(trial, first), worthOf(other, first))
}

/** What each ended trial is worth, in the order of their numbers: its objectives, not finite where it counts for nothing. */
export function pointsOf(trials: readonly Trial[], goal: Goal): number[][] {
  return trials
    .filter(isFinished)
    .toSorted((a, b) => a.number - b.number)
    .map(({ state, metrics }) =>
      state === 'done' && meets(goal.constraints, metrics)
        ? objectiveValues(goal, metrics)
        : goal.objectives.map(() => NaN),
    )
}

/**
 * Hypervolume after each trial of several studies of one goal, against one reference: a tenth of the range beyond the
 * worst of all. Undefined while no trial counts.
 */
export function reached(
  studies: readonly (readonly Trial[])[],
  goal: Goal,
): { readonly reference: readonly number[]; readonly curves: readonly Float64Array[] } | undefined {
  const directions = directionsOf(goal)
  const points = studies.map((trials) => pointsOf(trials, goal))
  const counted = points.flat().filter((point) => point.every(Number.isFinite))
  if (counted.length === 0) return undefined
  const reference = referencePoint(counted, directions)
  return { reference, curves: points.map((one) => hypervolumeOverTime(one, reference, directions)) }
}

/** Numbers of the trials that entered the front when they ended, which later ones may have pushed out again. */
export function frontEntries(trials: readonly Trial[], goal: Goal): ReadonlySet<number> {
  const entered = new Set<number>()
  let front: { readonly costs: readonly number[] }[] = []
  for (const trial of trials.filter(isFinished).toSorted((a, b) => a.number - b.number)) {
    const costs = meets(goal.constraints, trial.metrics) ? costsOf(goal, trial) : undefined
    if (costs === undefined) continue
    const isBehind = front.some((other) => dominates(other.costs, costs) || equal(other.costs, costs))
    if (isBehind) continue
    front = [...front.filter((other) => !dominates(costs, other.costs)), { costs }]
    entered.add(trial.number)
  }
  return entered
}

const equal = (a: readonly number[], b: readonly number[]): boolean => a.every((value, i) => value === b[i])

/** How many trials are in each state, and how many of the budget have ended. */
export function tally(trials: readonly Trial[]): Readonly<Record<Trial['state'] | 'ended', number>> {
  const counts = { running: 0, done: 0, failed: 0, cancelled: 0, interrupted: 0, ended: 0 }
  for (const trial of trials) {
    counts[trial.state]++
    if (isFinished(trial)) counts.ended++
  }
  return counts
}

/** Rows as CSV: numbers as they are, text in quotes where it needs them. */
export function toCsv(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown): string => {
    const text = value === null || value === undefined ? '' : String(value)
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\n')
}
