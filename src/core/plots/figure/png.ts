// The container of PNG files (ISO 15948): chunks behind a signature.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte)

/** A PNG of red, green and blue, eight bits each; `data` is what `pngRows` gives, as zlib packs it. */
export function pngFile(width: number, height: number, data: Uint8Array): Uint8Array {
  const head = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  view(head).setUint32(0, width)
  view(head).setUint32(4, height)
  return concat([new Uint8Array(SIGNATURE), chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', new Uint8Array(0))])
}

/** Rows of a picture without opacity, unfiltered: areas of one colour, as figures have, pack best so. */
export function pngRows(rgba: Uint8ClampedArray, width: number, height: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(height * (1 + 3 * width))
  let at = 0
  for (let y = 0; y < height; y++) {
    at++
    for (let from = 4 * y * width; from < 4 * (y + 1) * width; from += 4) {
      out[at++] = rgba[from]!
      out[at++] = rgba[from + 1]!
      out[at++] = rgba[from + 2]!
    }
  }
  return out
}

/** A chunk: its length, type, body and checksum. */
export function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = concat([new Uint8Array(4), ascii(type), body, new Uint8Array(4)])
  view(out).setUint32(0, body.length)
  view(out).setUint32(8 + body.length, crc(out.subarray(4, 8 + body.length)))
  return out
}

/** CRC-32 as PNG uses it (ISO 3309). */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return (value ^ 0xffffffff) >>> 0
}

/** Numbers of some bytes. */
export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
