import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeUtf8, encodeUtf8, utf8Length } from '#core/utf8.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function platformDecode(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

describe('utf8', () => {
  it('encodes as TextEncoder does, lone surrogates included', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((u) => String.fromCharCode(u)) }),
        (text) => {
          expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text))
          expect(utf8Length(text)).toBe(encodeUtf8(text).length)
        },
      ),
    )
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => void expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text)),
      ),
    )
  })

  it('decodes as a fatal TextDecoder does', () => {
    const lead = fc.constantFrom(
      0x41,
      0xc2,
      0xc0,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0x80,
      0xa0,
      0x8f,
      0x9f,
      0xbf,
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.array(lead, { maxLength: 8 }).map((b) => Uint8Array.from(b)),
    )
    fc.assert(
      fc.property(bytes, (b) => void expect(decodeUtf8(b)).toBe(platformDecode(b))),
      { numRuns: 5000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void expect(decodeUtf8(encodeUtf8(text))).toBe(text)),
    )
  })

  it('decodes long texts in portions', () => {
    const text = 'aé€😀'.repeat(20_000)
    expect(decodeUtf8(encodeUtf8(text))).toBe(text)
  })
})
