// SHA-256 (FIPS 180-4), because content hashes are needed where no platform library is: renderer, main and tests alike.

import { encodeUtf8 } from '../utf8.ts'

const K = new Int32Array(64)
const H0 = new Int32Array(8)
for (let n = 2, i = 0; i < 64; n++) {
  let prime = true
  for (let f = 2; f * f <= n; f++) if (n % f === 0) prime = false
  if (!prime) continue
  if (i < 8) H0[i] = Math.floor((Math.sqrt(n) % 1) * 4294967296)
  K[i++] = Math.floor((Math.cbrt(n) % 1) * 4294967296)
}

/** A running SHA-256; `hex()` ends it. */
export class Sha256 {
  readonly #h = Int32Array.from(H0)
  readonly #block = new Uint8Array(64)
  #used = 0
  #length = 0

  update(data: Uint8Array | string): this {
    const bytes = typeof data === 'string' ? encodeUtf8(data) : data
    this.#length += bytes.length
    let i = 0
    if (this.#used > 0) {
      i = Math.min(64 - this.#used, bytes.length)
      this.#block.set(bytes.subarray(0, i), this.#used)
      this.#used += i
      if (this.#used < 64) return this
      compress(this.#h, this.#block, 0)
    }
    for (; i + 64 <= bytes.length; i += 64) compress(this.#h, bytes, i)
    this.#block.set(bytes.subarray(i))
    this.#used = bytes.length - i
    return this
  }

  /** The digest as 64 hexadecimal digits. */
  hex(): string {
    const bits = this.#length * 8
    // a bit, zeros, and the length at the end of a block
    const tail = new Uint8Array((this.#used < 56 ? 64 : 128) - this.#used)
    tail[0] = 0x80
    const view = new DataView(tail.buffer)
    view.setUint32(tail.length - 8, Math.floor(bits / 4294967296))
    view.setUint32(tail.length - 4, bits >>> 0)
    this.update(tail)
    return Array.from(this.#h, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }
}

const W = new Int32Array(64)

/** Takes the 64 bytes at a place into a state. */
function compress(state: Int32Array, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4)
    W[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15]!,
      y = W[i - 2]!
    const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3)
    const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >>> 10)
    W[i] = (W[i - 16]! + s0 + W[i - 7]! + s1) | 0
  }
  let a = state[0]!,
    b = state[1]!,
    c = state[2]!,
    d = state[3]!,
    e = state[4]!,
    f = state[5]!,
    g = state[6]!,
    h = state[7]!
  for (let i = 0; i < 64; i++) {
    const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + W[i]!) | 0
    const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n))

/** SHA-256 of a text's UTF-8 bytes or of bytes, as hexadecimal digits. */
export const sha256 = (data: Uint8Array | string): string => new Sha256().update(data).hex()
