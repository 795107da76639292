// The depth and width with the lowest predicted loss under a latency budget: the selection rule of section 3.1 of
// arXiv 2511.18890, with how sure the choice is.

import { check, checkLevel } from '../check.ts'
import { DEFAULT_LEVEL, percentileInterval, type Interval } from '../interval.ts'
import { predictLoss, type ScalingLaw } from './scaling-law.ts'

/** A measured shape of the family that the law describes. */
export interface LatencyCandidate {
  readonly depth: number
  readonly width: number
  /** Not finite where the measurement failed: such a candidate is never chosen. */
  readonly latencyMs: number
}

export interface LatencyOptimalInput {
  readonly candidates: readonly LatencyCandidate[]
  readonly budgetMs: number
  readonly law: ScalingLaw
  /** Laws fitted to resamples, from `scalingLawBands`; none: bounds are NaN, and the choice counts as certain. */
  readonly laws: readonly ScalingLaw[]
  /** Training tokens to predict for, where the law has a term for them. */
  readonly tokens?: number | undefined
  /** Level of confidence in (0, 1); default 0.95. */
  readonly level?: number | undefined
}

/** A candidate within the budget. */
export interface RankedCandidate extends LatencyCandidate {
  /** Index among the candidates given. */
  readonly index: number
  /** Predicted loss, over the laws. */
  readonly loss: Interval
  /** Share of the laws under which it has the lowest predicted loss. */
  readonly probability: number
}

export interface LatencyOptimal {
  /** The first of `ranking`; absent if no candidate is within the budget. */
  readonly chosen: RankedCandidate | undefined
  /** All candidates within the budget by predicted loss; of equal losses the faster first. */
  readonly ranking: readonly RankedCandidate[]
}

/**
 * Chooses among measured shapes. Latencies are taken as exact; the probability covers the law only.
 * Throws `sample-invalid` for a budget or latency that is not positive, and for sizes or tokens as `predictLoss` does.
 */
export function latencyOptimal(input: LatencyOptimalInput): LatencyOptimal {
  const { budgetMs, law, laws, tokens } = input
  check(budgetMs > 0, 'budgetMs', `budgetMs (${budgetMs}) must be positive`)
  input.candidates.forEach(({ latencyMs }, i) =>
    check(!(latencyMs <= 0), `candidates[${i}].latencyMs`, `latencyMs (${latencyMs}) must be positive`),
  )
  const level = checkLevel(input.level ?? DEFAULT_LEVEL)
  const feasible = input.candidates
    .map((candidate, index) => ({ ...candidate, index }))
    .filter((candidate) => candidate.latencyMs <= budgetMs && candidate.latencyMs < Infinity)
    // the faster first, so that the first minimum is the faster of equal losses
    .sort((a, b) => a.latencyMs - b.latencyMs || a.index - b.index)
  const lossesOf = (one: ScalingLaw): number[] =>
    feasible.map(({ depth, width }) => predictLoss(one, { depth, width, tokens }))

  const wins = new Float64Array(feasible.length)
  const resampled = laws.map(lossesOf)
  for (const losses of resampled) if (losses.length > 0) wins[losses.indexOf(Math.min(...losses))]!++
  const estimates = lossesOf(law)
  if (laws.length === 0 && feasible.length > 0) wins[estimates.indexOf(Math.min(...estimates))] = 1

  const ranking = feasible.map((candidate, i): RankedCandidate => {
    const loss = percentileInterval(
      estimates[i]!,
      resampled.map((losses) => losses[i]!),
      level,
    )
    return { ...candidate, loss, probability: wins[i]! / Math.max(1, laws.length) }
  })
  ranking.sort((a, b) => a.loss.estimate - b.loss.estimate)
  return { chosen: ranking[0], ranking }
}
