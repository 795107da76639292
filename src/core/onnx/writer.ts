// Writing of the protobuf wire format: https://protobuf.dev/programming-guides/encoding/
//
// A message is described once, as calls on a `Sink`. It is run twice: `Sizer` finds the length of every nested message,
// `Writer` then fills one allocation of exactly the right size, so that tensor data is copied once.

import { utf8Length, writeUtf8 } from '../utf8.ts'

/** Receives the fields of a message in order. */
export interface Sink {
  /** An int32, int64 or enum; negative numbers take ten bytes. */
  integer(field: number, value: number | bigint): void
  float(field: number, value: number): void
  string(field: number, value: string): void
  bytes(field: number, value: Uint8Array): void
  /** Packed int64 values; an empty list writes nothing. */
  integers(field: number, values: readonly (number | bigint)[]): void
  /** Packed float values; an empty list writes nothing. */
  floats(field: number, values: readonly number[]): void
  message(field: number, body: () => void): void
}

const VARINT = 0
const LENGTH = 2
const FIXED32 = 5

/** Measures a message: `size` is its length, `lengths` those of nested messages and packed lists in order of writing. */
export class Sizer implements Sink {
  size = 0
  readonly lengths: number[] = []

  integer(field: number, value: number | bigint): void {
    this.size += varintLength(field * 8) + varintLength(value)
  }

  float(field: number): void {
    this.size += varintLength(field * 8) + 4
  }

  string(field: number, value: string): void {
    this.#delimited(field, utf8Length(value))
  }

  bytes(field: number, value: Uint8Array): void {
    this.#delimited(field, value.length)
  }

  integers(field: number, values: readonly (number | bigint)[]): void {
    if (values.length === 0) return
    let length = 0
    for (const value of values) length += varintLength(value)
    this.lengths.push(length)
    this.#delimited(field, length)
  }

  floats(field: number, values: readonly number[]): void {
    if (values.length > 0) this.#delimited(field, values.length * 4)
  }

  message(field: number, body: () => void): void {
    const index = this.lengths.push(0) - 1
    const before = this.size
    body()
    const length = this.size - before
    this.lengths[index] = length
    this.size = before
    this.#delimited(field, length)
  }

  #delimited(field: number, length: number): void {
    this.size += varintLength(field * 8) + varintLength(length) + length
  }
}

/** Writes a message that a `Sizer` has measured. */
export class Writer implements Sink {
  readonly target: Uint8Array
  readonly #view: DataView
  readonly #lengths: readonly number[]
  #at = 0
  #nested = 0

  constructor(measured: Sizer) {
    this.target = new Uint8Array(measured.size)
    this.#view = new DataView(this.target.buffer)
    this.#lengths = measured.lengths
  }

  integer(field: number, value: number | bigint): void {
    this.#varint(field * 8 + VARINT)
    this.#varint(value)
  }

  float(field: number, value: number): void {
    this.#varint(field * 8 + FIXED32)
    this.#view.setFloat32(this.#at, value, true)
    this.#at += 4
  }

  string(field: number, value: string): void {
    this.#delimited(field, utf8Length(value))
    this.#at = writeUtf8(value, this.target, this.#at)
  }

  bytes(field: number, value: Uint8Array): void {
    this.#delimited(field, value.length)
    this.target.set(value, this.#at)
    this.#at += value.length
  }

  integers(field: number, values: readonly (number | bigint)[]): void {
    if (values.length === 0) return
    this.#delimited(field, this.#lengths[this.#nested++]!)
    for (const value of values) this.#varint(value)
  }

  floats(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    this.#delimited(field, values.length * 4)
    for (const value of values) {
      this.#view.setFloat32(this.#at, value, true)
      this.#at += 4
    }
  }

  message(field: number, body: () => void): void {
    this.#delimited(field, this.#lengths[this.#nested++]!)
    body()
  }

  #delimited(field: number, length: number): void {
    this.#varint(field * 8 + LENGTH)
    this.#varint(length)
  }

  #varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value))
      for (; rest > 127n; rest >>= 7n) this.target[this.#at++] = Number(rest & 127n) | 128
      this.target[this.#at++] = Number(rest)
      return
    }
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.target[this.#at++] = (rest % 128) | 128
    this.target[this.#at++] = rest
  }
}

function varintLength(value: number | bigint): number {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) throw new Error(`${value} does not fit 64 bits`)
    return value < 0n ? 10 : varintLength64(value)
  }
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is not an integer`)
  if (value < 0) return 10
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++
  return length
}

function varintLength64(value: bigint): number {
  let length = 1
  for (let rest = value; rest > 127n; rest >>= 7n) length++
  return length
}
