// The kinds of columns. One description serves every reader: it types the row, refuses bad values before they are
// written, and notices damage when they are read.

import { errorRecord, ERROR_CODES } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { show } from '#core/params.ts'
import type { SqlValue } from './sql.ts'

/** How a column is stored, which also decides how it is exported. */
export type ColumnKind = 'integer' | 'real' | 'text' | 'json' | 'floats'

export interface Column<T = unknown> {
  readonly kind: ColumnKind
  readonly nullable: boolean
  /** What a value must be, for messages: 'an integer from 1 to 10'. */
  readonly rule: string
  /** The stored form, or undefined where the value breaks the rule. */
  encode(value: T): SqlValue | undefined
  /** The value of a stored form, or undefined where it breaks the rule. */
  decode(stored: SqlValue): T | undefined
}

/** A short printable form of anything, also of what JSON cannot hold. */
export function shown(value: unknown): string {
  try {
    return show(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** JSON as the store keeps it. */
export type Json = unknown
export type JsonRecord = Readonly<Record<string, Json>>

function plain<T extends SqlValue>(kind: ColumnKind, rule: string, holds: (value: unknown) => boolean): Column<T> {
  const pass = (value: unknown): T | undefined => (holds(value) ? (value as T) : undefined)
  return { kind, nullable: false, rule, encode: pass, decode: pass }
}

/** A whole number in a range; row numbers and times are from 0. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Column<number> {
  const rule = max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`
  return plain(
    'integer',
    rule,
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  )
}

/** A finite number. */
export const real: Column<number> = plain('real', 'a finite number', Number.isFinite)

/** Text of 1 (or `shortest`) to `longest` characters. */
export function text(longest = 200, shortest = 1): Column<string> {
  return plain(
    'text',
    `text of ${shortest} to ${longest} characters`,
    (value) =>
      typeof value === 'string' && value.length >= shortest && value.length <= longest && !value.includes('\0'),
  )
}

/** A content hash: 8 to 128 letters and digits. */
export const hash: Column<string> = plain(
  'text',
  'a hash of 8 to 128 letters and digits',
  (value) => typeof value === 'string' && /^[0-9A-Za-z]{8,128}$/.test(value),
)

/** One of a closed list of words. */
export function word<const W extends string>(words: readonly W[]): Column<W> {
  return plain('text', `one of ${words.join(', ')}`, (value) => (words as readonly unknown[]).includes(value))
}

/** A column that may hold nothing. */
export function optional<T>(column: Column<T>): Column<T | null> {
  return {
    kind: column.kind,
    nullable: true,
    rule: `${column.rule}, or null`,
    encode: (value) => (value === null ? null : column.encode(value)),
    decode: (stored) => (stored === null ? null : column.decode(stored)),
  }
}

function json<T>(rule: string, holds: (value: unknown) => boolean, prepare = (value: T): unknown => value): Column<T> {
  return {
    kind: 'json',
    nullable: false,
    rule,
    encode: (value) => {
      try {
        return holds(value) ? JSON.stringify(prepare(value)) : undefined
      } catch {
        return undefined
      }
    },
    decode: (stored) => {
      if (typeof stored !== 'string') return undefined
      try {
        const value: unknown = JSON.parse(stored)
        return holds(value) ? (value as T) : undefined
      } catch {
        return undefined
      }
    },
  }
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON object. */
export const record: Column<JsonRecord> = json('an object of JSON values', isRecord)

/** A JSON array. */
export const list: Column<readonly Json[]> = json('a list of JSON values', Array.isArray)

/** Named numbers. What is not finite (a loss that became NaN) is stored as null. */
export const numbers: Column<Readonly<Record<string, number | null>>> = json(
  'an object of numbers',
  (value) => isRecord(value) && Object.values(value).every((each) => typeof each === 'number' || each === null),
)

/** Named texts. */
export const texts: Column<Readonly<Record<string, string>>> = json(
  'an object of texts',
  (value) => isRecord(value) && Object.values(value).every((each) => typeof each === 'string'),
)

/** A HeddleError as data. */
export const problem: Column<ErrorRecord> = json(
  'an error with a code and a message',
  (value) =>
    isRecord(value) && typeof value['message'] === 'string' && Object.hasOwn(ERROR_CODES, String(value['code'])),
  (value) => (value instanceof Error ? errorRecord(value) : value),
)

/** Numbers with all their bits, NaN and infinities included: little-endian float64. */
export const floats: Column<Float64Array> = {
  kind: 'floats',
  nullable: false,
  rule: 'a Float64Array',
  encode: (value) => (value instanceof Float64Array ? packFloats(value) : undefined),
  decode: (stored) => (stored instanceof Uint8Array ? unpackFloats(stored) : undefined),
}

// every machine that the program runs on is little-endian, so the bytes in memory are the bytes of the format
function packFloats(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}

/** The numbers of a packed blob, or undefined if its length cannot be right. */
export function unpackFloats(blob: Uint8Array): Float64Array | undefined {
  if (blob.byteLength % 8 !== 0) return undefined
  const values = new Float64Array(blob.byteLength / 8)
  new Uint8Array(values.buffer).set(blob)
  return values
}
