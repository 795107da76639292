// How far a short run can be trusted to rank architectures: at each checkpoint, agreement of the metric so far with the
// final metric and with task scores, beside what costs nothing (counts of parameters, FLOPs, state) and beside the agreement
// of seeds with each other, which no proxy can be expected to beat.

import { check } from '../check.ts'
import type { Direction } from '../direction.ts'
import { regret, topKRecall } from '../proxy.ts'
import { rankCorrelation } from '../rank-ci.ts'
import type { RankCorrelation, RankCorrelationOptions } from '../rank-ci.ts'
import { finish, settleSteps } from '../settle.ts'
import type { CurvePoint } from '../settle.ts'
import { finitePairs } from '../summary.ts'
import { meanCurve } from './replicates.ts'
import { noiseCeiling } from './ceiling.ts'
import type { NoiseCeiling } from './ceiling.ts'

/** One training seed of an architecture. */
export interface Replicate {
  /** The metric at the steps of the cheap run (or at the budgets of separately scheduled cheap runs). */
  readonly curve: readonly CurvePoint[]
  /** The metric at the end of the expensive run; NaN if it failed. */
  readonly final: number
}

/** One architecture. */
export interface TrustItem {
  readonly name: string
  /** One for each seed, at least one. */
  readonly replicates: readonly Replicate[]
  /** What is known without training, by name: parameters, FLOPs, state bytes. More is taken as better. */
  readonly baselines: Readonly<Record<string, number>>
  /** Task scores after the expensive run, by name. More is better. */
  readonly scores: Readonly<Record<string, number>>
}

export interface TrustOptions extends Omit<RankCorrelationOptions, 'statistic'> {
  /** Of the metric; default `minimise`. */
  readonly direction?: Direction | undefined
  /** Of the final metric where that is another one; default `direction`. */
  readonly finalDirection?: Direction | undefined
  /** Correlation at which ranks count as settled; default 0.9. */
  readonly threshold?: number | undefined
  /** Size of the selection that recall and regret judge; default a quarter of the items, at least 1. */
  readonly topK?: number | undefined
}

/** How well one cheap quantity ranks by one expensive one. Correlations are positive where both prefer the same items. */
export interface Judgement {
  readonly spearman: RankCorrelation
  readonly kendall: RankCorrelation
  /** Share of the true best k among the picked k; NaN with fewer than k usable items. */
  readonly recall: number
  /** Best expensive value lost by picking k with the cheap one, in its unit. */
  readonly regret: number
}

export interface CheckpointJudgement extends Judgement {
  readonly step: number
}

export interface BaselineJudgement extends Judgement {
  readonly name: string
}

/** Everything that is judged against one expensive quantity. */
export interface TrustTarget {
  /** `final` for the final metric, otherwise the name of a task score. */
  readonly target: string
  readonly checkpoints: readonly CheckpointJudgement[]
  /** First step from which Spearman stays at or above the threshold; absent if it never does. */
  readonly settledStep: number | undefined
  /** The same for the lower end of its interval. */
  readonly shownStep: number | undefined
  readonly baselines: readonly BaselineJudgement[]
}

export interface TrustPanel {
  readonly names: readonly string[]
  readonly topK: number
  readonly threshold: number
  /** Seeds of each architecture, the fewest. */
  readonly seeds: number
  /** The final metric first, then each task score that two or more items have. */
  readonly targets: readonly TrustTarget[]
  /** Agreement between seeds; absent with one seed. */
  readonly ceiling: NoiseCeiling | undefined
}

/**
 * Judges cheap metrics as proxies. Values of an architecture are means over its seeds; an architecture in which a seed has
 * no finite value at a step is left out of that step, and counted as dropped.
 * @throws HeddleError `param-invalid` with fewer than three items or an item without a replicate
 */
export function trustPanel(items: readonly TrustItem[], options: TrustOptions): TrustPanel {
  return finish(trustPanelSteps(items, options))
}

/** The same work with a pause after each judgement: one takes tens of milliseconds. */
export function* trustPanelSteps(items: readonly TrustItem[], options: TrustOptions): Generator<void, TrustPanel> {
  check(items.length >= 3, 'items', `rank correlations need at least 3 architectures, got ${items.length}`)
  for (const { name, replicates } of items) check(replicates.length > 0, 'items', `${name} has no run`)
  const {
    direction = 'minimise',
    finalDirection = direction,
    threshold = 0.9,
    topK = Math.max(1, Math.round(items.length / 4)),
    ...rest
  } = options
  check(
    Number.isInteger(topK) && topK >= 1 && topK <= items.length,
    'topK',
    `top k (${topK}) must be a whole number from 1 to the ${items.length} architectures`,
  )
  const sign = direction === 'maximise' ? -1 : 1
  const finalSign = finalDirection === 'maximise' ? -1 : 1
  const means = items.map(({ replicates }) => meanCurve(replicates))
  const curves = means.map(({ curve }) => curve.map(({ step, value }) => ({ step, value: sign * value })))
  const settings: Settings = { ...rest, threshold, topK }
  const costs = (name: string, of: 'baselines' | 'scores'): Float64Array =>
    Float64Array.from(items, (item) => -(item[of][name] ?? NaN))
  const baselines = namesOf(items, 'baselines').map((name): [string, Float64Array] => [name, costs(name, 'baselines')])
  const targets: [string, Float64Array][] = [
    ['final', Float64Array.from(means, ({ final }) => finalSign * final)],
    ...namesOf(items, 'scores').map((name): [string, Float64Array] => [name, costs(name, 'scores')]),
  ]
  const usable = targets.filter(([name, values]) => name === 'final' || values.filter(Number.isFinite).length >= 2)
  const judged: TrustTarget[] = []
  for (const [name, values] of usable) judged.push(yield* judgeTarget(name, values, curves, baselines, settings))
  return {
    names: items.map(({ name }) => name),
    topK,
    threshold,
    seeds: items.reduce((least, { replicates }) => Math.min(least, replicates.length), Infinity),
    targets: judged,
    ceiling: noiseCeiling(
      items.map(({ replicates }) => replicates.map(({ final }) => final)),
      rest,
    ),
  }
}

type Settings = Omit<TrustOptions, 'direction' | 'finalDirection' | 'threshold' | 'topK'> & {
  readonly threshold: number
  readonly topK: number
}

function namesOf(items: readonly TrustItem[], of: 'baselines' | 'scores'): string[] {
  return [...new Set(items.flatMap((item) => Object.keys(item[of])))]
}

/** All values are small-is-good. */
function* judgeTarget(
  target: string,
  values: Float64Array,
  curves: readonly (readonly CurvePoint[])[],
  baselines: readonly (readonly [string, Float64Array])[],
  settings: Settings,
): Generator<void, TrustTarget> {
  const settling = yield* settleSteps(curves, values, { ...settings, statistic: 'spearman' })
  const valueAt = curves.map((curve) => new Map(curve.map(({ step, value }) => [step, value])))
  const checkpoints: CheckpointJudgement[] = []
  for (const { step, ...spearman } of settling.checkpoints) {
    const cheap = Float64Array.from(valueAt, (at) => at.get(step) ?? NaN)
    checkpoints.push({ step, spearman, ...selection(cheap, values, settings) })
    yield
  }
  const free: BaselineJudgement[] = []
  for (const [name, cheap] of baselines) {
    const spearman = rankCorrelation(cheap, values, { ...settings, statistic: 'spearman' })
    free.push({ name, spearman, ...selection(cheap, values, settings) })
    yield
  }
  return { target, checkpoints, settledStep: settling.step, shownStep: settling.shownStep, baselines: free }
}

function selection(cheap: Float64Array, values: Float64Array, settings: Settings): Omit<Judgement, 'spearman'> {
  const { topK } = settings
  const isEnough = finitePairs(cheap, values).x.length >= topK
  return {
    kendall: rankCorrelation(cheap, values, { ...settings, statistic: 'kendall' }),
    recall: isEnough ? topKRecall(cheap, values, topK).value : NaN,
    regret: isEnough ? regret(cheap, values, topK).value : NaN,
  }
}
