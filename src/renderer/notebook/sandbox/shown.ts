// What code returned or displayed, as plain data: a picture, a table, or text.

import { isElement, markupOf } from './element.ts'
import { rowsBehind } from './plot.ts'

interface Rows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
  readonly isCut: boolean
}

/** One thing that a cell shows. */
export type Shown =
  | {
      readonly type: 'svg' | 'html'
      readonly markup: string
      readonly width: number
      readonly height: number
      /** The rows that were drawn, where they are known. */
      readonly data?: Rows
    }
  | ({ readonly type: 'table' } & Rows)
  | { readonly type: 'text'; readonly text: string }

const MOST_ROWS = 1000
const MOST_DRAWN = 5000
const MOST_COLUMNS = 60
const LONGEST_TEXT = 20_000
const LONGEST_VALUE = 500

/** The shown form of any value; undefined for nothing. */
export function shownOf(value: unknown): Shown | undefined {
  if (value === undefined) return undefined
  if (isElement(value)) {
    const isSvg = value.tagName === 'svg'
    // a legend has small pictures of its own
    const pictures = isSvg ? [value] : value.querySelectorAll('svg')
    const size = (name: string, otherwise: number): number =>
      Math.max(...pictures.map((svg) => Number(svg.getAttribute(name)) || 0), 0) || otherwise
    // a figure has its legend and title beside the picture
    const extra = isSvg ? 0 : 60
    const drawn = [value, ...pictures].flatMap(rowsBehind)
    return {
      type: isSvg ? 'svg' : 'html',
      markup: markupOf(value),
      width: size('width', 640),
      height: size('height', 180) + extra,
      ...(drawn.length > 0 && { data: rowsOf(drawn, MOST_DRAWN) }),
    }
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isPlainObject))
    return { type: 'table', ...rowsOf(value, MOST_ROWS) }
  return { type: 'text', text: textOf(value) }
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isElement(value)

function rowsOf(rows: readonly Readonly<Record<string, unknown>>[], most: number): Rows {
  const kept = rows.slice(0, most)
  const columns = [...new Set(kept.flatMap((row) => Object.keys(row)))].slice(0, MOST_COLUMNS)
  const value = (one: unknown): string | number | null => {
    if (one === undefined || one === null) return null
    if (typeof one === 'number') return Number.isFinite(one) ? one : null
    return textOf(one).slice(0, LONGEST_VALUE)
  }
  return {
    columns,
    rows: kept.map((row) => columns.map((name) => value(Object.hasOwn(row, name) ? row[name] : null))),
    isCut: rows.length > most,
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT)
  try {
    const text =
      JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one), 1) ?? String(value)
    return text.slice(0, LONGEST_TEXT)
  } catch {
    return String(value).slice(0, LONGEST_TEXT)
  }
}
