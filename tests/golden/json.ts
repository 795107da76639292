// Readers for JSON that somebody else wrote: each takes a value and the path to name in the error.

import { readFileSync, statSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { show } from '#core/params.ts'

export type Json = Readonly<Record<string, unknown>>

const MAX_JSON_BYTES = 1 << 28

/** Throws the error of a golden folder that does not keep its format. */
export function invalid(path: string, what: string): never {
  throw new HeddleError('file-invalid', what, { path })
}

/** Parses a JSON file; throws HeddleError `file-missing` or `file-invalid`. */
export function readJsonFile(path: string): unknown {
  const text = readBytes(path, MAX_JSON_BYTES).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    return invalid(path, `the file is not valid json: ${(error as Error).message}`)
  }
}

/** The bytes of a plain file of at most so many bytes. */
export function readBytes(path: string, limit: number): Buffer {
  let size: number
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return invalid(path, 'this is not a file')
    size = stat.size
  } catch (error) {
    if (error instanceof HeddleError) throw error
    throw new HeddleError('file-missing', 'the file does not exist or cannot be opened', { path })
  }
  if (size > limit) return invalid(path, `the file has ${size} bytes; at most ${limit} are read`)
  try {
    return readFileSync(path)
  } catch {
    throw new HeddleError('file-missing', 'the file cannot be read', { path })
  }
}

export function objectAt(value: unknown, path: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalid(path, `expected an object, got ${show(value)}`)
  return value as Json
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : invalid(path, `expected a list, got ${show(value)}`)
}

export function textAt(value: unknown, path: string): string {
  return typeof value === 'string' && value.length <= 1000 ? value : invalid(path, `expected text, got ${show(value)}`)
}

export function numberAt(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : invalid(path, `expected a number, got ${show(value)}`)
}

export function countAt(value: unknown, path: string, least = 0): number {
  const number = numberAt(value, path)
  if (!Number.isSafeInteger(number) || number < least)
    return invalid(path, `expected an integer of at least ${least}, got ${number}`)
  return number
}

export function flagAt(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : invalid(path, `expected true or false, got ${show(value)}`)
}

/** The value of an own field, or undefined; names such as `constructor` reach nothing. */
export function field(json: Json, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined
}

/** Applies a reader to a field that may be left out. */
export function optional<T>(
  json: Json,
  name: string,
  path: string,
  read: (value: unknown, path: string) => T,
): T | undefined {
  const value = field(json, name)
  return value === undefined ? undefined : read(value, `${path}.${name}`)
}

/** The name of a file or folder that stays in its folder. */
export function fileNameAt(value: unknown, path: string): string {
  const name = textAt(value, path)
  if (!/^[A-Za-z0-9_][\w.-]{0,199}$/.test(name)) return invalid(path, `${show(name)} is not a plain file name`)
  return name
}
