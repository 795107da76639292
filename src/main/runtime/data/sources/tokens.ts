// Files of raw token ids, little endian, as nanoGPT writes them. Documents end at the end-of-document id; without one the
// file is cut into documents of equal length.

import type { CorpusFile } from './files.ts'
import { readBlocks } from './files.ts'
import { corpusError, type CorpusSource, type SourceReader } from './source.ts'

const FEWEST_DOCUMENTS = 64
const SHORTEST_CUT = 64
const LONGEST_CUT = 65_536
// a document that is longer is cut, so that a file without any end marker does not load into memory
const LONGEST_DOCUMENT_TOKENS = 2 ** 22

export const tokensReader: SourceReader = {
  extensions: ['.bin'],
  options: ['dtype', 'endOfDocument', 'vocabSize'],
  async *documents(files, source, context) {
    const width = source.dtype === 'uint32' ? 4 : 2
    for (const file of files) checkLength(file, width)
    const total = files.reduce((sum, file) => sum + file.size / width, 0)
    const cut = Math.min(LONGEST_CUT, Math.max(SHORTEST_CUT, Math.ceil(total / FEWEST_DOCUMENTS)))
    for (const file of files) {
      const pending = new Uint32Array(source.endOfDocument === undefined ? cut : LONGEST_DOCUMENT_TOKENS)
      let length = 0
      let start = 0
      let offset = 0
      for await (const block of readBlocks(file, context)) {
        for (let at = 0; at < block.length; at += width) {
          const id = width === 2 ? block.readUInt16LE(at) : block.readUInt32LE(at)
          if (source.vocabSize !== undefined && id >= source.vocabSize) throw outOfRange(id, offset, file, source)
          const isEnd = id === source.endOfDocument
          if (!isEnd) pending[length++] = id
          offset++
          if (isEnd || length === pending.length) {
            yield { id: `${file.name}[${start}]`, content: pending.slice(0, length) }
            start = offset
            length = 0
          }
        }
      }
      if (length > 0) yield { id: `${file.name}[${start}]`, content: pending.slice(0, length) }
    }
  },
}

function checkLength(file: CorpusFile, width: number): void {
  if (file.size % width === 0) return
  const hint = width === 4 ? 'is it a file of uint16?' : 'the file is truncated, or holds no raw tokens'
  throw corpusError(
    `the file has ${file.size} bytes, which is no multiple of the ${width} bytes of a token`,
    file.path,
    hint,
  )
}

function outOfRange(id: number, offset: number, file: CorpusFile, { vocabSize, dtype }: CorpusSource): Error {
  const hint = `check the tokenizer, and whether the file holds ${dtype === 'uint32' ? 'uint16' : 'uint32'}`
  return corpusError(`token ${offset} is ${id}, but the vocabulary has ${vocabSize} entries`, file.path, hint)
}
