// The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes without gaps.
// Source: https://huggingface.co/docs/safetensors. Writing follows the reference implementation: widest elements first,
// so that every tensor is aligned, and a header padded with spaces to a multiple of 8 bytes.

import { bf16ToF32, f16ToF32 } from '../half.ts'
import { show } from '../params.ts'
import { encodeUtf8 } from '../utf8.ts'
import { invalidTensors, parseHeader, SAFETENSORS_BYTES } from './safetensors-header.ts'
import type { ByteSource, SafetensorsDtype, SafetensorsEntry } from './safetensors-header.ts'

export type { ByteSource, SafetensorsDtype, SafetensorsEntry } from './safetensors-header.ts'

/** A tensor to write: little-endian elements in row-major order, as a typed array or raw bytes. */
export interface SafetensorsTensor {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly data: ArrayBufferView<ArrayBufferLike>
}

export type SafetensorsArray = Float64Array | BigInt64Array | Float32Array | Int32Array | Uint16Array | Uint8Array

/** An opened file: a checked header, and tensors that are read when asked for. */
export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>
  /** The elements in the array type of their dtype; F16 and BF16 as their bits. May be a view of the source. */
  read(name: string): SafetensorsArray
  /** The elements of a F32, F16, BF16 or F64 tensor as f32; throws HeddleError `file-invalid` for other dtypes. */
  readFloats(name: string): Float32Array
}

/**
 * Encodes tensors as chunks that follow each other in the file; the data chunks are views, not copies.
 * @throws HeddleError `file-invalid` with the tensor's name for data that does not fit and for names that clash
 */
export function encodeSafetensors(
  tensors: readonly SafetensorsTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const names = new Set<string>()
  const sorted = [...tensors].sort(
    (a, b) => SAFETENSORS_BYTES[b.dtype] - SAFETENSORS_BYTES[a.dtype] || (a.name < b.name ? -1 : 1),
  )
  const parts: string[] = []
  const chunks: Uint8Array[] = []
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`)
  let offset = 0
  for (const { name, dtype, shape, data } of sorted) {
    if (names.has(name)) throw invalidTensors(`the tensor ${show(name)} is given twice`, name)
    names.add(name)
    const end = offset + checkedSize(name, dtype, shape, data.byteLength)
    parts.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`)
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    offset = end
  }
  const json = encodeUtf8(`{${parts.join(',')}}`)
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true)
  header.set(json, 8)
  // whatever the reader would refuse is refused here, before anything is written
  parseHeader({ size: header.length + offset, read: (at, length) => header.subarray(at, at + length) })
  return [header, ...chunks]
}

/**
 * Opens safetensors and checks the whole header; tensor data is read later, one tensor at a time.
 * @throws HeddleError `file-invalid` naming the tensor for anything that the format does not allow
 */
export function decodeSafetensors(input: Uint8Array | ByteSource): Safetensors {
  const source: ByteSource =
    input instanceof Uint8Array
      ? { size: input.length, read: (offset, length) => input.subarray(offset, offset + length) }
      : input
  const { metadata, tensors } = parseHeader(source)
  const entryOf = (name: string): SafetensorsEntry => {
    const entry = tensors.get(name)
    if (entry === undefined) throw invalidTensors(`there is no tensor ${show(name)}`, name)
    return entry
  }
  const read = (entry: SafetensorsEntry): SafetensorsArray => {
    const bytes = source.read(entry.offset, entry.byteLength)
    if (bytes.length !== entry.byteLength) throw invalidTensors(`the tensor ${show(entry.name)} is cut off`, entry.name)
    return typed(bytes, entry.dtype)
  }
  return {
    metadata,
    tensors,
    read: (name) => read(entryOf(name)),
    readFloats: (name) => {
      const entry = entryOf(name)
      const array = read(entry)
      if (array instanceof Float32Array) return array
      if (array instanceof Float64Array) return Float32Array.from(array)
      if (array instanceof Uint16Array) return entry.dtype === 'F16' ? f16ToF32(array) : bf16ToF32(array)
      throw invalidTensors(`the tensor ${show(name)} is ${entry.dtype}, expected floats`, name)
    },
  }
}

function checkedSize(name: string, dtype: SafetensorsDtype, shape: readonly number[], given: number): number {
  const expected = shape.reduce((product, dim) => product * dim, SAFETENSORS_BYTES[dtype])
  if (given === expected) return expected
  throw invalidTensors(
    `the tensor ${show(name)} has ${given} bytes, but ${dtype} ${show(shape)} needs ${expected}`,
    name,
  )
}

function typed(bytes: Uint8Array, dtype: SafetensorsDtype): SafetensorsArray {
  const width = SAFETENSORS_BYTES[dtype]
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : bytes.slice()
  const length = bytes.length / width
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, length)
    case 'I64':
      return new BigInt64Array(buffer, byteOffset, length)
    case 'F32':
      return new Float32Array(buffer, byteOffset, length)
    case 'I32':
      return new Int32Array(buffer, byteOffset, length)
    case 'F16':
    case 'BF16':
      return new Uint16Array(buffer, byteOffset, length)
    case 'U8':
    case 'BOOL':
      return bytes
  }
}
