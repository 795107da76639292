// Base64 (RFC 4648, with padding) between bytes and text, fast enough for curves of a million points. Core has no Buffer
// and no btoa.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const CODES = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0))
const PADDING = 61 // '='
const INVALID = 255
const VALUES = new Uint8Array(256).fill(INVALID)
CODES.forEach((code, value) => (VALUES[code] = value))

/** Bytes that are turned into text at a time: a multiple of 3. With few letters a call of fromCharCode is the fastest. */
const CHUNK = 192

/** The base64 text of some bytes. */
export function toBase64(bytes: Uint8Array): string {
  const letters = new Uint8Array((CHUNK / 3) * 4)
  const parts: string[] = []
  for (let start = 0; start < bytes.length; start += CHUNK) {
    const end = Math.min(start + CHUNK, bytes.length)
    const whole = end - ((end - start) % 3)
    let used = 0
    for (let i = start; i < whole; i += 3, used += 4)
      writeGroup(letters, used, (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!)
    if (whole < end) {
      writeGroup(letters, used, (bytes[whole]! << 16) | (whole + 1 < end ? bytes[whole + 1]! << 8 : 0))
      letters.fill(PADDING, used + end - whole + 1, used + 4)
      used += 4
    }
    parts.push(String.fromCharCode.apply(null, letters.subarray(0, used) as unknown as number[]))
  }
  return parts.join('')
}

function writeGroup(letters: Uint8Array, at: number, group: number): void {
  letters[at] = CODES[group >> 18]!
  letters[at + 1] = CODES[(group >> 12) & 63]!
  letters[at + 2] = CODES[(group >> 6) & 63]!
  letters[at + 3] = CODES[group & 63]!
}

/** The bytes of a base64 text, or undefined when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  const whole = padding === 0 ? text.length : text.length - 4
  let invalid = 0
  let used = 0
  for (let i = 0; i < whole; i += 4, used += 3) {
    const a = valueOf(text.charCodeAt(i))
    const b = valueOf(text.charCodeAt(i + 1))
    const c = valueOf(text.charCodeAt(i + 2))
    const d = valueOf(text.charCodeAt(i + 3))
    invalid |= a | b | c | d
    bytes[used] = (a << 2) | (b >> 4)
    bytes[used + 1] = (b << 4) | (c >> 2)
    bytes[used + 2] = (c << 6) | d
  }
  if (padding > 0) {
    const [a, b, c] = [0, 1, 2].map((i) => (i < 4 - padding ? valueOf(text.charCodeAt(whole + i)) : 0)) as [
      number,
      number,
      number,
    ]
    invalid |= a | b | c
    bytes[used] = (a << 2) | (b >> 4)
    if (padding === 1) bytes[used + 1] = (b << 4) | (c >> 2)
  }
  return invalid > 63 ? undefined : bytes
}

const valueOf = (code: number): number => (code < 256 ? VALUES[code]! : INVALID)
