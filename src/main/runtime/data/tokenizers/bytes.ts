import { createHash } from 'node:crypto'
import type { Tokenizer } from '../tokenizer.ts'

const END_OF_DOCUMENT = 256

/**
 * The tokenizer that needs no training: ids 0 to 255 are the bytes of UTF-8 and 256 stands between documents, so that
 * a model can tell where one ends. 257 entries.
 */
export function bytesTokenizer(): Tokenizer {
  const encoder = new TextEncoder()
  // a byte order mark is text here: decoding must give back what was encoded
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    kind: 'bytes',
    name: 'bytes',
    vocabSize: 257,
    endOfDocument: END_OF_DOCUMENT,
    fingerprint: createHash('sha256').update('heddle bytes 257').digest('hex'),
    encode: (text) => new Uint32Array(encoder.encode(text)),
    decode(ids) {
      const parts: string[] = []
      let start = 0
      for (let i = 0; i <= ids.length; i++) {
        if (i < ids.length && ids[i]! < 256) continue
        parts.push(decoder.decode(Uint8Array.from({ length: i - start }, (_, k) => ids[start + k]!)))
        if (i < ids.length && ids[i] !== END_OF_DOCUMENT) parts.push('\ufffd')
        start = i + 1
      }
      return parts.join('')
    },
    tokenBytes: (id) => (id < 256 ? 1 : 0),
  }
}
