// Whether costs add: predictions of whole stacks from single costs against what the whole stacks took.

import { check } from '../check.ts'
import { kendall } from '../rank.ts'
import { median, quantile } from '../summary.ts'

/** A whole stack, predicted and measured, in the same unit. */
export interface AdditivityCase {
  readonly predicted: number
  readonly measured: number
  /** Names of its blocks in order. */
  readonly blocks: readonly string[]
}

/** A residual that goes with a block or with two neighbours. */
export interface ResidualPart {
  readonly name: string
  /** Places in all stacks. */
  readonly count: number
  /** (measured - predicted) / blocks of the stack, averaged over those places: what one such place seems to cost beyond the table. */
  readonly residual: number
}

export interface Additivity {
  readonly count: number
  /** (predicted - measured) / measured of each case. */
  readonly relative: readonly number[]
  /** Of the sizes of the relative errors. */
  readonly medianError: number
  readonly p95Error: number
  readonly worstError: number
  /** Median of the signed relative errors: below 0 the whole costs more than its parts. */
  readonly bias: number
  /** Kendall's tau-b of predicted against measured; NaN for fewer than two cases. */
  readonly kendall: number
  readonly byBlock: readonly ResidualPart[]
  /** Names joined by ` > `. */
  readonly byPair: readonly ResidualPart[]
}

/** Compares predictions with measurements. Throws `sample-invalid` for a value that is not finite or a measurement that is not positive. */
export function additivity(cases: readonly AdditivityCase[]): Additivity {
  cases.forEach(({ predicted, measured }, i) =>
    check(
      Number.isFinite(predicted) && measured > 0 && measured < Infinity,
      `cases[${i}]`,
      `case ${i}: predicted (${predicted}) must be finite and measured (${measured}) positive`,
    ),
  )
  const relative = cases.map(({ predicted, measured }) => predicted / measured - 1)
  const sizes = relative.map(Math.abs)
  return {
    count: cases.length,
    relative,
    medianError: median(sizes),
    p95Error: quantile(sizes, 0.95),
    worstError: quantile(sizes, 1),
    bias: median(relative),
    kendall:
      cases.length < 2
        ? NaN
        : kendall(
            cases.map((c) => c.predicted),
            cases.map((c) => c.measured),
          ),
    byBlock: residualsBy(cases, (blocks) => blocks),
    byPair: residualsBy(cases, (blocks) => blocks.slice(1).map((name, i) => `${blocks[i]!} > ${name}`)),
  }
}

function residualsBy(
  cases: readonly AdditivityCase[],
  namesOf: (blocks: readonly string[]) => readonly string[],
): ResidualPart[] {
  const parts = new Map<string, { count: number; sum: number }>()
  for (const { predicted, measured, blocks } of cases) {
    for (const name of namesOf(blocks)) {
      const part = parts.get(name) ?? { count: 0, sum: 0 }
      parts.set(name, { count: part.count + 1, sum: part.sum + (measured - predicted) / blocks.length })
    }
  }
  return [...parts]
    .map(([name, { count, sum }]) => ({ name, count, residual: sum / count }))
    .sort((a, b) => Math.abs(b.residual) - Math.abs(a.residual))
}
