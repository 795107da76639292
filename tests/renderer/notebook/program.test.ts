import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { lineOf, programOf } from '../../../src/renderer/notebook/sandbox/program.ts'

async function run(code: string, inputs: Record<string, unknown> = {}): Promise<unknown> {
  const { program } = programOf(code, Object.keys(inputs), '// prelude\n// of two lines')
  let given: Promise<unknown> = Promise.resolve()
  runInNewContext(program, {
    heddleRun: (f: (i: unknown, d: unknown) => Promise<unknown>) => (given = f(inputs, () => {})),
  })
  return given
}

describe('a program', () => {
  it('is the code without its types, over its inputs', async () => {
    const code =
      'interface Row { readonly n: number }\nconst rows: Row[] = runs_2 as never\nreturn rows.map((row): number => row.n!)'
    expect(await run(code, { 'runs-2': [{ n: 1 }, { n: 2 }] })).toEqual([1, 2])
    expect(await run('return await Promise.resolve(3)')).toBe(3)
  })

  it('names the line of what cannot be read', () => {
    expect(() => programOf('const a = 1\nconst b = (', [], 'x')).toThrow(
      expect.objectContaining({ code: 'spec-syntax' }),
    )
    try {
      programOf('ok()\nlet let = ]', [], 'x')
    } catch (error) {
      expect((error as { path: string }).path).toMatch(/^2:\d+$/)
    }
  })

  it('names the line of what is thrown', async () => {
    const code = 'const a = 1\n\nthrow new Error(`no ${a}`)'
    const { firstLine } = programOf(code, ['x'], '// prelude\n// of two lines')
    const error = (await run(code, { x: 1 }).catch((one: unknown) => one)) as Error
    expect(error.message).toBe('no 1')
    expect(lineOf(error.stack!, firstLine, 3)).toBe(3)
  })
})
