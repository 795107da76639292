// The stack strip as a map of the canvas: which of its cells are in sight, and where a cell leads. Pure.

import type { FlatBlock } from '#core/model/spec.ts'
import type { StripCell } from '#core/plots/strip.ts'
import type { Row } from './layout.ts'
import { specPath } from './tree/path.ts'

/** Cells `start` to `end`, not included. */
export interface CellSpan {
  readonly start: number
  readonly end: number
}

/** Finds the row of a block: its own, or that of a collapsed group around it. */
function finder(rows: readonly Row[]): (path: string) => Row | undefined {
  const own = new Map(rows.flatMap((row) => (row.kind === 'block' ? [[specPath(row.path), row] as const] : [])))
  const shut = rows.flatMap((row) =>
    row.kind === 'group' && row.isCollapsed ? [{ row, within: `${specPath(row.path)}.` }] : [],
  )
  return (path) => own.get(path) ?? shut.find(({ within }) => path.startsWith(within))?.row
}

/** The row of a block of the unrolled stack. */
export const rowOfBlock = (rows: readonly Row[], { path }: FlatBlock): Row | undefined => finder(rows)(path)

/** The cells that rows stand for, with all their repeats, from the first to the last; undefined without any. */
export function cellsOfRows(rows: readonly Row[], blocks: readonly FlatBlock[]): CellSpan | undefined {
  const find = finder(rows)
  const start = blocks.findIndex(({ path }) => find(path) !== undefined)
  const end = blocks.findLastIndex(({ path }) => find(path) !== undefined) + 1
  return start < 0 ? undefined : { start, end }
}

/** Index of the cell at a distance from the strip's left edge, or of the nearest. */
export function cellAt(cells: readonly StripCell[], x: number): number {
  const next = cells.findIndex((cell) => cell.x > x)
  return next < 0 ? cells.length - 1 : Math.max(0, next - 1)
}
