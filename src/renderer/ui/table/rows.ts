// Order and groups of a table's rows. Pure.

import type { CellValue, Column, Sort } from './column.ts'

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** Orders two present values: numbers by size, texts as people read them (`run 2` before `run 10`). */
function compare(a: CellValue, b: CellValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return words.compare(String(a), String(b))
}

const isMissing = (value: CellValue): boolean => value === null || value === undefined || Number.isNaN(value)

/** The rows in the order of a sort; equal ones keep their order and missing values stand last either way. */
export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | undefined,
): readonly Row[] {
  const column = columns.find((candidate) => candidate.key === sort?.column)
  if (sort === undefined || column === undefined) return rows
  const sign = sort.direction === 'up' ? 1 : -1
  return rows
    .map((row) => ({ row, value: column.value(row) }))
    .sort((a, b) => {
      const [noA, noB] = [isMissing(a.value), isMissing(b.value)]
      if (noA || noB) return Number(noA) - Number(noB)
      return sign * compare(a.value, b.value)
    })
    .map(({ row }) => row)
}

/** One line of the table: a row, or the head of a group. */
export type Line<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'group'; readonly group: string; readonly count: number; readonly folded: boolean }

/** The lines of sorted rows; groups stand in the order of their first rows, folded ones keep only their head. */
export function linesOf<Row>(
  rows: readonly Row[],
  groupBy: ((row: Row) => string) | undefined,
  folded: ReadonlySet<string>,
): Line<Row>[] {
  if (groupBy === undefined) return rows.map((row) => ({ kind: 'row', row }))
  return [...Map.groupBy(rows, groupBy)].flatMap(([group, members]): Line<Row>[] => {
    const isFolded = folded.has(group)
    const head: Line<Row> = { kind: 'group', group, count: members.length, folded: isFolded }
    return isFolded ? [head] : [head, ...members.map((row): Line<Row> => ({ kind: 'row', row }))]
  })
}

/** The next sort when a header is chosen: up, down, then as given. */
export function nextSort(sort: Sort | undefined, column: string): Sort | undefined {
  if (sort?.column !== column) return { column, direction: 'up' }
  return sort.direction === 'up' ? { column, direction: 'down' } : undefined
}

/** The span of lines in sight, with a few more on both sides: `[from, to)`. */
export function visibleSpan(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
  spare = 6,
): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight) - spare))
  return { from, to: Math.max(from, Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare)) }
}

/** Where to scroll so that a line is whole in sight; the same place if it is. */
export function scrollTo(line: number, scrollTop: number, height: number, rowHeight: number): number {
  const [top, bottom] = [line * rowHeight, (line + 1) * rowHeight]
  if (top < scrollTop) return top
  return bottom > scrollTop + height ? bottom - height : scrollTop
}
