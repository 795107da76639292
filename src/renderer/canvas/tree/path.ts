// Places in a stack: a path of indices from the outermost list inwards. `[1, 0]` is the first item of the second group.

import { isGroup } from '#core/model/spec.ts'
import type { StackItem } from '#core/model/spec.ts'

export type Path = readonly number[]

/** A gap between items: before the item `index` of the list at `parent`. */
export interface Place {
  readonly parent: Path
  readonly index: number
}

type Items = readonly StackItem[]

/** The items of the list at a path: of the stack itself for `[]`. Undefined where no group stands. */
export function listAt(items: Items, parent: Path): Items | undefined {
  let list: Items = items
  for (const index of parent) {
    const item = list[index]
    if (item === undefined || !isGroup(item)) return undefined
    list = item.blocks
  }
  return list
}

/** The item at a path, if there is one. */
export const itemAt = (items: Items, path: Path): StackItem | undefined =>
  path.length === 0 ? undefined : listAt(items, path.slice(0, -1))?.[path.at(-1)!]

/** Order in which a reader meets two places: a group before what is in it. */
export function comparePaths(a: Path, b: Path): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

export const samePath = (a: Path, b: Path): boolean => comparePaths(a, b) === 0
/** Whether a path is another one or lies inside it. */
export const isWithin = (path: Path, outer: Path): boolean => outer.every((index, i) => path[i] === index)
export const pathKey = (path: Path): string => path.join('.')

/** The path as the errors of a spec write it: `blocks[1].blocks[0]`. */
export const specPath = (path: Path): string => path.map((index) => `blocks[${index}]`).join('.')

/** The item that a path of an error points into, with what follows: `blocks[1].params.window` -> `[1]`, `params.window`. */
export function fromSpecPath(text: string): { readonly path: Path; readonly rest: string } {
  const match = /^(?:blocks\[\d+\]\.?)+/.exec(text)
  const head = match?.[0] ?? ''
  return { path: [...head.matchAll(/\[(\d+)\]/g)].map((m) => Number(m[1])), rest: text.slice(head.length) }
}

/** Paths in reading order, without those inside another one and without repetitions. */
export function outermost(paths: readonly Path[]): Path[] {
  const sorted = [...paths].sort(comparePaths)
  const kept: Path[] = []
  for (const path of sorted) if (kept.length === 0 || !isWithin(path, kept.at(-1)!)) kept.push(path)
  return kept
}

/** Every item with its path in reading order. */
export function* walk(items: Items, parent: Path = []): Generator<{ readonly item: StackItem; readonly path: Path }> {
  for (const [index, item] of items.entries()) {
    const path = [...parent, index]
    yield { item, path }
    if (isGroup(item)) yield* walk(item.blocks, path)
  }
}

/** Blocks that an item stands for once groups are unrolled; disabled ones count only where asked for. */
export function unrolledCount(items: Items, withDisabled = false): number {
  return items.reduce((sum, item) => {
    if (isGroup(item)) return sum + item.repeat * unrolledCount(item.blocks, withDisabled)
    return sum + (item.disabled === true && !withDisabled ? 0 : 1)
  }, 0)
}
