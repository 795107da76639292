// What is judged, as the address of the view says it.

import { metricOf } from '#core/metrics.ts'

/** Metrics that judge a stack. */
export const JUDGING = ['bitsPerByte', 'valLoss', 'accuracy'] as const

export interface Choice {
  readonly metric: string
  readonly finalMetric: string
  readonly study: number | undefined
  /** Numbers of runs that the address names. */
  readonly runs: readonly number[] | undefined
  /** Undefined: a quarter of the stacks. */
  readonly topK: number | undefined
}

/** Reads an address; what does not fit is left out. */
export function choiceOf(query: Readonly<Record<string, string>>): Choice {
  const whole = (text: string | undefined): number | undefined =>
    text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
  const metricIn = (text: string | undefined, otherwise: string): string =>
    metricOf(text ?? '')?.better === undefined ? otherwise : text!
  const runs = (query['runs'] ?? '').split(',').flatMap((text) => whole(text) ?? [])
  const metric = metricIn(query['metric'], JUDGING[0])
  return {
    metric,
    finalMetric: metricIn(query['final'], metric),
    study: whole(query['study']),
    runs: runs.length > 0 ? runs : undefined,
    topK: whole(query['k']),
  }
}
