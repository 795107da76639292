import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Sha256, sha256 } from '#core/graph/sha256.ts'

const expected = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')

describe('sha256', () => {
  it('is the standard one for bytes of every length around a block', () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) % 256)
      expect(sha256(bytes)).toBe(expected(bytes))
    }
  })

  it('is the standard one for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(sha256(text)).toBe(expected(text))))
    expect(sha256('naïve 🙂 \u0000')).toBe(expected('naïve 🙂 \u0000'))
  })

  it('does not depend on how the data is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 6 }), (parts) => {
        const running = new Sha256()
        for (const part of parts) running.update(part)
        expect(running.hex()).toBe(expected(Buffer.concat(parts)))
      }),
    )
  })

  it('takes a megabyte', () => {
    const bytes = new Uint8Array(1 << 20).fill(7)
    expect(sha256(bytes)).toBe(expected(bytes))
  })
})
