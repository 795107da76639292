// Readers of arguments: values of unknown shape in, checked values or a HeddleError out.

import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { resolveParams, show } from '#core/params.ts'
import type { ParamSchema, ValuesOf } from '#core/params.ts'
import type { Reader } from './door.ts'

const refuse = (path: string, value: unknown, rule: string): never => {
  throw new HeddleError('param-invalid', `${path} (${show(value)}) must be ${rule}`, { path })
}

/** Text of 1 to `longest` characters. */
export const text =
  (longest = 200): Reader<string> =>
  (value, path) =>
    typeof value === 'string' && value.length > 0 && value.length <= longest
      ? value
      : refuse(path, value, `text of 1 to ${longest} characters`)

/** Text that may be empty. */
export const note: Reader<string> = (value, path) =>
  typeof value === 'string' && value.length <= 20_000 ? value : refuse(path, value, 'text of at most 20000 characters')

/** A number of a row or a count. */
export const integer =
  (min = 0, max = Number.MAX_SAFE_INTEGER): Reader<number> =>
  (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : refuse(path, value, `an integer from ${min} to ${max}`)

/** One of a few words. */
export const word =
  <const W extends string>(words: readonly W[]): Reader<W> =>
  (value, path) =>
    words.find((w) => w === value) ?? refuse(path, value, `one of ${words.join(', ')}`)

/** A value that may be left out. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value, path) =>
    value === undefined ? undefined : read(value, path)

/** A list of at most `most` values. */
export const listOf =
  <T>(read: Reader<T>, most = 1000): Reader<readonly T[]> =>
  (value, path) =>
    Array.isArray(value) && value.length <= most
      ? value.map((item, i) => read(item, `${path}[${i}]`))
      : refuse(path, value, `a list of at most ${most}`)

/** An object whose fields the call itself checks. */
export const object: Reader<Readonly<Record<string, unknown>>> = (value, path) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : refuse(path, value, 'an object')

/** Values of a parameter schema, with its defaults for what is left out. */
export const params =
  <const S extends ParamSchema>(schema: S): Reader<ValuesOf<S>> =>
  (value, path) =>
    resolveParams(schema, value ?? {}, { dModel: 0 }, path)

/** An architecture. */
export const spec: Reader<ArchSpec> = (value) => parseSpec(value)
