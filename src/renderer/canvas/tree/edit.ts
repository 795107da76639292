// Edits of a stack: items and a selection in, items and a selection out. Nothing is changed in place, and items that an edit
// does not touch keep their identity.

import { canonicalJson, isGroup, MAX_BLOCKS } from '#core/model/spec.ts'
import type { BlockItem, GroupItem, StackItem } from '#core/model/spec.ts'
import type { ParamValue } from '#core/params.ts'
import { follow } from './identity.ts'
import { comparePaths, isWithin, itemAt, listAt, outermost, samePath, walk } from './path.ts'
import type { Path, Place } from './path.ts'

export interface Edited {
  readonly items: readonly StackItem[]
  readonly selection: readonly Path[]
}

type Items = readonly StackItem[]

/** Rebuilds the lists on the way to the list at `parent`; the items as they are where no such list stands. */
export function withList(items: Items, parent: Path, change: (list: Items) => Items): Items {
  const [index, ...rest] = parent
  if (index === undefined) return change(items)
  const item = items[index]
  if (item === undefined || !isGroup(item)) return items
  return items.with(index, follow(item, { ...item, blocks: withList(item.blocks, rest, change) }))
}

/** Puts another item at a path. */
export function withItem(items: Items, path: Path, change: (item: StackItem) => StackItem): Items {
  const at = path.at(-1)
  if (at === undefined) return items
  return withList(items, path.slice(0, -1), (list) => {
    const item = list[at]
    return item === undefined ? list : list.with(at, follow(item, change(item)))
  })
}

/** A copy that shares no item with the original. */
export const copyItem = (item: StackItem): StackItem =>
  isGroup(item) ? { ...item, blocks: item.blocks.map(copyItem) } : { ...item }

/** Items without those at the paths. */
function without(items: Items, paths: readonly Path[]): Items {
  // from the back, so that earlier indices stay true
  return outermost(paths).reduceRight(
    (rest, path) => withList(rest, path.slice(0, -1), (list) => list.toSpliced(path.at(-1)!, 1)),
    items,
  )
}

/** Where a gap lies once the items at the paths are gone. */
function placeWithout({ parent, index }: Place, paths: readonly Path[]): Place {
  const gone = outermost(paths)
  const before = (list: Path, at: number): number =>
    gone.filter((p) => p.length === list.length + 1 && isWithin(p, list) && p.at(-1)! < at).length
  return {
    parent: parent.map((at, depth) => at - before(parent.slice(0, depth), at)),
    index: index - before(parent, index),
  }
}

/** Puts items into a gap and selects them. */
export function insert(items: Items, { parent, index }: Place, added: Items): Edited {
  const list = listAt(items, parent)
  if (list === undefined) return { items, selection: [] }
  const at = Math.min(Math.max(0, index), list.length)
  return {
    items: withList(items, parent, (old) => old.toSpliced(at, 0, ...added)),
    selection: added.map((_, i) => [...parent, at + i]),
  }
}

/** The gap behind a selection: after its last item, or at the end of the stack. */
export function placeAfter(items: Items, selection: readonly Path[]): Place {
  const last = outermost(selection).at(-1)
  return last === undefined
    ? { parent: [], index: items.length }
    : { parent: last.slice(0, -1), index: last.at(-1)! + 1 }
}

/** Takes items out and selects the nearest one that is left. */
export function remove(items: Items, selection: readonly Path[]): Edited {
  const first = outermost(selection)[0]
  if (first === undefined) return { items, selection: [] }
  const rest = without(items, selection)
  const parent = first.slice(0, -1)
  const left = listAt(rest, parent) ?? []
  const near = Math.min(first.at(-1)!, left.length - 1)
  return { items: rest, selection: near >= 0 ? [[...parent, near]] : parent.length > 0 ? [parent] : [] }
}

/** Moves items into a gap, in their order. A gap inside one of them changes nothing. */
export function move(items: Items, selection: readonly Path[], place: Place): Edited {
  const paths = outermost(selection)
  if (paths.length === 0 || paths.some((path) => isWithin(place.parent, path))) return { items, selection: paths }
  const moved = paths.map((path) => itemAt(items, path)!)
  return insert(without(items, paths), placeWithout(place, paths), moved)
}

/** Moves a selection one step up or down: past a block, into or out of a group. */
export function moveStep(items: Items, selection: readonly Path[], step: -1 | 1): Edited {
  const paths = outermost(selection)
  const edge = step === -1 ? paths[0] : paths.at(-1)
  if (edge === undefined) return { items, selection: [] }
  const parent = edge.slice(0, -1)
  const index = edge.at(-1)!
  const list = listAt(items, parent)!
  const next = index + step
  const neighbour = list[next]
  if (neighbour !== undefined && isGroup(neighbour))
    return move(items, paths, { parent: [...parent, next], index: step === 1 ? 0 : neighbour.blocks.length })
  if (neighbour !== undefined) return move(items, paths, { parent, index: step === 1 ? next + 1 : next })
  if (parent.length === 0) return { items, selection: paths }
  const out = parent.at(-1)!
  return move(items, paths, { parent: parent.slice(0, -1), index: step === 1 ? out + 1 : out })
}

/** Puts copies behind the selection and selects them. */
export function duplicate(items: Items, selection: readonly Path[]): Edited {
  const paths = outermost(selection)
  if (paths.length === 0) return { items, selection: [] }
  const copies = paths.map((path) => copyItem(itemAt(items, path)!))
  return insert(items, placeAfter(items, paths), copies)
}

/** Shortest run whose repetition is the list: `d f d f` -> 2 items, twice. */
function shortestRun(items: Items): number {
  const keys = items.map((item) => canonicalJson(item))
  for (let run = 1; run < keys.length; run++)
    if (keys.length % run === 0 && keys.every((key, i) => key === keys[i % run])) return run
  return keys.length
}

/**
 * Puts the selection into a repeated group where its first item stands. Copies of one run fold into it and leave the network
 * as it is; anything else is repeated twice. A stage is a group with a label, once.
 */
export function group(items: Items, selection: readonly Path[], label?: string): Edited {
  const paths = outermost(selection)
  const first = paths[0]
  if (first === undefined) return { items, selection: [] }
  const chosen = paths.map((path) => itemAt(items, path)!)
  const run = label === undefined ? shortestRun(chosen) : chosen.length
  const repeat = label !== undefined ? 1 : run === chosen.length ? 2 : chosen.length / run
  const wrapped: GroupItem = { repeat, blocks: chosen.slice(0, run), ...(label !== undefined && { label }) }
  const place = placeWithout({ parent: first.slice(0, -1), index: first.at(-1)! }, paths)
  return insert(without(items, paths), place, [wrapped])
}

/** Unrolls the selected groups into their blocks: the network stays as it is. */
export function ungroup(items: Items, selection: readonly Path[]): Edited {
  const groups = outermost(selection).filter((path) => isGroup(itemAt(items, path) ?? { kind: '' }))
  let result = items
  const chosen: Path[] = []
  // from the back, so that earlier indices stay true; what was chosen before in the same list shifts
  for (const path of groups.toReversed()) {
    const { repeat, blocks } = itemAt(result, path) as GroupItem
    const fits = repeat * blocks.length <= MAX_BLOCKS
    const unrolled = fits
      ? Array.from({ length: repeat }, (_, r) => (r === 0 ? blocks : blocks.map(copyItem))).flat()
      : [itemAt(result, path)!]
    const parent = path.slice(0, -1)
    const at = path.at(-1)!
    const shift = unrolled.length - 1
    result = withList(result, parent, (list) => list.toSpliced(at, 1, ...unrolled))
    const shifted = chosen.map((p) =>
      isWithin(p, parent) && p[parent.length]! > at ? p.with(parent.length, p[parent.length]! + shift) : p,
    )
    chosen.splice(0, chosen.length, ...unrolled.map((_, i) => [...parent, at + i]), ...shifted)
  }
  return { items: result, selection: groups.length === 0 ? selection : chosen.sort(comparePaths) }
}

/** Turns the selected blocks off, those of groups included; back on if all of them are off. */
export function toggleDisabled(items: Items, selection: readonly Path[]): Edited {
  const paths = outermost(selection)
  const hit = [...walk(items)].filter(
    ({ item, path }) => !isGroup(item) && paths.some((outer) => isWithin(path, outer)),
  )
  const off = hit.some(({ item }) => (item as BlockItem).disabled !== true)
  const change = (item: StackItem): StackItem => {
    const { disabled: _, ...rest } = item as BlockItem
    return off ? { ...rest, disabled: true } : rest
  }
  return { items: hit.reduce((all, { path }) => withItem(all, path, change), items), selection }
}

/** Gives the selected blocks a value of a parameter; `undefined` takes it back to its default. */
export function setParam(items: Items, selection: readonly Path[], name: string, value: ParamValue | undefined): Items {
  return selection.reduce(
    (all, path) =>
      withItem(all, path, (item) => {
        if (isGroup(item)) return item
        const { params, ...rest } = item
        const { [name]: _, ...others } = params ?? {}
        const next = value === undefined ? others : { ...params, [name]: value }
        return Object.keys(next).length === 0 ? rest : { ...rest, params: next }
      }),
    items,
  )
}

/** Changes how often a group repeats. */
export const setRepeat = (items: Items, path: Path, repeat: number): Items =>
  withItem(items, path, (item) => (isGroup(item) ? { ...item, repeat } : item))

/** Names a group, or takes its name away. */
export const setLabel = (items: Items, path: Path, label: string | undefined): Items =>
  withItem(items, path, (item) => {
    if (!isGroup(item)) return item
    const { label: _, ...rest } = item
    return label === undefined ? rest : { ...rest, label }
  })

/** A label that no group carries: `stage1`, `stage2`. */
export function freeLabel(items: Items): string {
  const taken = new Set([...walk(items)].map(({ item }) => (isGroup(item) ? item.label : undefined)))
  let n = 1
  while (taken.has(`stage${n}`)) n++
  return `stage${n}`
}

/** Whether a selection still points at items. */
export const existing = (items: Items, selection: readonly Path[]): Path[] =>
  selection.filter(
    (path, i) => itemAt(items, path) !== undefined && selection.findIndex((p) => samePath(p, path)) === i,
  )
