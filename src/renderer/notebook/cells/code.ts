import { runCode } from '../sandbox/run.ts'
import { tableOf } from './table.ts'
import { cellView, NOTHING } from './view.ts'
import type { CellContext, Drawing, OutputTable } from './view.ts'

interface Content {
  readonly code: string
  readonly inputs: readonly string[]
}

/** One thing that code returned or displayed, as it is stored. */
type Shown =
  | {
      readonly type: 'svg' | 'html'
      readonly markup: string
      readonly width: number
      readonly height: number
      readonly data?: unknown
    }
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
    return { ...(await runCode(source, await valuesOf(inputs, context), context.signal)) }
  },
  async output(content, result, context) {
    const tables: OutputTable[] = [],
      drawings: Drawing[] = [],
      lines: string[] = []
    shownIn(result).forEach((one, i) => {
      if (one?.type === 'text') lines.push(String(one.text))
      else if (one?.type === 'table') tables.push(...[tableOf(one)].filter((table) => table !== undefined))
      else if (one?.type === 'svg' || one?.type === 'html')
        drawings.push({
          kind: one.type,
          markup: String(one.markup),
          width: Number(one.width) || 640,
          height: Math.min(4000, Math.max(20, Number(one.height) || 240)),
          data: tableOf(one.data, 'Data'),
          redraw: context.mayRedraw ? (...size) => redrawn(content, context, i, size) : undefined,
        })
    })
    return { ...NOTHING, tables, drawings, lines }
  },
  async rows(_, result) {
    return result?.['value'] ?? null
  },
  // what it returns is known when it runs
  type: 'any',
})

const valuesOf = async (inputs: readonly string[], context: CellContext): Promise<Readonly<Record<string, unknown>>> =>
  Object.fromEntries(await Promise.all(inputs.map(async (id) => [id, await context.rows(id)] as const)))

function shownIn(result: unknown): readonly (Shown | undefined)[] {
  const shown = (result as { readonly shown?: unknown } | undefined)?.shown
  return Array.isArray(shown) ? (shown as readonly (Shown | undefined)[]) : []
}

/** The markup of what the code showed at a place, at another size. */
async function redrawn(
  { code: source, inputs }: Content,
  context: CellContext,
  place: number,
  [width, height]: readonly [number, number],
): Promise<string> {
  const result = await runCode(source, await valuesOf(inputs, context), new AbortController().signal, { width, height })
  const one = shownIn(result)[place]
  if (one?.type !== 'svg' && one?.type !== 'html') throw new Error('the code drew nothing this time')
  return String(one.markup)
}
