// Where the rows of a stack stand: a pure function of the items and of which groups are collapsed. Pixels at zoom 1.

import { isGroup } from '#core/model/spec.ts'
import type { BlockItem, GroupItem, StackItem } from '#core/model/spec.ts'
import { idOf } from './tree/identity.ts'
import type { Path, Place } from './tree/path.ts'

export const ROW_HEIGHT = 36
export const HEADER_HEIGHT = 32
/** Below the last block of a group: the foot of its bracket, and room to drop behind it. */
export const FOOT_HEIGHT = 14
/** Each level of nesting moves rows to the right by this much. */
export const INDENT = 20

interface Standing {
  /** The same row keeps its key when it moves. */
  readonly key: string
  readonly path: Path
  readonly depth: number
  readonly y: number
  readonly height: number
  /** Position among its siblings, from 1, and their number. */
  readonly position: number
  readonly siblings: number
}

export interface BlockRow extends Standing {
  readonly kind: 'block'
  readonly item: BlockItem
  /** Number of the block in reading order, from 1. */
  readonly ordinal: number
}
export interface GroupRow extends Standing {
  readonly kind: 'group'
  readonly item: GroupItem
  readonly isCollapsed: boolean
}
export type Row = BlockRow | GroupRow

/** The bracket around the blocks of an open group. */
export interface Frame {
  readonly key: string
  readonly path: Path
  readonly depth: number
  readonly y: number
  readonly height: number
  readonly isEmpty: boolean
}

/** A gap that blocks can be dropped into, and the height at which it opens. */
export interface Gap extends Place {
  readonly y: number
}

export interface Layout {
  readonly rows: readonly Row[]
  readonly frames: readonly Frame[]
  readonly gaps: readonly Gap[]
  readonly height: number
  /** Blocks in the design, those of collapsed groups included. */
  readonly blockCount: number
}

/** Lays a stack out from `top` downwards. */
export function layoutStack(items: readonly StackItem[], isCollapsed: (id: number) => boolean, top = 0): Layout {
  const rows: Row[] = []
  const frames: Frame[] = []
  const gaps: Gap[] = []
  let ordinal = 0
  let y = top
  const count = (list: readonly StackItem[]): number =>
    list.reduce((sum, item) => sum + (isGroup(item) ? count(item.blocks) : 1), 0)
  const place = (list: readonly StackItem[], parent: Path): void => {
    list.forEach((item, index) => {
      const id = idOf(item)
      const path = [...parent, index]
      const standing = { key: String(id), path, depth: parent.length, position: index + 1, siblings: list.length }
      gaps.push({ parent, index, y })
      if (!isGroup(item)) {
        rows.push({ ...standing, kind: 'block', item, ordinal: ++ordinal, y, height: ROW_HEIGHT })
        y += ROW_HEIGHT
        return
      }
      if (isCollapsed(id)) {
        rows.push({ ...standing, kind: 'group', item, isCollapsed: true, y, height: ROW_HEIGHT })
        ordinal += count(item.blocks)
        y += ROW_HEIGHT
        return
      }
      const start = y
      rows.push({ ...standing, kind: 'group', item, isCollapsed: false, y, height: HEADER_HEIGHT })
      y += HEADER_HEIGHT
      if (item.blocks.length === 0) {
        gaps.push({ parent: path, index: 0, y: y + ROW_HEIGHT / 2 })
        y += ROW_HEIGHT
      } else place(item.blocks, path)
      y += FOOT_HEIGHT
      frames.push({
        key: standing.key,
        path,
        depth: standing.depth,
        y: start,
        height: y - start,
        isEmpty: item.blocks.length === 0,
      })
    })
    gaps.push({ parent, index: list.length, y })
  }
  place(items, [])
  return { rows, frames, gaps, height: y, blockCount: ordinal }
}

/** The rows and frames that touch a span of heights. */
export function visiblePart<T extends { readonly y: number; readonly height: number }>(
  things: readonly T[],
  from: number,
  to: number,
): T[] {
  return things.filter((thing) => thing.y + thing.height >= from && thing.y <= to)
}

/** The layout with room opened at a gap, as while something hovers over it. */
export function openGap(layout: Layout, gap: Gap | undefined, room: number): Layout {
  if (gap === undefined) return layout
  return {
    ...layout,
    rows: layout.rows.map((row) => (row.y >= gap.y ? { ...row, y: row.y + room } : row)),
    frames: layout.frames.map((frame) => {
      if (frame.y >= gap.y) return { ...frame, y: frame.y + room }
      return frame.y + frame.height > gap.y ? { ...frame, height: frame.height + room } : frame
    }),
    height: layout.height + room,
  }
}
