// The stack strip as a map of the canvas: cells of the unrolled stack, brackets of its repeats, the part in sight. Pure.

import { isGroup } from '#core/model/spec.ts'
import type { FlatBlock, StackItem } from '#core/model/spec.ts'
import { specPath } from './tree/path.ts'
import type { Path } from './tree/path.ts'
import type { Row } from './layout.ts'

/** A repeated or named group over cells `start` to `end` (not included). */
export interface Bracket {
  readonly path: Path
  readonly start: number
  readonly end: number
  readonly depth: number
  /** `×3`, `early ×3`. */
  readonly label: string
}

/** Brackets of the groups in the order of the strip; groups inside a repeated one are shown for its first copy only. */
export function bracketsOf(items: readonly StackItem[], hasCell: (path: string) => boolean): Bracket[] {
  const brackets: Bracket[] = []
  const visit = (list: readonly StackItem[], parent: Path, start: number): number => {
    let at = start
    list.forEach((item, index) => {
      const path = [...parent, index]
      if (!isGroup(item)) {
        if (hasCell(specPath(path))) at++
        return
      }
      const mark = brackets.push({ path, start: at, end: at, depth: parent.length, label: labelOf(item) }) - 1
      // every copy has as many cells as the first
      at += (visit(item.blocks, path, at) - at) * item.repeat
      brackets[mark] = { ...brackets[mark]!, end: at }
    })
    return at
  }
  visit(items, [], 0)
  return brackets.filter(({ start, end }) => end > start)
}

const labelOf = ({ label, repeat }: { readonly label?: string; readonly repeat: number }): string =>
  label === undefined ? `×${repeat}` : repeat === 1 ? label : `${label} ×${repeat}`

/** Left edges of the cells and the right edge of the last, in pixels. */
export function cellEdges(count: number, width: number, weights: readonly number[] | undefined): number[] {
  const total = weights?.reduce((a, b) => a + b, 0) ?? count
  const edges = [0]
  for (let i = 0; i < count; i++) edges.push(edges[i]! + ((weights?.[i] ?? 1) / total) * width)
  return edges
}

/** The cells that rows stand for, from the first to the one behind the last; undefined without any. */
export function cellsOfRows(
  rows: readonly Row[],
  blocks: readonly FlatBlock[],
): { start: number; end: number } | undefined {
  const paths = rows.map((row) => specPath(row.path))
  const exact = new Set(rows.flatMap((row, i) => (row.kind === 'block' ? [paths[i]!] : [])))
  const shut = rows.flatMap((row, i) => (row.kind === 'group' && row.isCollapsed ? [`${paths[i]!}.`] : []))
  let start = -1
  let end = -1
  blocks.forEach(({ path }, i) => {
    if (!exact.has(path) && !shut.some((prefix) => path.startsWith(prefix))) return
    if (start < 0) start = i
    end = i + 1
  })
  return start < 0 ? undefined : { start, end }
}
