// Which item is which across edits. Items are plain values; a number kept beside each lets rows move on the screen instead of
// being drawn anew, and lets a group stay collapsed.

import { canonicalJson, isGroup } from '#core/model/spec.ts'
import type { StackItem } from '#core/model/spec.ts'

const ids = new WeakMap<StackItem, number>()
let next = 1

/** The number of an item. */
export function idOf(item: StackItem): number {
  const known = ids.get(item)
  if (known !== undefined) return known
  ids.set(item, next)
  return next++
}

/** Lets a changed item stand for the one it was made from. */
export function follow<T extends StackItem>(before: StackItem, after: T): T {
  if (before !== after && !ids.has(after)) ids.set(after, idOf(before))
  return after
}

/**
 * Lets the items of one list stand for those of an earlier one: equal ends keep their numbers, and in between items at the
 * same distance from the start inherit them where they are of the same sort.
 */
export function inherit(before: readonly StackItem[], after: readonly StackItem[]): void {
  const used = new Set<number>()
  const adopt = (old: StackItem, item: StackItem): void => {
    const id = idOf(old)
    if (used.has(id)) return
    used.add(id)
    if (!ids.has(item)) ids.set(item, id)
    if (isGroup(old) && isGroup(item)) inherit(old.blocks, item.blocks)
  }
  const same = (a: StackItem, b: StackItem): boolean => a === b || canonicalJson(a) === canonicalJson(b)
  let start = 0
  while (start < before.length && start < after.length && same(before[start]!, after[start]!)) {
    adopt(before[start]!, after[start]!)
    start++
  }
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && same(before.at(-1 - end)!, after.at(-1 - end)!)) {
    adopt(before.at(-1 - end)!, after.at(-1 - end)!)
    end++
  }
  // an item that moved keeps its own number: only those without one inherit
  const kept = new Set(after.flatMap((item) => ids.get(item) ?? []))
  for (let i = start; i < most + start - end; i++) {
    const old = before[i]!
    const item = after[i]!
    if (!ids.has(item) && !kept.has(idOf(old)) && isGroup(old) === isGroup(item)) adopt(old, item)
    else if (isGroup(old) && isGroup(item) && ids.get(item) === idOf(old)) inherit(old.blocks, item.blocks)
  }
}
