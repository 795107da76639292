// Stacks as text from elsewhere: the clipboard, files, drops. The text form, our JSON, or a Hugging Face config.json.

import { HeddleError } from '#core/errors.ts'
import { importHfConfig } from '#core/model/import-hf.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec, StackItem } from '#core/model/spec.ts'
import { parseSpecText, printPattern } from '#core/model/text.ts'

/** Longest text that is read. */
export const MOST_CHARACTERS = 1_000_000

export interface Imported {
  readonly spec: ArchSpec
  /** What could not be said exactly, one sentence each. */
  readonly notes: readonly string[]
  readonly format: 'text' | 'spec' | 'config'
}

/**
 * Reads a stack in any form that is known.
 * @throws HeddleError that names the place
 */
export function readStack(text: string): Imported {
  if (text.length > MOST_CHARACTERS)
    throw new HeddleError(
      'file-invalid',
      `the text has ${text.length} characters; a stack has at most ${MOST_CHARACTERS}`,
    )
  const json = readJson(text)
  if (json === undefined) return { spec: parseSpecText(text), notes: [], format: 'text' }
  const isConfig = typeof json === 'object' && json !== null && Object.hasOwn(json, 'model_type')
  if (isConfig) return { ...importHfConfig(json), format: 'config' }
  return { spec: parseSpec(json), notes: [], format: 'spec' }
}

/** The blocks of a text that was copied from a canvas or written by hand. */
export const readBlocks = (text: string): readonly StackItem[] => readStack(text).spec.blocks

/** Blocks as text for the clipboard. */
export const writeBlocks = (items: readonly StackItem[]): string => printPattern(items)

/** The parsed JSON, or undefined for the text form, which may begin with a brace too. */
function readJson(text: string): unknown {
  if (!/^\s*\{\s*"/.test(text)) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new HeddleError('spec-syntax', `this JSON cannot be read: ${(error as Error).message}`, {
      hint: 'give the text form, a spec, or the config.json of a Hugging Face model',
    })
  }
}
