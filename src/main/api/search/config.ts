// The configuration of a study out of what somebody asks for: defaults small enough for two cores, names of metrics that
// suit how latency is known, a population that suits the budget.

import { HeddleError } from '#core/errors.ts'
import { measuredOf, predictionOf } from '#core/metrics.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import { makeSpace, metricsOf, parseGoal, renameMetrics, searcherOf, searchers } from '#core/search/index.ts'
import type { Goal } from '#core/search/index.ts'
import { STUDY_PARAMS } from '#main/api/search.ts'
import type { SearchConfig } from '#main/api/search.ts'
import { parseEvaluation } from './evaluation.ts'
import type { Evaluation } from './evaluation.ts'

/** What a study is asked for; what is absent has a default. */
export interface SearchRequest {
  readonly searcher?: string | undefined
  /** Of the searcher. */
  readonly params?: ParamValues | undefined
  /** The space as JSON; by default a small one of at most eight blocks at two widths, on bytes. */
  readonly space?: Readonly<Record<string, unknown>> | undefined
  /** As `parseGoal` reads them. `tpotMs` and `ttftMs` mean the predicted ones where latencies are predicted. */
  readonly objectives?: readonly unknown[] | undefined
  readonly constraints?: readonly unknown[] | undefined
  /** Whether the width is the largest that keeps the target of decode latency, by the look-up table. */
  readonly isWidest?: boolean | undefined
  /** As `parseEvaluation` reads it. */
  readonly evaluation?: unknown
  /** Values of STUDY_PARAMS. */
  readonly budget?: Readonly<Record<string, unknown>> | undefined
}

const SMALL_SPACE = { dModels: [64, 128], maxBlocks: 8, model: { vocabSize: 257 } }
const OBJECTIVES = ['bitsPerByte', 'tpotMs'] as const

/**
 * The configuration of a study, checked.
 * @throws HeddleError `param-invalid`, `spec-invalid` or `usage` with the path of the offending value
 */
export function searchConfig(request: SearchRequest): SearchConfig {
  const { searcher = searchers[0]!.kind, objectives = OBJECTIVES, constraints = [], space = SMALL_SPACE } = request
  const budget = resolveParams(STUDY_PARAMS, request.budget, { dModel: 0 }, 'study')
  const evaluation = parseEvaluation(request.evaluation)
  const asked = parseGoal({ objectives, constraints })
  const goal =
    evaluation.latency === 'predicted' ? renameMetrics(asked, (metric) => predictionOf(metric)?.kind ?? metric) : asked
  checkGoal(goal, evaluation)
  const fitted = request.isWidest === true ? { ...space, widthTargetMs: decodeTarget(goal) } : space
  // checked now, before there is a table to choose widths by
  makeSpace(fitted, () => NaN)
  return {
    searcher,
    params: searcherParams(searcher, budget.trials, request.params),
    space: fitted,
    goal: { objectives: goal.objectives, constraints: goal.constraints },
    ...budget,
    evaluation: { ...evaluation },
  }
}

/**
 * Parameters of a searcher for a budget: unless given, a population is at most a third of the trials, so that a short
 * study evolves too, and a tournament at most half of the population.
 * @throws HeddleError `param-invalid`
 */
export function searcherParams(kind: string, trials: number, given: ParamValues = {}): ParamValues {
  const { params } = searcherOf(kind)
  const fitting: Record<string, number> = {}
  const fit = (name: string, most: number): number => {
    const param = params[name]
    if (param?.type !== 'integer') return most
    const value = Number(given[name] ?? Math.max(param.min, Math.min(Number(param.default), Math.floor(most))))
    fitting[name] = value
    return value
  }
  const population = fit('populationSize', trials / 3)
  fit('tournamentSize', population / 2)
  return resolveParams(params, { ...fitting, ...given }, { dModel: 0 }, 'params')
}

/**
 * Checks that a goal names measured latencies where they are measured, predicted ones where they are predicted.
 * @throws HeddleError `param-invalid`
 */
export function checkGoal(goal: Goal, { latency }: Pick<Evaluation, 'latency'>): void {
  for (const metric of metricsOf(goal)) {
    const isPrediction = measuredOf(metric) !== metric
    const isKnown = latency === 'measured' ? !isPrediction : predictionOf(metric) === undefined
    if (isKnown) continue
    throw new HeddleError('param-invalid', `${metric} is not known of trials whose latency is ${latency}`, {
      path: 'goal',
      hint: `use ${isPrediction ? measuredOf(metric) : predictionOf(metric)!.kind}, or another latency of the evaluation`,
    })
  }
}

function decodeTarget({ constraints }: Goal): number {
  const target = constraints.find(({ metric, max }) => measuredOf(metric) === 'tpotMs' && max !== undefined)?.max
  if (target === undefined)
    throw new HeddleError('usage', 'the largest width needs a target of decode latency', {
      path: 'goal.constraints',
      hint: 'bound tpotMs from above',
    })
  return target
}
