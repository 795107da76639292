// Brackets under a strip: which cells are repeats of a group, and how often.

import { isGroup, type ResolvedSpec, type StackItem } from '../model/spec.ts'
import type { Mark } from './scene.ts'
import type { StripCell } from './strip.ts'
import type { Theme } from './theme.ts'

/** Pixels below a strip that its brackets take. */
export const BRACKET_HEIGHT = 12

interface Span {
  /** Index of the first cell and of the one after the last. */
  readonly from: number
  readonly to: number
  readonly repeat: number
}

/** One bracket for each outermost group that repeats, with its count where there is room for it. */
export function repeatMarks({ spec }: ResolvedSpec, cells: readonly StripCell[], theme: Theme): Mark[] {
  return spans(spec.blocks).flatMap(({ from, to, repeat }): Mark[] => {
    const first = cells[from],
      last = cells[to - 1]
    if (first === undefined || last === undefined) return []
    const left = first.x + 0.5,
      right = last.x + last.w - 0.5,
      y = last.y + last.h + 2
    const text = `×${repeat}`
    const room = text.length * 6 + 6
    const middle = (left + right) / 2
    const isWide = right - left >= room + 8
    const d = isWide
      ? `M${left},${y}v4H${middle - room / 2}M${middle + room / 2},${y + 4}H${right}v-4`
      : `M${left},${y}v4H${right}v-4`
    const bracket: Mark = { mark: 'path', d, stroke: theme.quiet, width: 1, title: `repeated ${repeat} times` }
    if (!isWide) return [bracket]
    return [bracket, { mark: 'text', x: middle, y: y + 8, text, fill: theme.quiet, size: 10, anchor: 'middle' }]
  })
}

function spans(items: readonly StackItem[]): Span[] {
  const found: Span[] = []
  let at = 0
  for (const item of items) {
    const size = sizeOf(item)
    if (isGroup(item) && item.repeat > 1 && size > 0) found.push({ from: at, to: at + size, repeat: item.repeat })
    at += size
  }
  return found
}

/** Cells of an item once its groups are unrolled; disabled blocks have none. */
function sizeOf(item: StackItem): number {
  if (!isGroup(item)) return item.disabled === true ? 0 : 1
  return item.repeat * item.blocks.reduce((sum, inner) => sum + sizeOf(inner), 0)
}
