// Geometry of dragging, selecting by rectangle, panning and zooming. Pure.

import type { Gap, Layout, Row } from './layout.ts'
import { isWithin, samePath } from './tree/path.ts'
import type { Path } from './tree/path.ts'

/** A press becomes a drag once the pointer has gone this far, in pixels of the screen. */
export const DRAG_THRESHOLD = 4
export const MIN_ZOOM = 0.25
export const MAX_ZOOM = 2

/** The gap nearest to a height, of those that do not lie inside what is dragged. */
export function gapAt(layout: Layout, y: number, dragged: readonly Path[]): Gap | undefined {
  let best: Gap | undefined
  for (const gap of layout.gaps) {
    if (dragged.some((path) => isWithin(gap.parent, path))) continue
    if (best === undefined || Math.abs(gap.y - y) < Math.abs(best.y - y)) best = gap
  }
  return best
}

/** Whether dropping there would leave everything where it is: a run of siblings beside or inside itself. */
export function isSamePlace(gap: Gap, dragged: readonly Path[]): boolean {
  const [first] = dragged
  if (first === undefined) return false
  const parent = first.slice(0, -1)
  const start = first.at(-1)!
  const isRun = dragged.every((path, i) => samePath(path, [...parent, start + i]))
  return isRun && samePath(gap.parent, parent) && gap.index >= start && gap.index <= start + dragged.length
}

/** Pixels to scroll in this frame while a drag is near the upper or lower edge of a window of this height. */
export function autoScroll(y: number, height: number, elapsedMs: number): number {
  const edge = Math.min(56, height / 4)
  const depth = y < edge ? y - edge : y > height - edge ? y - (height - edge) : 0
  const speed = Math.max(-1, Math.min(1, depth / edge)) * 900
  return (speed * elapsedMs) / 1000
}

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The box between two corners. */
export const boxOf = (x0: number, y0: number, x1: number, y1: number): Box => ({
  x: Math.min(x0, x1),
  y: Math.min(y0, y1),
  width: Math.abs(x1 - x0),
  height: Math.abs(y1 - y0),
})

/** Rows that a selection rectangle touches; rows span from `left` to `right`. */
export function rowsInBox(rows: readonly Row[], box: Box, left: number, right: number): Row[] {
  if (box.x > right || box.x + box.width < left) return []
  return rows.filter((row) => row.y < box.y + box.height && row.y + row.height > box.y)
}

/** A zoom within its limits; near 1 it is 1. */
export function clampZoom(zoom: number): number {
  const limited = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom))
  return Math.abs(limited - 1) < 0.03 ? 1 : limited
}

/** Where to scroll so that what is under the pointer stays there while the zoom changes. */
export const zoomScroll = (scroll: number, pointer: number, from: number, to: number): number =>
  Math.max(0, ((scroll + pointer) / from) * to - pointer)

/** The zoom at which a stack of this height fits a window, at most 1. */
export const fitZoom = (height: number, window: number): number => clampZoom(Math.min(1, window / Math.max(1, height)))

/** The paths between two rows in the order of the screen, both included. */
export function rangeBetween(rows: readonly Row[], from: Path, to: Path): Path[] {
  const start = rows.findIndex((row) => samePath(row.path, from))
  const end = rows.findIndex((row) => samePath(row.path, to))
  if (start < 0 || end < 0) return [to]
  return rows.slice(Math.min(start, end), Math.max(start, end) + 1).map((row) => row.path)
}
