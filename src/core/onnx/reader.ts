// Reading of the protobuf wire format: https://protobuf.dev/programming-guides/encoding/
//
// Nothing is believed: lengths are checked against the bytes that are left, nesting is bounded, and lists grow only as
// bytes are consumed, so hostile input costs at most a small multiple of its size.

import { HeddleError } from '../errors.ts'
import { decodeUtf8 } from '../utf8.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/**
 * Reads the fields of one message within bounds: `while (reader.next()) switch (reader.field) { ... default: reader.skip() }`.
 * Every method throws HeddleError `file-invalid` rather than reading past the end.
 */
export class Reader {
  /** Number of the field that `next` found. */
  field = 0
  readonly #source: Uint8Array
  readonly #view: DataView
  readonly #end: number
  readonly #depth: number
  #at: number
  #wire = 0

  constructor(source: Uint8Array, start = 0, end = source.length, depth = 0) {
    // protobuf libraries stop at a nesting of 100 as well; it keeps recursion over hostile bytes off the stack's end
    if (depth > 100) throw invalid('messages are nested more than 100 deep', start)
    this.#source = source
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    this.#at = start
    this.#end = end
    this.#depth = depth
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at === this.#end) return false
    const tag = this.#small('field tag')
    this.field = tag >>> 3
    this.#wire = tag & 7
    if (this.field === 0) throw invalid('a field has the number 0', this.#at)
    return true
  }

  /** A signed integer of up to 64 bits: a number if it is safe, else a bigint. */
  integer(): number | bigint {
    this.#expect(VARINT)
    return this.#varint()
  }

  /** A signed integer that must be a safe JavaScript integer. */
  safeInteger(): number {
    const value = this.integer()
    if (typeof value === 'bigint') throw invalid(`integer ${value} is out of range`, this.#at)
    return value
  }

  float(): number {
    this.#expect(FIXED32)
    return this.#float32()
  }

  string(): string {
    const [start, end] = this.#range()
    const text = decodeUtf8(this.#source, start, end)
    if (text === undefined) throw invalid('a string is not valid utf-8', start)
    return text
  }

  /** The bytes as a view of the source, not a copy. */
  bytes(): Uint8Array {
    const [start, end] = this.#range()
    return this.#source.subarray(start, end)
  }

  message(): Reader {
    const [start, end] = this.#range()
    return new Reader(this.#source, start, end, this.#depth + 1)
  }

  /** Appends one integer, or a packed list of them. */
  integersInto(values: (number | bigint)[]): void {
    if (this.#wire === VARINT) values.push(this.#varint())
    else this.#packed(() => values.push(this.#varint()))
  }

  /** Appends one float, or a packed list of them. */
  floatsInto(values: number[]): void {
    if (this.#wire === FIXED32) values.push(this.#float32())
    else this.#packed(() => values.push(this.#float32()))
  }

  /** Appends one double, or a packed list of them. */
  doublesInto(values: number[]): void {
    if (this.#wire === FIXED64) values.push(this.#float64())
    else this.#packed(() => values.push(this.#float64()))
  }

  /** Passes over the value of a field that the caller does not know. */
  skip(): void {
    if (this.#wire === VARINT) this.#varint()
    else if (this.#wire === FIXED64) this.#take(8)
    else if (this.#wire === FIXED32) this.#take(4)
    else this.#range()
  }

  #expect(wire: number): void {
    if (this.#wire !== wire)
      throw invalid(`field ${this.field} has wire type ${this.#wire}, expected ${wire}`, this.#at)
  }

  #take(length: number): number {
    if (length > this.#end - this.#at)
      throw invalid(`${length} bytes announced, ${this.#end - this.#at} left`, this.#at)
    const start = this.#at
    this.#at += length
    return start
  }

  #range(): [start: number, end: number] {
    this.#expect(LENGTH)
    const length = this.#varint()
    if (typeof length === 'bigint' || length < 0) throw invalid(`length ${length} is out of range`, this.#at)
    const start = this.#take(length)
    return [start, this.#at]
  }

  #packed(read: () => void): void {
    const [start, end] = this.#range()
    this.#at = start
    while (this.#at < end) read()
    if (this.#at !== end) throw invalid('a packed list ends inside a value', start)
  }

  #float32(): number {
    return this.#view.getFloat32(this.#take(4), true)
  }

  #float64(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  #small(what: string): number {
    const value = this.#varint()
    if (typeof value === 'bigint' || value < 0 || value > 0xffffffff)
      throw invalid(`${what} ${value} is out of range`, this.#at)
    return value
  }

  #varint(): number | bigint {
    let low = 0
    // 28 bits fit a small integer; longer values go on as bigint
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      low |= (byte & 127) << shift
      if (byte < 128) return low
    }
    let wide = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      wide |= BigInt(byte & 127) << shift
      if (byte < 128) {
        const signed = BigInt.asIntN(64, wide)
        return signed >= Number.MIN_SAFE_INTEGER && signed <= Number.MAX_SAFE_INTEGER ? Number(signed) : signed
      }
    }
    throw invalid('a varint is longer than ten bytes', this.#at)
  }

  #byte(): number {
    return this.#source[this.#take(1)]!
  }
}

/** The error for bytes that are not the protobuf message they should be. */
export function invalid(what: string, at?: number): HeddleError {
  return new HeddleError(
    'file-invalid',
    at === undefined ? `onnx model: ${what}` : `onnx model: ${what} (at byte ${at})`,
    {
      hint: 'the file is damaged, truncated or not an ONNX model',
    },
  )
}
