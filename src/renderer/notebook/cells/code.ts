import { runCode } from '../sandbox/run.ts'
import { tableOf } from './table.ts'
import { cellView, NOTHING } from './view.ts'
import type { Drawing, Output, OutputTable } from './view.ts'

interface Content {
  readonly code: string
  readonly inputs: readonly string[]
}

/** One thing that code returned or displayed, as it is stored. */
type Shown =
  | { readonly type: 'svg' | 'html'; readonly markup: string; readonly width: number; readonly height: number }
  | {
      readonly type: 'table'
      readonly columns: readonly string[]
      readonly rows: readonly unknown[]
      readonly isCut: boolean
    }
  | { readonly type: 'text'; readonly text: string }

/** TypeScript in the closed frame; `plot` cells are the same. */
export const code = cellView<Content>({
  async run({ code: source, inputs }, context) {
    const values = await Promise.all(inputs.map(async (id) => [id, await context.rows(id)] as const))
    return { ...(await runCode(source, Object.fromEntries(values), context.signal)) }
  },
  output: async (_, result) => outputOf(result),
  async rows(_, result) {
    return result?.['value'] ?? null
  },
  // what it returns is known when it runs
  type: 'any',
})

function outputOf(result: unknown): Output {
  const shown = (result as { readonly shown?: unknown } | undefined)?.shown
  if (!Array.isArray(shown)) return NOTHING
  const tables: OutputTable[] = [],
    drawings: Drawing[] = [],
    lines: string[] = []
  for (const one of shown as readonly Shown[]) {
    if (one?.type === 'text') lines.push(String(one.text))
    else if (one?.type === 'table') tables.push(...[tableOf(one)].filter((table) => table !== undefined))
    else if (one?.type === 'svg' || one?.type === 'html')
      drawings.push({
        kind: one.type,
        markup: String(one.markup),
        width: Number(one.width) || 640,
        height: Math.min(4000, Math.max(20, Number(one.height) || 240)),
      })
  }
  return { ...NOTHING, tables, drawings, lines }
}
