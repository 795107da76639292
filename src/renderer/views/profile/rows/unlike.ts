// In what measurements differ besides their stacks: what makes comparing them unfair. Pure.

import { ranOf } from './ran.ts'
import type { RanRow } from './ran.ts'

export interface ComparedRow extends RanRow {
  readonly environment: string
  readonly target: string
  readonly protocolVersion: number
  readonly phase: string
  readonly batch: number
  readonly context: number
  readonly dtype: string
}

/** One sentence for each way in which rows are unlike; none where they may be compared. */
export function unlike(rows: readonly ComparedRow[], placeOf: (environment: string) => string): string[] {
  const several = (valueOf: (row: ComparedRow) => string | number): string[] => {
    const found = [...new Set(rows.map((row) => String(valueOf(row))))]
    return found.length > 1 ? found : []
  }
  const said = (values: readonly string[], text: (list: string) => string): string[] =>
    values.length === 0 ? [] : [text(values.join(', '))]
  const places = several((row) => row.environment)
  return [
    ...(places.length === 0 ? [] : [`Taken in ${places.length} places: ${places.map(placeOf).join('; ')}.`]),
    ...said(
      several((row) => row.target),
      (list) => `On different targets: ${list}.`,
    ),
    ...said(
      several((row) => row.protocolVersion),
      (list) => `By different protocol versions: ${list}.`,
    ),
    ...said(
      several((row) => row.phase),
      (list) => `Of different phases: ${list}.`,
    ),
    ...said(
      several((row) => row.batch),
      (list) => `Of different batches: ${list}.`,
    ),
    ...said(
      several((row) => row.context),
      (list) => `At different contexts: ${list} tokens.`,
    ),
    ...said(
      several((row) => row.dtype),
      (list) => `In different number formats: ${list}.`,
    ),
    ...said(
      several((row) => ranOf(row).how),
      (list) => `Ran differently: ${list}.`,
    ),
    ...said(
      several((row) => ranOf(row).providers.join('+') || 'not recorded'),
      (list) => `By providers: ${list}.`,
    ),
    ...(rows.some((row) => ranOf(row).how === 'not traced')
      ? ['How some of them ran was not recorded: measure with a trace to know that the kernels are alike.']
      : []),
  ]
}

/** Latency of one row over that of another, with the widest interval that theirs allow. */
export function ratio(
  one: { readonly p50Ms: number; readonly lowMs: number; readonly highMs: number },
  other: { readonly p50Ms: number; readonly lowMs: number; readonly highMs: number },
): { readonly value: number; readonly low: number; readonly high: number } {
  return { value: one.p50Ms / other.p50Ms, low: one.lowMs / other.highMs, high: one.highMs / other.lowMs }
}
