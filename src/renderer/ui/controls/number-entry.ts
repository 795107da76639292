// What a number field does with its text: read, check, step. Pure.

export interface NumberRules {
  readonly min: number
  readonly max: number
  readonly integer?: boolean | undefined
  /** Empty text means null. */
  readonly nullable?: boolean | undefined
}

export type NumberEntry = { readonly value: number | null } | { readonly error: string }

/** Reads typed text (`12`, `1e-3`, `10 000`, `10_000`); the error says the rule it breaks. */
export function readNumber(text: string, rules: NumberRules): NumberEntry {
  const clean = text.replace(/[\s_]/g, '').replace('\u2212', '-')
  if (clean === '') return rules.nullable === true ? { value: null } : { error: 'a number is needed' }
  const value = Number(clean)
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(clean) || !Number.isFinite(value))
    return { error: `${text.trim()} is not a number` }
  if (rules.integer === true && !Number.isInteger(value)) return { error: `${text.trim()} is not a whole number` }
  if (value < rules.min || value > rules.max) return { error: `must be from ${rules.min} to ${rules.max}` }
  return { value }
}

/** One step up or down from a value, on the grid of the step and inside the limits, without binary dust (0.1 + 0.2). */
export function stepNumber(value: number | null, direction: 1 | -1, step: number, rules: NumberRules): number {
  const from = value ?? Math.max(rules.min, Math.min(rules.max, 0))
  const moved = Number((from + direction * step).toPrecision(12))
  const whole = rules.integer === true ? Math.round(moved) : moved
  return Math.max(rules.min, Math.min(rules.max, whole))
}

/** A fitting step where none is given: 1 for integers, else a tenth of the value's magnitude. */
export function defaultStep(value: number | null, integer: boolean): number {
  if (integer) return 1
  return value === null || value === 0 ? 0.1 : 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1)
}

/** A number that an accessibility attribute can hold: those that print with an exponent (1e-12) cannot stand there. */
export const plainNumber = (value: number | null): number | undefined =>
  value === null || String(value).includes('e') ? undefined : value
