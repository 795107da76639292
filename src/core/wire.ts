// The text frames between the workbench and its screens. JSON, with what JSON lacks: typed arrays travel as base64 of their
// little-endian bytes ({"$f64": "..."}), and numbers that are not finite by name ({"$n": "NaN"}). An object of the data's
// own that looks like one of these gets a second $ in front of its only key.

import { fromBase64, toBase64 } from './base64.ts'
import type { ErrorRecord } from './errors.ts'

/** What a screen sends. */
export interface CallFrame {
  readonly id: number
  readonly call: string
  readonly args?: unknown
}

/** What a screen hears first. `seq` is the number of the last event before. */
export interface Hello {
  readonly version: string
  readonly readonly: boolean
  readonly seq: number
}

/** What a screen hears; `gap` says that events up to that number were left out because it read too slowly. */
export type ServerFrame<Event = { readonly seq: number }> =
  | { readonly hello: Hello }
  | { readonly id: number; readonly ok: true; readonly value?: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ErrorRecord }
  | { readonly event: Event }
  | { readonly gap: number }

const ARRAYS = {
  $f64: Float64Array,
  $f32: Float32Array,
  $i32: Int32Array,
  $u32: Uint32Array,
  $i16: Int16Array,
  $u16: Uint16Array,
  $i8: Int8Array,
  $u8: Uint8Array,
} as const
type Tag = keyof typeof ARRAYS
type TypedArray = InstanceType<(typeof ARRAYS)[Tag]>

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])
const DEPTH_LIMIT = 100
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * The text of plain data: what JSON knows, typed arrays, numbers that are not finite. Fields that are undefined are left out.
 * Throws a plain Error for anything else: it is a fault of the program.
 */
export const encodeWire = (value: unknown): string => JSON.stringify(pack(value, 0))

/** The data of a text. Throws a plain Error that says why it is none. */
export const decodeWire = (text: string): unknown => unpack(JSON.parse(text), 0)

/** The same value where nothing in it needs a tag. */
function pack(value: unknown, depth: number): unknown {
  if (depth > DEPTH_LIMIT) throw new Error(`data is nested deeper than ${DEPTH_LIMIT} levels`)
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value
    return { $n: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
      throw new Error(`data holds a ${typeof value}`)
    return value
  }
  if (ArrayBuffer.isView(value)) return packArray(value as TypedArray)
  if (Array.isArray(value)) return mapValues(value, (item) => pack(item, depth + 1))
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return pack((toJSON as () => unknown).call(value), depth + 1)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new Error(`data holds a ${value.constructor?.name ?? 'class'} object`)
  const packed = mapFields(value as Record<string, unknown>, (item) => pack(item, depth + 1))
  const [only, another] = Object.keys(packed)
  return only?.startsWith('$') && another === undefined ? { [`$${only}`]: packed[only] } : packed
}

function unpack(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_LIMIT) throw new Error(`data is nested deeper than ${DEPTH_LIMIT} levels`)
  if (Array.isArray(value)) return mapValues(value, (item) => unpack(item, depth + 1))
  const fields = value as Record<string, unknown>
  const [only, another] = Object.keys(fields)
  if (only === undefined || another !== undefined || !only.startsWith('$'))
    return mapFields(fields, (item) => unpack(item, depth + 1))
  const content = fields[only]
  if (only.startsWith('$$')) return { [only.slice(1)]: unpack(content, depth + 1) }
  if (only === '$n') {
    const number = typeof content === 'string' ? NUMBERS.get(content) : undefined
    if (number === undefined) throw new Error('a number that is not finite is not named')
    return number
  }
  if (!Object.hasOwn(ARRAYS, only) || typeof content !== 'string')
    throw new Error(`there is no tag ${only.slice(0, 20)}`)
  return unpackArray(only as Tag, content)
}

function packArray(array: TypedArray): unknown {
  const tag = (Object.keys(ARRAYS) as Tag[]).find((name) => array instanceof ARRAYS[name])
  if (tag === undefined) throw new Error(`data holds a ${(array as object).constructor.name}`)
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return { [tag]: toBase64(inOrder(isLittleEndian ? bytes : bytes.slice(), array.BYTES_PER_ELEMENT)) }
}

function unpackArray(tag: Tag, text: string): TypedArray {
  const Constructor = ARRAYS[tag]
  const bytes = fromBase64(text)
  if (bytes === undefined || bytes.length % Constructor.BYTES_PER_ELEMENT !== 0)
    throw new Error(`the bytes of ${tag} cannot be read`)
  return new Constructor(inOrder(bytes, Constructor.BYTES_PER_ELEMENT).buffer as ArrayBuffer)
}

/** Little-endian on every machine: where it is big-endian, reverses the bytes of each element in place. */
function inOrder(bytes: Uint8Array, size: number): Uint8Array {
  if (!isLittleEndian) for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse()
  return bytes
}

/** A list with its items replaced; the same list when all stay. */
function mapValues(values: readonly unknown[], map: (value: unknown) => unknown): unknown {
  let changed: unknown[] | undefined
  for (let i = 0; i < values.length; i++) {
    const mapped = map(values[i])
    if (changed === undefined && Object.is(mapped, values[i])) continue
    changed ??= values.slice()
    changed[i] = mapped
  }
  return changed ?? values
}

/** An object with its fields replaced; the same object when all stay. */
function mapFields(fields: Record<string, unknown>, map: (value: unknown) => unknown): Record<string, unknown> {
  let changed: Record<string, unknown> | undefined
  for (const key of Object.keys(fields)) {
    const mapped = map(fields[key])
    if (changed === undefined && Object.is(mapped, fields[key])) continue
    changed ??= { ...fields }
    // an assignment would set the prototype through a field that is called __proto__
    Object.defineProperty(changed, key, { value: mapped, writable: true, enumerable: true, configurable: true })
  }
  return changed ?? fields
}
