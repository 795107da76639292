// How a stack came to be: the strips of its ancestors from the founder down, one row each, and between two rows what the
// mutation did. In the parent's row a removed cell is struck; in the child's an added cell is ringed, one with other
// parameters underlined, and a moved cell is linked with where it was.

import { diffSpecs } from '../model/diff.ts'
import type { ValueChange } from '../model/diff.ts'
import type { ResolvedSpec } from '../model/spec.ts'
import type { Mark, Scene } from './scene.ts'
import { stripCells, stripMarks } from './strip.ts'
import type { StripCell } from './strip.ts'
import type { Theme } from './theme.ts'

export interface LineageStep {
  readonly resolved: ResolvedSpec
  /** `trial 7`. */
  readonly name: string
  /** What made it of the one above, in words. */
  readonly note: string
  /** Its result, with units. */
  readonly value: string
}

export interface LineageOptions {
  readonly width: number
  readonly theme: Theme
}

const ROW = 58
const STRIP = 22
const TOP = 22
const NAME_WIDTH = 84
/** Widest cell, so that shallow stacks stay strips. */
const CELL = 26
const TEXT_SHARE = 0.4
const LINE = 15
/** A letter of 12 px is about so wide. */
const LETTER = 6.4

/** The founder first. As high as its rows need. */
export function lineageScene(steps: readonly LineageStep[], { width, theme }: LineageOptions): Scene {
  const deepest = steps.reduce((most, { resolved }) => Math.max(most, resolved.blocks.length), 1)
  const room = (width - NAME_WIDTH) * (1 - TEXT_SHARE)
  const cell = Math.min(CELL, room / deepest)
  const textX = NAME_WIDTH + cell * deepest + 20
  const rows = steps.map((step, i) => {
    const y = TOP + i * ROW
    const box = { width: cell * step.resolved.blocks.length, height: STRIP }
    return { ...step, y, box, cells: stripCells(step.resolved, NAME_WIDTH, y, box) }
  })
  const letters = Math.max(12, Math.floor((width - textX) / LETTER))
  const text = { mark: 'text', size: 12 } as const
  const marks = rows.flatMap(({ resolved, name, note, value, y, box, cells }, i): Mark[] => {
    const parent = rows[i - 1]
    const lines = folded(note, letters)
    const top = y + 9 - (lines.length - 1) * (LINE / 2)
    return [
      { ...text, x: 0, y: y + 15, text: name, fill: theme.ink, weight: 500 },
      ...stripMarks(resolved, NAME_WIDTH, y, { ...box, theme }),
      ...lines.map((line, n): Mark => ({ ...text, x: textX, y: top + n * LINE, text: line, fill: theme.ink })),
      { ...text, x: textX, y: top + lines.length * LINE, text: value, fill: theme.quiet },
      ...(parent === undefined ? [] : changeMarks(parent, { resolved, cells }, theme)),
    ]
  })
  return {
    width,
    height: TOP + Math.max(0, rows.length - 1) * ROW + STRIP + 14,
    marks,
    description: `lineage of ${steps.length} stacks: ${steps.map(({ name, note }) => `${name}${note === '' ? '' : ` (${note})`}`).join(', ')}`,
  }
}

/** A text in at most two lines, broken at spaces; what does not fit is cut with dots, and stays in the description. */
function folded(text: string, letters: number): string[] {
  if (text.length <= letters) return [text]
  const at = text.lastIndexOf(' ', letters)
  const first = at <= 0 ? letters : at
  const rest = text.slice(first).trimStart()
  return [text.slice(0, first), rest.length <= letters ? rest : `${rest.slice(0, letters - 1)}…`]
}

/** A stack and where its cells stand. */
export interface StripRow {
  readonly resolved: ResolvedSpec
  readonly cells: readonly StripCell[]
}

/** What made the lower strip of the one above: struck, ringed, underlined and linked cells. */
export function changeMarks(parent: StripRow, child: StripRow, theme: Theme): Mark[] {
  const line = { mark: 'path', stroke: theme.ink, width: 1.5 } as const
  return diffSpecs(parent.resolved, child.resolved).cells.flatMap((change): Mark[] => {
    switch (change.kind) {
      case 'removed': {
        const { x, y, w, h } = parent.cells[change.before]!
        return [{ ...line, d: `M${x - 2},${y + h + 3}L${x + w + 2},${y - 3}`, title: 'removed in the next' }]
      }
      case 'added': {
        const { x, y, w, h } = child.cells[change.after]!
        return [{ ...line, d: rounded(x - 2, y - 2, w + 4, h + 4, 3), title: 'added' }]
      }
      case 'changed': {
        const { x, y, w, h } = child.cells[change.after]!
        return [{ ...line, d: `M${x},${y + h + 3}h${w}`, title: change.params.map(changeText).join(', ') }]
      }
      case 'moved': {
        const from = parent.cells[change.before]!,
          to = child.cells[change.after]!
        const x1 = from.x + from.w / 2,
          x2 = to.x + to.w / 2
        const y1 = from.y + from.h + 1,
          y2 = to.y - 1
        const middle = (y1 + y2) / 2
        return [{ ...line, d: `M${x1},${y1}C${x1},${middle},${x2},${middle},${x2},${y2}`, dash: '3 2', title: 'moved' }]
      }
      case 'kept':
        return []
    }
  })
}

const rounded = (x: number, y: number, w: number, h: number, r: number): string =>
  `M${x + r},${y}h${w - 2 * r}a${r},${r} 0 0 1 ${r},${r}v${h - 2 * r}a${r},${r} 0 0 1 ${-r},${r}h${2 * r - w}a${r},${r} 0 0 1 ${-r},${-r}v${2 * r - h}a${r},${r} 0 0 1 ${r},${-r}Z`

const changeText = ({ name, before, after }: ValueChange): string =>
  `${name} ${before === undefined ? 'default' : String(before)} becomes ${after === undefined ? 'default' : String(after)}`
