// Moving through the rows of the canvas with the keyboard, as through any tree.

import type { SpecState } from '../state/spec.svelte.ts'
import { rangeBetween } from './drag.ts'
import type { Layout, Row } from './layout.ts'
import { samePath } from './tree/path.ts'

/** The part of a key press that matters here. */
export interface TreeKey {
  readonly key: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

const PAGE = 10

/**
 * Answers a key of the tree; returns whether it was one. Arrows, Home, End and the page keys go to a row, Shift extends, Left and
 * Right fold groups or go to parent and child, Control with Space toggles a row.
 */
export function treeKey(event: TreeKey, spec: SpecState, { rows }: Layout, anchor: Row['path'] | undefined): boolean {
  if (event.altKey || rows.length === 0) return false
  const { active } = spec
  const at = active === undefined ? -1 : rows.findIndex((row) => samePath(row.path, active))
  const row = rows[at]
  const mod = event.ctrlKey || event.metaKey
  if (mod && event.key === ' ' && row !== undefined) {
    const others = spec.selection.filter((path) => !samePath(path, row.path))
    spec.select(others.length === spec.selection.length ? [...others, row.path] : others, row.path)
    return true
  }
  if (mod && event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return false
  const to = (index: number): boolean => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, index))]!
    if (event.shiftKey && anchor !== undefined) spec.select(rangeBetween(rows, anchor, next.path), next.path)
    else if (mod) spec.select(spec.selection, next.path)
    else spec.select([next.path], next.path)
    return true
  }
  switch (event.key) {
    case 'ArrowDown':
      return to(at + 1)
    case 'ArrowUp':
      return to(at < 0 ? rows.length - 1 : at - 1)
    case 'Home':
      return to(0)
    case 'End':
      return to(rows.length - 1)
    case 'PageDown':
      return to(at + PAGE)
    case 'PageUp':
      return to(at - PAGE)
    case 'ArrowRight':
      if (row?.kind !== 'group') return false
      if (row.isCollapsed) spec.collapse([row.path], false)
      else if (row.item.blocks.length > 0) to(at + 1)
      return true
    case 'ArrowLeft': {
      if (row === undefined) return false
      if (row.kind === 'group' && !row.isCollapsed) spec.collapse([row.path], true)
      else if (row.path.length > 1) to(rows.findIndex((other) => samePath(other.path, row.path.slice(0, -1))))
      return true
    }
    default:
      return false
  }
}
