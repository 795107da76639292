// JSON lines: one object a line, one field of which is the text.

import { TextDecoder } from 'node:util'
import type { CorpusFile, ReadContext } from './files.ts'
import { readBlocks } from './files.ts'
import { corpusError, LONGEST_DOCUMENT, nameList, type SourceReader } from './source.ts'

export const jsonlReader: SourceReader = {
  extensions: ['.jsonl', '.ndjson', '.json'],
  options: ['field'],
  async *documents(files, { field = 'text' }, context) {
    for (const file of files) {
      const decoder = new TextDecoder('utf-8', { fatal: true })
      for await (const { line, number } of readLines(file, context)) {
        const content = lineText(decodeLine(decoder, line, number, file), field, number, file)
        if (content !== null) yield { id: `${file.name}:${number}`, content }
      }
    }
  },
}

interface Line {
  readonly line: Buffer
  readonly number: number
}

/** The lines of a file as bytes, numbered from 1. A line is overwritten by the next one. */
async function* readLines(file: CorpusFile, context: ReadContext): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let held = 0
  for await (const block of readBlocks(file, context)) {
    let start = 0
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
      const rest = block.subarray(start, end)
      yield { line: parts.length === 0 ? rest : Buffer.concat([...parts, rest]), number: number++ }
      parts = []
      held = 0
      start = end + 1
    }
    if (start === block.length) continue
    // the block is used again, the rest of it is needed longer
    parts.push(Buffer.from(block.subarray(start)))
    held += block.length - start
    if (held > LONGEST_DOCUMENT) {
      const hint = 'a JSONL file holds one JSON object a line'
      throw corpusError(
        `line ${number} is longer than ${LONGEST_DOCUMENT / 2 ** 20} MiB`,
        `${file.path}:${number}`,
        hint,
      )
    }
  }
  if (held > 0) yield { line: Buffer.concat(parts), number }
}

function decodeLine(decoder: TextDecoder, line: Buffer, number: number, file: CorpusFile): string {
  const path = `${file.path}:${number}`
  if (line.includes(0)) throw corpusError(`line ${number} is not text: it holds a NUL byte`, path)
  try {
    return decoder.decode(line)
  } catch {
    throw corpusError(`line ${number} is not UTF-8 text`, path)
  }
}

/** The text of a line; null when there is none to read. */
function lineText(line: string, field: string, number: number, file: CorpusFile): string | null {
  if (line.trim() === '') return null
  const path = `${file.path}:${number}`
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    const hint = 'a JSONL file holds one JSON object a line, not one object or list over several lines'
    throw corpusError(`line ${number} is not JSON: ${(error as Error).message.slice(0, 200)}`, path, hint)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw corpusError(
      `line ${number} holds no JSON object`,
      path,
      'each line must be an object with a field for the text',
    )
  }
  const names = Object.keys(value)
  if (!Object.hasOwn(value, field)) {
    throw corpusError(
      `line ${number} has no field ${JSON.stringify(field)}; its fields: ${nameList(names)}`,
      path,
      'name the field that holds the text',
    )
  }
  const text = (value as Record<string, unknown>)[field]
  if (text === null) return null
  if (typeof text !== 'string') {
    const strings = names.filter((name) => typeof (value as Record<string, unknown>)[name] === 'string')
    throw corpusError(
      `line ${number}: the field ${JSON.stringify(field)} is not a string; fields that are: ${nameList(strings)}`,
      path,
    )
  }
  // escapes can spell half of a surrogate pair, which has no bytes in UTF-8
  return text.toWellFormed()
}
