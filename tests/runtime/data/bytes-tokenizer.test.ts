import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bytesTokenizer } from '#main/runtime/data/tokenizers/bytes.ts'

const tokenizer = bytesTokenizer()

it('encodes the bytes of UTF-8 and decodes them again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const ids = tokenizer.encode(text)
      expect([...ids]).toEqual([...Buffer.from(text, 'utf8')])
      expect(tokenizer.decode(ids)).toBe(text)
    }),
  )
})

it('has 257 entries, the last of which stands between documents and for no text', () => {
  expect(tokenizer.vocabSize).toBe(257)
  expect(tokenizer.endOfDocument).toBe(256)
  expect(tokenizer.decode([104, 105, 256, 33])).toBe('hi!')
  expect(tokenizer.decode([104, 999, 33, 0xe4])).toBe('h\ufffd!\ufffd')
  expect([tokenizer.tokenBytes(7), tokenizer.tokenBytes(256)]).toEqual([1, 0])
})

it('keeps a byte order mark', () => {
  expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa')
})
