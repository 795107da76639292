// Checks of arguments that reach the statistics from users: options of reports, notebook cells, the command line.

import { HeddleError } from '../errors.ts'

function refuse(path: string, message: string): never {
  throw new HeddleError('sample-invalid', message, { path })
}

/** Returns a level of confidence, refusing anything that is not strictly between 0 and 1. */
export function checkLevel(level: number): number {
  if (!(level > 0 && level < 1)) refuse('level', `level (${level}) must be between 0 and 1, as in 0.95`)
  return level
}

/** Returns a whole number in [min, max], refusing everything else. */
export function checkCount(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    refuse(name, `${name} (${value}) must be a whole number from ${min} to ${max}`)
  }
  return value
}

/** Returns a number in [min, max], refusing everything else, NaN included. */
export function checkRange(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) refuse(name, `${name} (${value}) must be from ${min} to ${max}`)
  return value
}

/** Refuses two lists that should be about the same items and are not of one length. */
export function checkSameLength(names: string, a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length) refuse(names, `${names}: lengths ${a.length} and ${b.length} must be equal`)
}

/** Refuses with a message of the caller's. */
export function check(holds: boolean, path: string, message: string): asserts holds {
  if (!holds) refuse(path, message)
}
