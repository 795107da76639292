// Reads configs and genomes from JSON that anyone may have written.

import { HeddleError } from '../../errors.ts'
import { show } from '../../params.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** Throws HeddleError `param-invalid`. */
export function refuse(path: string, message: string, hint?: string): never {
  throw new HeddleError('param-invalid', message, { path, hint })
}

/** An object; where keys are given, with no others. */
export function objectFrom(json: unknown, keys: readonly string[] | undefined, path: string): JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    refuse(path, `${path} must be an object, got ${show(json)}`)
  const unknown = keys && Object.keys(json).find((key) => !keys.includes(key))
  if (unknown !== undefined)
    refuse(`${path}.${unknown}`, `unknown field ${show(unknown)}`, `known fields: ${keys?.join(', ')}`)
  return json as JsonObject
}

/** A list of `min` to `max` items. */
export function listFrom(json: unknown, min: number, max: number, path: string): readonly unknown[] {
  if (!Array.isArray(json) || json.length < min || json.length > max)
    refuse(
      path,
      `${path} must be a list of ${min} to ${max} items, got ${Array.isArray(json) ? json.length : show(json)}`,
    )
  return json
}

/** A whole number in [min, max]. */
export function integerFrom(json: unknown, min: number, max: number, path: string): number {
  if (typeof json !== 'number' || !Number.isInteger(json) || json < min || json > max)
    refuse(path, `${lastName(path)} (${show(json)}) must be an integer from ${min} to ${max}`)
  return json
}

/** A finite number. */
export function numberFrom(json: unknown, path: string): number {
  if (typeof json !== 'number' || !Number.isFinite(json))
    refuse(path, `${lastName(path)} (${show(json)}) must be a number`)
  return json
}

/** Text of 1 to 10,000 characters. */
export function textFrom(json: unknown, path: string): string {
  if (typeof json !== 'string' || json.length === 0 || json.length > 10_000)
    refuse(path, `${lastName(path)} (${show(json)}) must be text`)
  return json
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** One of a few words. */
export function wordFrom<const W extends string>(json: unknown, words: readonly W[], path: string): W {
  const word = words.find((w) => w === json)
  if (word === undefined) refuse(path, `${lastName(path)} (${show(json)}) must be one of ${words.join(', ')}`)
  return word
}
