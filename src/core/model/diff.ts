// What changed from one stack to another, cell by cell: the longest common run of cells stays, the others were removed,
// added, moved, or given other parameters. Strips, lineages and the side-by-side view draw it.

import { defaultOf } from '../params.ts'
import type { ParamValue, ParamValues } from '../params.ts'
import { canonicalJson, MODEL_PARAMS } from './spec.ts'
import type { BlockItem, FlatBlock, ModelSettings, ResolvedSpec } from './spec.ts'

/** A parameter or setting with another value; `before` or `after` is undefined where one side does not set it. */
export interface ValueChange {
  readonly name: string
  readonly before: ParamValue | undefined
  readonly after: ParamValue | undefined
}

/** What became of a cell. `before` and `after` are indices into the unrolled blocks of the two stacks. */
export type CellChange =
  | { readonly kind: 'kept'; readonly before: number; readonly after: number }
  | {
      readonly kind: 'changed'
      readonly before: number
      readonly after: number
      /** Parameters as they are given: what follows from the width of the model is left out. */
      readonly params: readonly ValueChange[]
    }
  | { readonly kind: 'moved'; readonly before: number; readonly after: number }
  | { readonly kind: 'removed'; readonly before: number }
  | { readonly kind: 'added'; readonly after: number; readonly item: BlockItem }

export interface StackDiff {
  /** In the order of the later stack; removed cells stand where they were. */
  readonly cells: readonly CellChange[]
  readonly settings: readonly ValueChange[]
}

/** A cell as it would be written: its kind with the parameters that differ from their defaults at this width. */
export function itemOf({ block, params }: FlatBlock, dModel: number): BlockItem {
  const given = Object.entries(params).filter(([name, value]) => defaultOf(block.params[name]!, { dModel }) !== value)
  return { kind: block.kind, ...(given.length > 0 && { params: Object.fromEntries(given) }) }
}

/** Cell by cell comparison of two stacks. Cells are alike where they would be written alike at their widths. */
export function diffSpecs(before: ResolvedSpec, after: ResolvedSpec): StackDiff {
  const a = before.blocks.map((flat) => itemOf(flat, before.settings.dModel)),
    b = after.blocks.map((flat) => itemOf(flat, after.settings.dModel))
  const keysA = a.map(canonicalJson),
    keysB = b.map(canonicalJson)
  const kept = commonRun(keysA, keysB)
  const source = new Map(kept.map(([i, j]) => [j, { kind: 'kept' as const, before: i, after: j }] as const)) as Map<
    number,
    CellChange
  >
  const gone = new Set(a.keys())
  for (const [i] of kept) gone.delete(i)
  const free = (): number[] => [...b.keys()].filter((j) => !source.has(j))
  // in place with other parameters: the same kind in the same gap between kept cells, in order
  const gaps = ([0, 1] as const).map((side) => {
    const ends = new Set(kept.map((pair) => pair[side]))
    let gap = 0
    return [a, b][side]!.map((_, index) => (ends.has(index) ? gap++ : gap))
  })
  const match = (isMatch: (i: number, j: number) => boolean, make: (i: number, j: number) => CellChange): void => {
    for (const j of free()) {
      const i = [...gone].find((candidate) => isMatch(candidate, j))
      if (i === undefined) continue
      gone.delete(i)
      source.set(j, make(i, j))
    }
  }
  match(
    (i, j) => keysA[i] === keysB[j],
    (i, j) => ({ kind: 'moved', before: i, after: j }),
  )
  match(
    (i, j) => a[i]!.kind === b[j]!.kind && gaps[0]![i] === gaps[1]![j],
    (i, j) => ({ kind: 'changed', before: i, after: j, params: changes(a[i]!.params ?? {}, b[j]!.params ?? {}) }),
  )
  for (const j of free()) source.set(j, { kind: 'added', after: j, item: b[j]! })
  return { cells: inOrder(source, [...gone], kept), settings: settingChanges(before.settings, after.settings) }
}

/** The cells of the later stack from those of the earlier one and the difference. */
export function applyDiff(before: ResolvedSpec, { cells }: StackDiff): BlockItem[] {
  const items = before.blocks.map((flat) => itemOf(flat, before.settings.dModel))
  const result: BlockItem[] = []
  for (const cell of cells) {
    if (cell.kind === 'removed') continue
    result[cell.after] = cell.kind === 'added' ? cell.item : patched(items[cell.before]!, cell)
  }
  return result
}

function patched(item: BlockItem, cell: CellChange): BlockItem {
  if (cell.kind !== 'changed') return item
  const params = new Map(Object.entries(item.params ?? {}))
  for (const { name, after } of cell.params) {
    if (after === undefined) params.delete(name)
    else params.set(name, after)
  }
  return { kind: item.kind, ...(params.size > 0 && { params: Object.fromEntries(params) }) }
}

function changes(before: ParamValues, after: ParamValues): ValueChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ name, before: before[name], after: after[name] }))
}

function settingChanges(before: ModelSettings, after: ModelSettings): ValueChange[] {
  return (Object.keys(MODEL_PARAMS) as (keyof ModelSettings)[])
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ name, before: before[name], after: after[name] }))
}

/** A longest common subsequence of two lists as pairs of indices; equal ends are matched first. */
function commonRun(a: readonly string[], b: readonly string[]): [number, number][] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const n = a.length - start - end,
    m = b.length - start - end
  const pairs: [number, number][] = Array.from({ length: start }, (_, i) => [i, i])
  // lengths[i][j]: of the rest from i and j on
  const lengths = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1))
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      lengths[i]![j] =
        a[start + i] === b[start + j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  for (let i = 0, j = 0; i < n && j < m;) {
    if (a[start + i] === b[start + j]) pairs.push([start + i++, start + j++])
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++
    else j++
  }
  for (let k = end; k > 0; k--) pairs.push([a.length - k, b.length - k])
  return pairs
}

/** Cells of the later stack in order, each removed one behind the last kept cell that stood before it. */
function inOrder(
  source: ReadonlyMap<number, CellChange>,
  removed: readonly number[],
  kept: readonly (readonly [number, number])[],
): CellChange[] {
  const behind = Map.groupBy(removed, (i) => kept.findLast(([index]) => index < i)?.[1] ?? -1)
  const gone = (at: number): CellChange[] => (behind.get(at) ?? []).map((i) => ({ kind: 'removed', before: i }))
  return [...gone(-1), ...[...source.keys()].sort((x, y) => x - y).flatMap((j) => [source.get(j)!, ...gone(j)])]
}
