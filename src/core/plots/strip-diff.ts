// Two stacks as strips, one above the other, with what changed between them.

import { diffSpecs } from '../model/diff.ts'
import type { ResolvedSpec } from '../model/spec.ts'
import { changeMarks } from './lineage.ts'
import type { Scene } from './scene.ts'
import { stripCells, stripMarks } from './strip.ts'
import type { Theme } from './theme.ts'

export interface StripDiffOptions {
  readonly width: number
  readonly theme: Theme
  /** Of each strip; default 18. */
  readonly height?: number
  /** Widest cell; default 22. */
  readonly cell?: number
}

/** Room around the strips for the marks of changes. */
const EDGE = 5

/** The earlier stack above the later one; cells of both are equally wide. */
export function stripDiffScene(before: ResolvedSpec, after: ResolvedSpec, options: StripDiffOptions): Scene {
  const { width, theme, height = 18, cell = 22 } = options
  const deepest = Math.max(1, before.blocks.length, after.blocks.length)
  const unit = Math.min(cell, Math.max(1, width - 2 * EDGE) / deepest)
  const rows = [before, after].map((resolved, i) => {
    const y = EDGE + i * (height + 22)
    const box = { width: unit * resolved.blocks.length, height }
    return {
      resolved,
      cells: stripCells(resolved, EDGE, y, box),
      marks: stripMarks(resolved, EDGE, y, { ...box, theme }),
    }
  })
  const [above, below] = rows as [(typeof rows)[0], (typeof rows)[0]]
  return {
    width,
    height: 2 * height + 22 + 2 * EDGE,
    marks: [...above.marks, ...below.marks, ...changeMarks(above, below, theme)],
    description: describe(before, after),
  }
}

function describe(before: ResolvedSpec, after: ResolvedSpec): string {
  const { cells } = diffSpecs(before, after)
  const said = cells.flatMap((change) => {
    if (change.kind === 'kept') return []
    const flat = 'before' in change ? before.blocks[change.before] : after.blocks[change.after]
    const place = 'after' in change ? change.after : change.before
    return [`${change.kind} ${flat?.block.title ?? ''} at ${place + 1}`]
  })
  return said.length === 0 ? 'the two stacks have the same blocks' : `changes: ${said.join(', ')}`
}
