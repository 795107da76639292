// SHA-256 (FIPS 180-4), because content hashes are needed where no platform library is: renderer, main and tests alike.

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
  #h = Int32Array.from(H0)
  #block = new Uint8Array(64)
  #w = new Int32Array(64)
  #used = 0
  #length = 0

  update(data: Uint8Array | string): this {
    const bytes = typeof data === 'string' ? utf8(data) : data
    this.#length += bytes.length
    let i = 0
    while (i < bytes.length) {
      const n = Math.min(64 - this.#used, bytes.length - i)
      this.#block.set(bytes.subarray(i, i + n), this.#used)
      this.#used += n
      i += n
      if (this.#used === 64) this.#compress()
    }
    return this
  }

  /** The digest as 64 hexadecimal digits. */
  hex(): string {
    const bits = this.#length * 8
    this.update(Uint8Array.of(0x80))
    while (this.#used !== 56) this.update(Uint8Array.of(0))
    const tail = new DataView(new ArrayBuffer(8))
    tail.setUint32(0, Math.floor(bits / 4294967296))
    tail.setUint32(4, bits >>> 0)
    this.update(new Uint8Array(tail.buffer))
    return Array.from(this.#h, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  #compress(): void {
    const w = this.#w
    const view = new DataView(this.#block.buffer)
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(i * 4)
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15]!,
        b = w[i - 2]!
      const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3)
      const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10)
      w[i] = w[i - 16]! + s0 + w[i - 7]! + s1
    }
    let [a, b, c, d, e, f, g, h] = this.#h as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    for (let i = 0; i < 64; i++) {
      const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0
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
    const s = this.#h
    ;[a, b, c, d, e, f, g, h].forEach((word, i) => (s[i] = s[i]! + word))
    this.#used = 0
  }
}

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n))

function utf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const ch of text) {
    const c = ch.codePointAt(0)!
    if (c < 0x80) bytes.push(c)
    else if (c < 0x800) bytes.push(0xc0 | (c >> 6), 0x80 | (c & 63))
    else if (c < 0x10000) bytes.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63))
    else bytes.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63))
  }
  return Uint8Array.from(bytes)
}

/** SHA-256 of a text's UTF-8 bytes or of bytes, as hexadecimal digits. */
export const sha256 = (data: Uint8Array | string): string => new Sha256().update(data).hex()
