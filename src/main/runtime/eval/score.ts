// Scores out of log likelihoods, by the definitions of lm-evaluation-harness.

import { rng } from '#core/rng.ts'
import { mean, standardDeviation } from '#core/stats/summary.ts'
import type { EvalMetric, EvalTask, Example } from './task.ts'

/** What a model says of a continuation. */
export interface Likelihood {
  /** Sum of the log probabilities of its tokens, in nats. */
  readonly logLikelihood: number
  /** Whether each of its tokens is the likeliest one. */
  readonly isGreedy: boolean
}

export interface Score {
  readonly metric: EvalMetric
  readonly value: number
  /** Standard error; NaN for a single question. */
  readonly standardError: number
}

const BOOTSTRAP = 1000

/** Index of the largest value, the first of equal ones. */
export function argMax(values: readonly number[]): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Whether the likeliest choice is right: raw, and with likelihoods divided by the number of characters of the choices. */
export function judgeChoice(
  { gold, lengths }: Pick<Example, 'gold' | 'lengths'>,
  logLikelihoods: readonly number[],
): { readonly acc: boolean; readonly accNorm: boolean } {
  return {
    acc: argMax(logLikelihoods) === gold,
    accNorm: argMax(logLikelihoods.map((value, i) => value / lengths[i]!)) === gold,
  }
}

/**
 * The scores of a task. `answers[i]` are the likelihoods of the requests of example i.
 * Accuracies have the standard error of a mean; perplexity, exp of the negative mean, that of 1,000 bootstrap resamples.
 */
export function scoreTask(
  task: EvalTask,
  examples: readonly Example[],
  answers: readonly (readonly Likelihood[])[],
): Score[] {
  const judged = examples.map((example, i) => {
    const { acc, accNorm } = judgeChoice(
      example,
      answers[i]!.map((a) => a.logLikelihood),
    )
    const isRight = task.scoring === 'greedy' ? answers[i]![0]!.isGreedy : acc
    return { acc: Number(isRight), acc_norm: Number(accNorm), perplexity: answers[i]![0]!.logLikelihood }
  })
  return task.metrics.map((metric) => {
    const values = judged.map((each) => each[metric])
    if (metric === 'perplexity')
      return { metric, value: perplexity(values), standardError: bootstrapError(values, perplexity) }
    return { metric, value: mean(values), standardError: standardDeviation(values) / Math.sqrt(values.length) }
  })
}

const perplexity = (logLikelihoods: ArrayLike<number>): number => Math.exp(-mean(logLikelihoods))

function bootstrapError(values: readonly number[], statistic: (sample: ArrayLike<number>) => number): number {
  if (values.length < 2) return NaN
  const random = rng('evaluation', values.length)
  const resampled = Float64Array.from({ length: BOOTSTRAP }, () =>
    statistic(Float64Array.from(values, () => random.pick(values))),
  )
  return standardDeviation(resampled)
}
