import type { Snippet } from 'svelte'
import { formatNumber } from '../format.ts'

export type CellValue = number | string | boolean | null | undefined

/** One column of a table over rows of one type. */
export interface Column<Row> {
  /** Stable name; widths and sort order go by it. */
  readonly key: string
  readonly title: string
  readonly unit?: string | undefined
  /** What the column is, for the header's tooltip. */
  readonly doc?: string | undefined
  /** First width in pixels; 120 without. */
  readonly width?: number | undefined
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right' | undefined
  /** What is sorted, copied and, without `text` and `cell`, shown. */
  readonly value: (row: Row) => CellValue
  /** Shown text where the value alone does not do. */
  readonly text?: ((row: Row) => string) | undefined
  /** Shown marks where text does not do. */
  readonly cell?: Snippet<[Row]> | undefined
  /** False: its header does not sort. */
  readonly sortable?: boolean | undefined
}

export interface Sort {
  /** Key of the column. */
  readonly column: string
  readonly direction: 'up' | 'down'
}

export const DEFAULT_WIDTH = 120
export const MIN_WIDTH = 40

/** The text of a cell; a number without its unit where the header names it. */
export function cellText<Row>(column: Column<Row>, row: Row): string {
  if (column.text !== undefined) return column.text(row)
  const value = column.value(row)
  if (value === null || value === undefined) return '–'
  if (typeof value !== 'number') return typeof value === 'boolean' ? (value ? 'yes' : 'no') : value
  // one unit for the whole column: no prefix that changes from row to row
  return formatNumber(value).text
}
