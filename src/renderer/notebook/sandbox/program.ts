// The user's TypeScript as a program for the worker.

import { transform } from 'sucrase'
import { HeddleError } from '#core/errors.ts'

/** The name of an input in code: `runs-2` is `runs_2`. */
export const variableOf = (id: string): string => id.replace(/-/g, '_')

const OPEN = 'heddleRun(async (inputs, display) => {'

/** A size that figures are to have, in pixels. */
export interface Layout {
  readonly width: number
  readonly height: number
}

/**
 * A script that runs the code after `prelude`; the first line of the code is on line `firstLine`.
 * @throws HeddleError `spec-syntax` with the line and column of the code
 */
export function programOf(
  code: string,
  inputs: readonly string[],
  prelude: string,
  layout?: Layout,
): { program: string; firstLine: number } {
  const names = inputs.map(variableOf)
  const given =
    inputs.length === 0
      ? ''
      : `const {${inputs.map((id, i) => `${JSON.stringify(id)}: ${names[i]}`).join(', ')}} = inputs;`
  let script: string
  try {
    script = transform(`${OPEN}${given}\n${code}\n}, ${JSON.stringify(layout ?? null)})`, {
      transforms: ['typescript'],
      production: true,
      keepUnusedImports: true,
    }).code
  } catch (error) {
    const [, text = 'the code cannot be read', line, column] =
      /^(?:Error transforming[^:]*: )?(.*?) \((\d+):(\d+)\)/s.exec((error as Error).message) ?? [
        undefined,
        (error as Error).message,
      ]
    throw new HeddleError('spec-syntax', text, line === undefined ? {} : { path: `${Number(line) - 1}:${column}` })
  }
  const head = `${prelude}\n`
  return { program: head + script, firstLine: head.split('\n').length + 1 }
}

/** The line of the code that an error's stack or event names; undefined for one outside of it. */
export function lineOf(stack: string, firstLine: number, lines: number): number | undefined {
  for (const [, text] of stack.matchAll(/:(\d+):\d+/g)) {
    const line = Number(text) - firstLine + 1
    if (line >= 1 && line <= lines) return line
  }
  return undefined
}
