// What a case found: errors over their tolerances, by target and form.

import { sameShape } from '#core/graph/types.ts'
import { show } from '#core/params.ts'
import { relativeError } from '../helpers/assert-close.ts'
import type { GoldenCase } from './case-index.ts'
import { invalid } from './json.ts'
import type { GoldenTensor } from './tensors.ts'

/** One comparison; `ratio` is the error over its tolerance and at most 1 when it passes. */
export interface Check {
  readonly target: string
  readonly form: string
  readonly tensor: string
  readonly ratio: number
}

/** Comparisons of one target in one form. */
export interface Report {
  /** Compares by max|a-b| / max|b|, or max|a-b| where b is all zero. */
  close(tensor: string, actual: GoldenTensor, expected: GoldenTensor, tolerance: number): void
  /** Compares two numbers, exactly or up to a relative difference. */
  number(tensor: string, actual: number, expected: number, relative?: number): void
  /** Records an error over its tolerance that the caller measured. */
  ratio(tensor: string, ratio: number): void
}

const over = (error: number, tolerance: number): number =>
  error === 0 ? 0 : Number.isNaN(error) ? Infinity : error / tolerance

/** A report that adds to a list of checks. */
export function reportTo(checks: Check[], target: string, form: string): Report {
  const ratio = (tensor: string, value: number): void => void checks.push({ target, form, tensor, ratio: value })
  return {
    ratio,
    close: (tensor, actual, expected, tolerance) => {
      if (!sameShape(actual.shape, expected.shape))
        invalid(tensor, `${form} on ${target}: the shape is ${show(actual.shape)}, expected ${show(expected.shape)}`)
      ratio(tensor, over(relativeError(actual.data, expected.data), tolerance))
    },
    number: (tensor, actual, expected, relative = 0) => {
      const scale = Math.abs(expected) > 0 ? Math.abs(expected) : 1
      ratio(tensor, over(Math.abs(actual - expected) / scale, relative))
    },
  }
}

export const passes = (check: Check): boolean => check.ratio <= 1

/** The tolerance of a kind of tensor; throws HeddleError `file-invalid` where the case names none. */
export function toleranceOf({ tolerance, path }: Pick<GoldenCase, 'tolerance' | 'path'>, kind: string): number {
  return Object.hasOwn(tolerance, kind)
    ? tolerance[kind]!
    : invalid(`${path}.tolerance`, `there is no tolerance for ${show(kind)}`)
}

/** The worst check of each target and form, in order of first appearance. */
export function worst(checks: readonly Check[]): Check[] {
  const found = new Map<string, Check>()
  for (const check of checks) {
    const key = `${check.target} ${check.form}`
    const known = found.get(key)
    if (known === undefined || check.ratio > known.ratio) found.set(key, check)
  }
  return [...found.values()]
}
