// YAML of cells as plain data. What comes from elsewhere is bounded: length, depth, number of values, aliases.

import { parseDocument } from 'yaml'
import { HeddleError } from '../errors.ts'

export type Plain = null | boolean | number | string | readonly Plain[] | PlainRecord
export interface PlainRecord {
  readonly [name: string]: Plain
}

/** Bounds of one text. */
export const YAML_LIMITS = { characters: 200_000, depth: 24, values: 20_000, aliases: 32 } as const
/** Brackets that may be open at once; the reader itself goes one call deeper for each. */
const OPEN_BRACKETS = 64
const UNSAFE_NAMES = ['__proto__', 'constructor', 'prototype']

/**
 * Reads one YAML document.
 * @throws HeddleError `param-invalid` with the line, or the bound that the text is over
 */
export function readYaml(text: string): Plain {
  if (text.length > YAML_LIMITS.characters)
    throw refusal(`the text has ${text.length} characters; at most ${YAML_LIMITS.characters} are read`)
  checkNesting(text)
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true, logLevel: 'error', strict: true })
  const [error] = document.errors
  if (error !== undefined) {
    const [at] = error.linePos ?? []
    throw new HeddleError('param-invalid', firstLine(error.message), {
      ...(at !== undefined && { path: `line ${at.line}` }),
      hint: 'this cell is written in YAML: name: value, one a line',
    })
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: YAML_LIMITS.aliases })
  } catch (error) {
    throw refusal(firstLine((error as Error).message))
  }
  const count = { values: 0 }
  return plain(value, 0, count)
}

/** Reads a document that is a mapping; an empty text is one without names. Throws as `readYaml`. */
export function readYamlRecord(text: string): PlainRecord {
  const value = readYaml(text)
  if (value === null) return {}
  if (!isRecord(value))
    throw new HeddleError('param-invalid', 'the cell must hold names with values', {
      hint: 'write name: value, one a line',
    })
  return value
}

/** Whether a value is a mapping. */
export const isRecord = (value: unknown): value is PlainRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refusal = (message: string): HeddleError => new HeddleError('param-invalid', message)
const firstLine = (message: string): string => message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')

// the reader calls itself for each level: a text that nests for ever would use up the stack
function checkNesting(text: string): void {
  let open = 0
  for (const line of text.split('\n')) {
    const indent = /^[ \t]*((?:[-?:] +)*)/.exec(line)![0].length
    if (indent > 4 * OPEN_BRACKETS || /^\s*([-?:] +){16}/.test(line)) throw refusal('the text is nested too deeply')
    for (const character of line) {
      if (character === '[' || character === '{') open++
      else if (character === ']' || character === '}') open = Math.max(0, open - 1)
      if (open > OPEN_BRACKETS) throw refusal(`more than ${OPEN_BRACKETS} brackets are open at once`)
    }
  }
}

function plain(value: unknown, depth: number, count: { values: number }): Plain {
  if (depth > YAML_LIMITS.depth) throw refusal(`values are nested more than ${YAML_LIMITS.depth} deep`)
  if (++count.values > YAML_LIMITS.values) throw refusal(`the text stands for more than ${YAML_LIMITS.values} values`)
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refusal(`${value} is not a finite number`)
    return value
  }
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1, count))
  if (typeof value === 'object') {
    const entries = Object.entries(value)
    const unsafe = entries.find(([name]) => UNSAFE_NAMES.includes(name))
    if (unsafe !== undefined) throw refusal(`${unsafe[0]} cannot be the name of a value`)
    return Object.fromEntries(entries.map(([name, item]) => [name, plain(item, depth + 1, count)]))
  }
  throw refusal(`a ${typeof value} is not plain data`)
}
