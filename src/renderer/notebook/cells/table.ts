import { client } from '../../client.ts'
import { cellView, NOTHING } from './view.ts'
import type { OutputTable, TableValue } from './view.ts'

interface Content {
  readonly sql: string
  readonly rows: number
}

/** A stored table; a project from elsewhere may hold anything. */
export function tableOf(result: unknown, name = 'Rows'): OutputTable | undefined {
  const { columns, rows, isCut } = (result ?? {}) as Readonly<Record<string, unknown>>
  if (!Array.isArray(columns) || !Array.isArray(rows)) return undefined
  const value = (one: unknown): TableValue => (typeof one === 'number' || one === null ? one : String(one))
  return {
    name,
    columns: columns.map(String),
    rows: rows.filter(Array.isArray).map((row: unknown[]) => row.map(value)),
    isCut: isCut === true,
  }
}

export const table = cellView<Content>({
  run: ({ sql, rows }) => client.notebooks.query({ sql, rows }).then((page) => ({ ...page })),
  async output(_, result) {
    const found = tableOf(result)
    return found === undefined ? NOTHING : { ...NOTHING, tables: [found] }
  },
  async rows(_, result) {
    const found = tableOf(result)
    return found?.rows.map((row) => Object.fromEntries(found.columns.map((name, i) => [name, row[i] ?? null]))) ?? []
  },
  type: 'readonly { readonly [column: string]: number | string | null }[]',
})
