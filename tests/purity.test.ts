// The promise that core is pure is kept by the compiler and the linter: what they refuse, and that they do.

import { join } from 'node:path'
import { ESLint } from 'eslint'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { root } from '../scripts/commands.ts'

/** The errors of a file with this code as if it stood in src/core, under the settings of its tsconfig.json. */
function coreErrors(code: string): string[] {
  const config = join(root, 'src/core/tsconfig.json')
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    { ...ts.sys, readDirectory: () => [join(root, 'src/core/errors.ts')] },
    join(root, 'src/core'),
  )
  const file = join(root, 'src/core/planted.ts')
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, target) =>
    name === file ? ts.createSourceFile(name, code, target) : getSourceFile(name, target)
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

it('core may use the language and its own files', () => {
  expect(coreErrors(`import { HeddleError } from '#core/errors.ts'\nexport const a = [HeddleError].at(-1)\n`)).toEqual(
    [],
  )
})

it.each([
  [`console.log(1)`, `Cannot find name 'console'`],
  [`export const cores = process.env`, `Cannot find name 'process'`],
  [`export const body = document.body`, `Cannot find name 'document'`],
  [`export const now = performance.now()`, `Cannot find name 'performance'`],
  [`setTimeout(() => {}, 1)`, `Cannot find name 'setTimeout'`],
  [`export * from 'node:fs'`, `Cannot find name 'node:fs'`],
  [`export const first = (list: number[]): number => list[0]`, `'undefined' is not assignable`],
  [`export enum Color { red }`, `'erasableSyntaxOnly' is enabled`],
  [`import { ErrorCode } from './errors.ts'\nexport type C = ErrorCode`, `must be imported using a type-only import`],
])('the compiler refuses in core: %s', (code, message) => {
  expect(coreErrors(code).join('\n')).toContain(message)
})

it('the linter refuses a clock, unseeded randomness and foreign boxes in core', async () => {
  const code = `import '#main/store/db.ts'\nexport const a = [Math.random(), Date.now()]\n`
  const results = await new ESLint({ cwd: root }).lintText(code, { filePath: join(root, 'src/core/planted.ts') })
  const rules = results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId))
  expect(rules.sort()).toEqual(['heddle/boundaries', 'no-restricted-globals', 'no-restricted-properties'])
})
