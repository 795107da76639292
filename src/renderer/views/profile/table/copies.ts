// The samples behind an entry of the look-up table, apart by the stacks that they were taken of. Pure.

import type { CopiesPoint } from '#core/plots/profile/copies.ts'
import { median } from '#core/stats/summary.ts'

export interface EntryCopies {
  /** One for each stack of copies; absent where the row does not tell the stacks apart. */
  readonly points: readonly CopiesPoint[] | undefined
  readonly interceptMs: number
}

const numbers = (value: unknown): number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number') ? value : []

/** Samples lie one stack after another, as many of each; they are kept apart only where their medians are those of the row. */
export function entryCopies(samples: ArrayLike<number>, details: Readonly<Record<string, unknown>>): EntryCopies {
  const copies = numbers(details['copies']),
    medians = numbers(details['medianMs'])
  const interceptMs = typeof details['interceptMs'] === 'number' ? details['interceptMs'] : NaN
  const each = samples.length / copies.length
  if (new Set(copies).size < 2 || medians.length !== copies.length || !Number.isInteger(each))
    return { points: undefined, interceptMs }
  const all = Array.from(samples)
  const points = copies.map((count, i) => ({
    copies: count,
    medianMs: medians[i]!,
    samples: all.slice(i * each, (i + 1) * each),
  }))
  const isApart = points.every((p) => Math.abs(median(p.samples) - p.medianMs) <= 1e-9 * p.medianMs)
  return { points: isApart ? points : undefined, interceptMs }
}
