// Text files. A short file is one document. A longer one is cut into documents at blank lines, because only whole documents
// are held out and a corpus is often a single file; with a separator, what stands between two separators is a document.

import type { CorpusFile, ReadContext } from './files.ts'
import { readBlocks } from './files.ts'
import { corpusError, LONGEST_DOCUMENT, type CorpusDocument, type CorpusSource, type SourceReader } from './source.ts'

// a corpus is cut in at least about this many documents
const FEWEST_DOCUMENTS = 64
const SHORTEST_CUT = 1024
const LONGEST_CUT = 256 * 1024

// with this many files the tenth that is held out is a fair sample of whole files
const FILES_TO_GROUP = 20

export const textReader: SourceReader = {
  extensions: ['.txt', '.text', '.md', '.rst'],
  options: ['separator'],
  async *documents(files, source, context) {
    const total = files.reduce((sum, file) => sum + file.size, 0)
    const cut = Math.min(LONGEST_CUT, Math.max(SHORTEST_CUT, Math.ceil(total / FEWEST_DOCUMENTS)))
    for (const file of files) {
      const group = source.separator === undefined && files.length >= FILES_TO_GROUP ? file.name : undefined
      let number = 0
      for await (const content of fileDocuments(file, source, cut, context)) {
        yield { id: `${file.name}#${++number}`, group, content } satisfies CorpusDocument
      }
    }
  },
}

/** Each file one document, however long. */
export async function* wholeFiles(files: readonly CorpusFile[], context: ReadContext): AsyncGenerator<CorpusDocument> {
  for (const file of files) {
    let content = ''
    for await (const text of readText(file, context)) {
      content += text
      if (content.length > LONGEST_DOCUMENT) throw tooLong(file)
    }
    yield { id: file.name, content }
  }
}

async function* fileDocuments(
  file: CorpusFile,
  { separator }: CorpusSource,
  cut: number,
  context: ReadContext,
): AsyncGenerator<string> {
  let pending = ''
  for await (const text of readText(file, context)) {
    pending += text
    if (separator !== undefined) {
      const parts = pending.split(separator)
      pending = parts.pop()!
      yield* parts.map((part) => part.trim())
      if (pending.length > LONGEST_DOCUMENT) throw tooLong(file)
      continue
    }
    let start = 0
    // twice the length, so that no tiny remainder is left at the end of the file
    while (pending.length - start > 2 * cut) {
      const end = cutPlace(pending, start, start + cut)
      yield pending.slice(start, end)
      start = end
    }
    pending = pending.slice(start)
  }
  yield separator === undefined ? pending : pending.trim()
}

/**
 * Where to cut a text that is too long: behind the last blank line in the second half of [start, end), else behind a line
 * end, else before a space, else between two characters.
 */
export function cutPlace(text: string, start: number, end: number): number {
  if (end >= text.length) return text.length
  const middle = start + Math.floor((end - start) / 2)
  const window = text.slice(middle, end)
  for (const [mark, length] of [
    ['\n\n', 2],
    ['\n', 1],
    [' ', 0],
  ] as const) {
    const at = window.lastIndexOf(mark)
    if (at >= 0 && middle + at + length > start) return middle + at + length
  }
  const isLow = (text.charCodeAt(end) & 0xfc00) === 0xdc00
  const isHigh = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return isLow && isHigh && end - 1 > start ? end - 1 : end
}

/** Decodes a file block by block; refuses NUL bytes and what is not UTF-8. */
async function* readText(file: CorpusFile, context: ReadContext): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const hint = 'a text corpus must be UTF-8 text; token files end in .bin'
  let offset = 0
  for await (const block of readBlocks(file, context)) {
    const nul = block.indexOf(0)
    if (nul >= 0) throw corpusError(`the file is not text: byte ${offset + nul} is NUL`, file.path, hint)
    try {
      yield decoder.decode(block, { stream: true })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw corpusError(
        `the file is not UTF-8 text (between bytes ${offset} and ${offset + block.length})`,
        file.path,
        hint,
      )
    }
    offset += block.length
  }
  try {
    yield decoder.decode()
  } catch {
    throw corpusError('the file ends within a UTF-8 character', file.path, hint)
  }
}

function tooLong(file: CorpusFile): Error {
  return corpusError(`a document is longer than ${LONGEST_DOCUMENT} characters`, file.path, 'check the separator')
}
