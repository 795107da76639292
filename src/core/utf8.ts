// UTF-8 without TextEncoder and TextDecoder, which the core's type library does not have. Decoding is strict
// (RFC 3629): overlong forms, surrogates and values above U+10FFFF are refused rather than replaced.

/** Counts the bytes that `encodeUtf8` needs for a text. */
export function utf8Length(text: string): number {
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) length += 1
    else if (unit < 0x800) length += 2
    else if (isPair(text, i)) {
      length += 4
      i++
    } else length += 3
  }
  return length
}

/** Writes a text at an offset of `target` and returns the offset behind it; lone surrogates become U+FFFD. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  let at = offset
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i)
    if (point < 0x80) {
      target[at++] = point
      continue
    }
    if (point < 0x800) {
      target[at++] = 0xc0 | (point >> 6)
    } else {
      if (isPair(text, i)) {
        point = text.codePointAt(i)!
        i++
        target[at++] = 0xf0 | (point >> 18)
        target[at++] = 0x80 | ((point >> 12) & 0x3f)
      } else {
        if (point >= 0xd800 && point < 0xe000) point = 0xfffd
        target[at++] = 0xe0 | (point >> 12)
      }
      target[at++] = 0x80 | ((point >> 6) & 0x3f)
    }
    target[at++] = 0x80 | (point & 0x3f)
  }
  return at
}

/** Encodes a text as UTF-8; lone surrogates become U+FFFD, as with TextEncoder. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text))
  writeUtf8(text, bytes, 0)
  return bytes
}

/** Decodes UTF-8 from `start` to `end`; `undefined` when the bytes are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  const parts: string[] = []
  let units: number[] = []
  for (let at = start; at < end;) {
    const lead = bytes[at]!
    const size =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0
    if (size === 0 || at + size > end) return undefined
    let point = size === 1 ? lead : lead & (0x7f >> size)
    for (let k = 1; k < size; k++) {
      const next = bytes[at + k]!
      if ((next & 0xc0) !== 0x80) return undefined
      point = (point << 6) | (next & 0x3f)
    }
    if (size === 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) return undefined
    if (size === 4 && (point < 0x10000 || point > 0x10ffff)) return undefined
    if (point < 0x10000) units.push(point)
    else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff))
    at += size
    // fromCharCode takes its units as arguments, so they go in portions that fit the stack
    if (units.length >= 4096) {
      parts.push(String.fromCharCode(...units))
      units = []
    }
  }
  parts.push(String.fromCharCode(...units))
  return parts.join('')
}

function isPair(text: string, i: number): boolean {
  const high = text.charCodeAt(i)
  const low = text.charCodeAt(i + 1)
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000
}
