// What a study wants: metrics to improve, in order of importance, and bounds to keep. Inside, small is good everywhere.

import { measuredOf, metricOf, metrics as knownMetrics } from '../../metrics.ts'
import { show } from '../../params.ts'
import type { Direction } from '../../stats/direction.ts'
import { listFrom, numberFrom, objectFrom, refuse, textFrom, wordFrom } from '../space/json.ts'
import type { Metrics, Trial } from './trial.ts'

/** A metric to improve. */
export interface Objective {
  readonly metric: string
  readonly direction: Direction
}

/** Bounds that a metric must keep, in its unit; at least one of the two. */
export interface Constraint {
  readonly metric: string
  readonly max?: number
  readonly min?: number
}

/** Plain JSON, stored with the study. */
export interface Goal {
  /** At least one. Searchers of one objective use the first; the front is over all. */
  readonly objectives: readonly Objective[]
  readonly constraints: readonly Constraint[]
}

const MAX_OBJECTIVES = 4
const MAX_CONSTRAINTS = 16

/**
 * Reads `{objectives: ['valLoss', {metric: 'tpotMs'}], constraints: [{metric: 'tpotMs', max: 2}]}`. The direction of a
 * metric is that of core/metrics; a metric without one needs `direction`.
 * @throws HeddleError `param-invalid` with the path of the offending value: `goal.constraints[0].max`.
 */
export function parseGoal(json: unknown, path = 'goal'): Goal {
  const fields = objectFrom(json, ['objectives', 'constraints'], path)
  const objectives = listFrom(fields['objectives'], 1, MAX_OBJECTIVES, `${path}.objectives`).map((item, i) =>
    parseObjective(item, `${path}.objectives[${i}]`),
  )
  const twice = objectives.findIndex(({ metric }, i) => objectives.findIndex((other) => other.metric === metric) < i)
  if (twice >= 0) refuse(`${path}.objectives[${twice}]`, `${objectives[twice]!.metric} is an objective already`)
  const constraints = listFrom(fields['constraints'] ?? [], 0, MAX_CONSTRAINTS, `${path}.constraints`).map((item, i) =>
    parseConstraint(item, `${path}.constraints[${i}]`),
  )
  return { objectives, constraints }
}

function parseObjective(json: unknown, path: string): Objective {
  const fields = objectFrom(typeof json === 'string' ? { metric: json } : json, ['metric', 'direction'], path)
  const metric = metricFrom(fields['metric'], `${path}.metric`)
  const better = metricOf(metric)?.better
  const given = fields['direction'] ?? (better && (better === 'lower' ? 'minimise' : 'maximise'))
  if (given === undefined)
    refuse(path, `${metric} is neither better low nor high: say which`, 'give direction: minimise or maximise')
  return { metric, direction: wordFrom(given, ['minimise', 'maximise'], `${path}.direction`) }
}

function parseConstraint(json: unknown, path: string): Constraint {
  const fields = objectFrom(json, ['metric', 'max', 'min'], path)
  const metric = metricFrom(fields['metric'], `${path}.metric`)
  const bound = (name: 'min' | 'max'): number | undefined =>
    fields[name] === undefined ? undefined : numberFrom(fields[name], `${path}.${name}`)
  const min = bound('min')
  const max = bound('max')
  if (min === undefined && max === undefined) refuse(path, `a constraint on ${metric} needs min or max`)
  if (min !== undefined && max !== undefined && min > max) refuse(path, `min (${min}) must not exceed max (${max})`)
  return { metric, ...(max !== undefined && { max }), ...(min !== undefined && { min }) }
}

function metricFrom(json: unknown, path: string): string {
  const metric = textFrom(json, path)
  if (metricOf(metric) === undefined)
    refuse(path, `unknown metric ${show(metric)}`, `known metrics: ${knownMetrics.map(({ kind }) => kind).join(', ')}`)
  return metric
}

/** The same goal with every metric under the name that `rename` gives it. */
export const renameMetrics = ({ objectives, constraints }: Goal, rename: (metric: string) => string): Goal => ({
  objectives: objectives.map((o) => ({ ...o, metric: rename(o.metric) })),
  constraints: constraints.map((c) => ({ ...c, metric: rename(c.metric) })),
})

/** A goal over predicted metrics as one over what they predict. */
export const measuredGoal = (goal: Goal): Goal => renameMetrics(goal, measuredOf)

/** Names of the metrics that a goal looks at. */
export const metricsOf = ({ objectives, constraints }: Goal): ReadonlySet<string> =>
  new Set([...objectives, ...constraints].map(({ metric }) => metric))

/** The number that a metric of core/metrics has; NaN where it is missing. */
export const metricValue = (metrics: Metrics, metric: string): number => metrics[metric] ?? NaN

/** The objectives' values as they are, in order; NaN where missing. */
export const objectiveValues = (goal: Goal, metrics: Metrics): number[] =>
  goal.objectives.map(({ metric }) => metricValue(metrics, metric))

/** The directions of the objectives, as core/stats takes them. */
export const directionsOf = (goal: Goal): Direction[] => goal.objectives.map(({ direction }) => direction)

/** The objectives' values turned so that small is good; undefined for a trial that failed or lacks a finite value of one. */
export function costsOf(
  { objectives }: Goal,
  { state, metrics }: Pick<Trial, 'state' | 'metrics'>,
): number[] | undefined {
  if (state !== 'done') return undefined
  // a loop: long histories pass through here for every proposal
  const costs: number[] = []
  for (const { metric, direction } of objectives) {
    const value = metricValue(metrics, metric)
    if (!Number.isFinite(value)) return undefined
    costs.push(direction === 'minimise' ? value : -value)
  }
  return costs
}

/**
 * By how much metrics break the constraints: the sum of the excesses, each as a share of its bound's size (as it is,
 * for a bound of 0). 0 where all are met, infinite where a metric is missing or not finite.
 */
export function violation(constraints: readonly Constraint[], metrics: Metrics): number {
  let sum = 0
  for (const { metric, min, max } of constraints) {
    const value = metricValue(metrics, metric)
    if (!Number.isFinite(value)) return Infinity
    if (max !== undefined && value > max) sum += (value - max) / (Math.abs(max) || 1)
    if (min !== undefined && value < min) sum += (min - value) / (Math.abs(min) || 1)
  }
  return sum
}

/** Whether metrics keep every constraint. */
export const meets = (constraints: readonly Constraint[], metrics: Metrics): boolean =>
  violation(constraints, metrics) === 0
