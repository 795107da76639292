// Reading of a Hugging Face config.json: outside input, so every field is checked for type and range where it is read,
// and what had to be assumed or left out is noted.

import type { Block } from '../../blocks/index.ts'
import { HeddleError } from '../../errors.ts'
import { show } from '../../params.ts'

export interface Range {
  readonly min: number
  readonly max: number
}

/** Typed access to the fields of a config; a field that is null counts as absent. */
export interface HfConfig {
  /** What the spec does not say as the config does, one sentence each; the same list for nested objects. */
  readonly notes: string[]
  has(name: string): boolean
  is(name: string, value: string): boolean
  integer(name: string, range: Range, fallback?: number): number
  /** May be infinite where the range is. */
  real(name: string, range: Range, fallback?: number): number
  flag(name: string, fallback?: boolean): boolean
  text(name: string, fallback?: string): string
  /** The list of a field, each entry read by `read(entries, 'index')`; undefined when absent. */
  list<T>(name: string, read: (entries: HfConfig, index: string) => T): readonly T[] | undefined
  /** A nested object; undefined when absent. */
  child(name: string): HfConfig | undefined
  note(sentence: string): void
  fail(name: string, rule: string, hint?: string): never
}

const MAX_TEXT = 4 * 2 ** 20
/** Longest list that a config may hold: one entry for each layer. */
const MAX_LIST = 1024

/**
 * Parses the text of a config.json. Python writes bare `Infinity` and `NaN`, which JSON does not know; they become
 * `{"__float__": "Infinity"}`, as newer versions of transformers write them.
 * @throws HeddleError `file-invalid` for text that is not JSON or far too long
 */
export function parseHfConfig(text: string): unknown {
  if (text.length > MAX_TEXT)
    throw new HeddleError('file-invalid', `the config has ${text.length} characters; at most ${MAX_TEXT} are read`)
  const json = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
    token.startsWith('"') ? token : `{"__float__":"${token}"}`,
  )
  try {
    return JSON.parse(json) as unknown
  } catch (error) {
    throw new HeddleError('file-invalid', `the config is not JSON: ${(error as Error).message}`, {
      hint: 'give the config.json of the model',
    })
  }
}

/** A reader over parsed JSON; throws HeddleError `spec-invalid` when it is not an object. */
export function hfConfig(json: unknown): HfConfig {
  if (isObject(json)) return reader(json, (name) => name, [])
  throw new HeddleError('spec-invalid', `a config must be an object, got ${show(json)}`, {
    path: 'config',
    hint: 'give the config.json of the model',
  })
}

/** The range that a block's parameter allows. */
export function rangeOf(block: Block, name: string): Range {
  const param = block.params[name]
  if (param?.type !== 'integer' && param?.type !== 'real') throw new Error(`${block.kind} has no number ${name}`)
  return param
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param place where a field stands in the whole config */
function reader(json: Json, place: (name: string) => string, notes: string[]): HfConfig {
  const at = (name: string): unknown => (Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined)
  const fail = (name: string, rule: string, hint?: string): never => {
    throw new HeddleError('spec-invalid', `${place(name)} (${show(at(name))}) ${rule}`, { path: place(name), hint })
  }
  const given = <T>(name: string, fallback: T | undefined, read: (value: unknown) => T): T => {
    const value = at(name)
    if (value !== undefined) return read(value)
    if (fallback === undefined) {
      throw new HeddleError('spec-invalid', `the config has no ${place(name)}`, {
        path: place(name),
        hint: 'give the config.json of the model, not that of its tokenizer or of its generation',
      })
    }
    notes.push(`the config has no ${place(name)}; ${show(fallback)} is assumed`)
    return fallback
  }
  const ranged =
    (name: string, { min, max }: Range, what: string, isRight: (value: number) => boolean) =>
    (value: unknown) => {
      const number = numberOf(value)
      if (number !== undefined && isRight(number) && number >= min && number <= max) return number
      return fail(name, `must be ${what} from ${min} to ${max}`)
    }
  return {
    notes,
    has: (name) => at(name) !== undefined,
    is: (name, value) => at(name) === value,
    integer: (name, range, fallback) => given(name, fallback, ranged(name, range, 'an integer', Number.isInteger)),
    real: (name, range, fallback) =>
      given(
        name,
        fallback,
        ranged(name, range, 'a number', (x) => !Number.isNaN(x)),
      ),
    flag: (name, fallback) =>
      given(name, fallback, (value) => (typeof value === 'boolean' ? value : fail(name, 'must be true or false'))),
    text: (name, fallback) =>
      given(name, fallback, (value) => (typeof value === 'string' ? value : fail(name, 'must be text'))),
    list: (name, read) => {
      const value = at(name)
      if (value === undefined) return undefined
      if (!Array.isArray(value)) return fail(name, 'must be a list')
      if (value.length > MAX_LIST) return fail(name, `has ${value.length} entries; at most ${MAX_LIST} are read`)
      const entries = reader(Object.fromEntries(value.entries()), (i) => `${place(name)}[${i}]`, notes)
      return value.map((_, i) => read(entries, String(i)))
    },
    child: (name) => {
      const value = at(name)
      if (value === undefined) return undefined
      return isObject(value)
        ? reader(value, (inner) => `${place(name)}.${inner}`, notes)
        : fail(name, 'must be an object')
    },
    note: (sentence) => void notes.push(sentence),
    fail,
  }
}

/** Numbers, and infinities in their written form. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (!isObject(value)) return undefined
  const written = value['__float__']
  return written === 'Infinity' ? Infinity : written === '-Infinity' ? -Infinity : undefined
}
