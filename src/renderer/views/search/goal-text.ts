// The goal of a search in one line.

import { parseGoal } from '#core/search/index.ts'
import type { Goal } from '#core/search/index.ts'
import { HeddleError } from '#core/errors.ts'
import { titleOf, valueText } from './metrics.ts'

/** `bits per byte, decode latency ≤ 0.6 ms/token`. */
export function goalText(json: unknown): string {
  try {
    return describeGoal(parseGoal(json))
  } catch (error) {
    if (error instanceof HeddleError) return 'unreadable'
    throw error
  }
}

export const describeGoal = ({ objectives, constraints }: Goal): string =>
  [
    ...objectives
      .filter(({ metric }) => constraints.every((c) => c.metric !== metric))
      .map(({ metric }) => titleOf(metric).toLowerCase()),
    ...boundTexts({ constraints }),
  ].join(', ')

/** `decode latency ≤ 0.6 ms/token`, one for each bound. */
export const boundTexts = ({ constraints }: Pick<Goal, 'constraints'>): string[] =>
  constraints.flatMap(({ metric, max, min }) => [
    ...(max === undefined ? [] : [`${titleOf(metric).toLowerCase()} ≤ ${valueText(metric, max)}`]),
    ...(min === undefined ? [] : [`${titleOf(metric).toLowerCase()} ≥ ${valueText(metric, min)}`]),
  ])
