// Questions out of JSONL files, checked line by line.

import { createReadStream } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { show } from '#core/params.ts'
import type { EvalTask, Example, Line } from './task.ts'

const LONGEST_LINE = 2 ** 20
const MOST_EXAMPLES = 1e6

/** An example with the number of its line, from 1. */
export type NumberedExample = Example & { readonly line: number }

/**
 * Reads the questions of a file, at most `limit` of them; empty lines are skipped.
 * @throws HeddleError `file-missing`, or `corpus-invalid` naming file, line and field
 */
export async function readExamples(
  path: string,
  task: EvalTask,
  limit: number | null = null,
): Promise<NumberedExample[]> {
  const examples: NumberedExample[] = []
  const most = Math.min(limit ?? MOST_EXAMPLES, MOST_EXAMPLES)
  for await (const { bytes, number } of readLines(path)) {
    if (examples.length >= most) break
    const text = decode(bytes, path, number)
    if (text.trim() !== '') examples.push({ ...task.read(parseLine(text, path, number)), line: number })
  }
  if (examples.length === 0)
    throw new HeddleError('corpus-invalid', `${path} holds no question`, {
      path,
      hint: `a ${task.kind} file has a JSON object a line with ${task.doc}`,
    })
  return examples
}

interface Bytes {
  readonly bytes: Buffer
  readonly number: number
}

async function* readLines(path: string): AsyncGenerator<Bytes> {
  let rest = Buffer.alloc(0)
  let number = 1
  try {
    for await (const block of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      let start = 0
      for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
        yield { bytes: Buffer.concat([rest, block.subarray(start, end)]), number: number++ }
        rest = Buffer.alloc(0)
        start = end + 1
      }
      rest = Buffer.concat([rest, block.subarray(start)])
      if (rest.length > LONGEST_LINE)
        throw invalid(path, number, `longer than ${LONGEST_LINE / 2 ** 20} MiB`, 'each question is one line')
    }
  } catch (error) {
    if (error instanceof HeddleError) throw error
    throw new HeddleError('file-missing', `${path} cannot be read: ${(error as Error).message}`, { path })
  }
  if (rest.length > 0) yield { bytes: rest, number }
}

function decode(bytes: Buffer, path: string, number: number): string {
  if (bytes.length > LONGEST_LINE)
    throw invalid(path, number, `longer than ${LONGEST_LINE / 2 ** 20} MiB`, 'each question is one line')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid(path, number, 'not UTF-8 text')
  }
}

function parseLine(text: string, path: string, number: number): Line {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(
      path,
      number,
      `not JSON: ${(error as Error).message.slice(0, 200)}`,
      'each line holds one JSON object',
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, number, `${show(value)}, not a JSON object`)
  const fields = value as Readonly<Record<string, unknown>>
  const fail = (name: string, given: unknown, rule: string): never => {
    const what =
      given === undefined ? `"${name}" is missing; it must be ${rule}` : `"${name}" (${show(given)}) must be ${rule}`
    throw new HeddleError('corpus-invalid', `line ${number}: ${what}`, {
      path: `${path}:${number}`,
      ...(given === undefined && { hint: `fields of the line: ${Object.keys(fields).slice(0, 20).join(', ')}` }),
    })
  }
  const textOf = (name: string): string => {
    const given = Object.hasOwn(fields, name) ? fields[name] : undefined
    return typeof given === 'string' && given.trim() !== ''
      ? given.toWellFormed()
      : fail(name, given, 'text that is not empty')
  }
  return { fields, text: textOf, fail }
}

function invalid(path: string, number: number, what: string, hint?: string): HeddleError {
  return new HeddleError('corpus-invalid', `line ${number} is ${what}`, { path: `${path}:${number}`, hint })
}
