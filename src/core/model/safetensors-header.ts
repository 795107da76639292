// The header of a safetensors file, checked as untrusted input: every tensor must lie in the file, no two may overlap,
// and together they must cover the data without holes.

import { HeddleError } from '../errors.ts'
import { show } from '../params.ts'
import { decodeUtf8 } from '../utf8.ts'
import { duplicateKey } from './duplicate-key.ts'

/** Element types, with bytes per element. */
export const SAFETENSORS_BYTES = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 } as const

export type SafetensorsDtype = keyof typeof SAFETENSORS_BYTES

/** A tensor of a file; `offset` counts from the start of the file. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly offset: number
  readonly byteLength: number
}

/** Random access to a file; `read` returns exactly the bytes asked for. */
export interface ByteSource {
  readonly size: number
  read(offset: number, length: number): Uint8Array
}

/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000

/** Names that would reach an object's prototype in a program less careful than this one. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>
}

/** Reads and checks the header; throws HeddleError `file-invalid`. */
export function parseHeader(source: ByteSource): SafetensorsHeader {
  const [json, dataStart] = readJson(source)
  const metadata = new Map<string, string>()
  const entries: SafetensorsEntry[] = []
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(record(value, name))) {
        if (typeof text !== 'string') throw invalidTensors(`the metadata ${show(key)} is not a string`, key)
        metadata.set(allowed(key), text)
      }
    } else {
      entries.push(parseEntry(allowed(name), record(value, name), dataStart))
    }
  }
  entries.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  for (const { name, offset, byteLength } of entries) {
    if (offset < end) throw invalidTensors(`the tensor ${show(name)} overlaps the one before it`, name)
    if (offset > end)
      throw invalidTensors(`there is a hole of ${offset - end} bytes before the tensor ${show(name)}`, name)
    end = offset + byteLength
    if (end > source.size)
      throw invalidTensors(`the tensor ${show(name)} reaches ${end - source.size} bytes beyond the end`, name)
  }
  if (end !== source.size) throw invalidTensors(`${source.size - end} bytes after the last tensor belong to no tensor`)
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) }
}

/** The error for a file that breaks a rule of the format. */
export function invalidTensors(what: string, name?: string): HeddleError {
  return new HeddleError('file-invalid', `safetensors: ${what}`, { path: name })
}

function readJson(source: ByteSource): [json: Record<string, unknown>, dataStart: number] {
  if (source.size < 8) throw invalidTensors(`${source.size} bytes are too few for a header`)
  const start = readExactly(source, 0, 8)
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES)
    throw invalidTensors(`a header of ${length} bytes is above the limit of ${MAX_HEADER_BYTES}`)
  const dataStart = 8 + Number(length)
  if (dataStart > source.size)
    throw invalidTensors(`a header of ${length} bytes is announced, but ${source.size - 8} bytes follow`)
  const text = decodeUtf8(readExactly(source, 8, Number(length)))
  if (text === undefined) throw invalidTensors('the header is not valid utf-8')
  if (!text.startsWith('{')) throw invalidTensors('the header is not a json object')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw invalidTensors('the header is not valid json')
  }
  const repeated = duplicateKey(text)
  if (repeated !== undefined) throw invalidTensors(`the key ${show(repeated)} appears twice in the header`, repeated)
  return [json as Record<string, unknown>, dataStart]
}

function readExactly(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = source.read(offset, length)
  if (bytes.length !== length) throw invalidTensors('the header is cut off')
  return bytes
}

function parseEntry(name: string, value: Record<string, unknown>, dataStart: number): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets, ...rest } = value
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw invalidTensors(`the tensor ${show(name)} has the unknown key ${show(unknown)}`, name)
  if (!isDtype(dtype)) {
    throw invalidTensors(
      `the tensor ${show(name)} has the dtype ${show(dtype)}, expected one of ${Object.keys(SAFETENSORS_BYTES).join(', ')}`,
      name,
    )
  }
  if (!isCounts(shape)) throw invalidTensors(`the tensor ${show(name)} has the shape ${show(shape)}`, name)
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw invalidTensors(`the tensor ${show(name)} has the data offsets ${show(offsets)}`, name)
  }
  const size = shape.reduce((product, dim) => product * dim, SAFETENSORS_BYTES[dtype])
  const [begin, end] = offsets as [number, number]
  if (!Number.isSafeInteger(size) || end - begin !== size) {
    throw invalidTensors(
      `the tensor ${show(name)} has ${end - begin} bytes, but ${dtype} ${show(shape)} needs ${size}`,
      name,
    )
  }
  return { name, dtype, shape, offset: dataStart + begin, byteLength: size }
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalidTensors(`the entry ${show(name)} is ${show(value)}, expected an object`, name)
}

function allowed(name: string): string {
  if (FORBIDDEN_NAMES.has(name)) throw invalidTensors(`the name ${show(name)} is not allowed`, name)
  return name
}

const isDtype = (value: unknown): value is SafetensorsDtype =>
  typeof value === 'string' && Object.hasOwn(SAFETENSORS_BYTES, value)

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.every((count) => Number.isSafeInteger(count) && (count as number) >= 0 && !Object.is(count, -0))
