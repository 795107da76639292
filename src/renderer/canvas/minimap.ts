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

/** Whether a row stands for the block at a path of the spec: it is its own, or that of a collapsed group around it. */
function stands(row: Row, path: string): boolean {
  const own = specPath(row.path)
  return row.kind === 'block' ? own === path : row.isCollapsed && path.startsWith(`${own}.`)
}

/** The row of a block of the unrolled stack. */
export const rowOfBlock = (rows: readonly Row[], { path }: FlatBlock): Row | undefined =>
  rows.find((row) => stands(row, path))

/** The cells that rows stand for, with all their repeats, from the first to the last; undefined without any. */
export function cellsOfRows(rows: readonly Row[], blocks: readonly FlatBlock[]): CellSpan | undefined {
  const isSeen = new Map(
    [...new Set(blocks.map(({ path }) => path))].map((path) => [path, rows.some((r) => stands(r, path))]),
  )
  const start = blocks.findIndex(({ path }) => isSeen.get(path))
  const end = blocks.findLastIndex(({ path }) => isSeen.get(path)) + 1
  return start < 0 ? undefined : { start, end }
}

/** Index of the cell at a distance from the strip's left edge, or of the nearest. */
export function cellAt(cells: readonly StripCell[], x: number): number {
  const next = cells.findIndex((cell) => cell.x > x)
  return next < 0 ? cells.length - 1 : Math.max(0, next - 1)
}
