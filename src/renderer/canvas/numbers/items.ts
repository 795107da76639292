// Numbers of the items of a design: a block's own, and those of a group with all its repeats.

import { isGroup } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec, StackItem } from '#core/model/spec.ts'
import { pathKey, specPath } from '../tree/path.ts'
import type { Path } from '../tree/path.ts'
import type { StackCosts } from './costs.ts'
import type { StackLatency } from './latency.ts'

export interface ItemNumbers {
  readonly params: number
  /** Of a decode step at the end of the context. */
  readonly flopsPerToken: number
  readonly stateBytes: number
  /** Predicted; undefined without a table or where it lacks the block. */
  readonly ms: number | undefined
}

/** What rows can be weighed by; `kind` leaves them to their colours. */
export const WEIGHTS = ['kind', 'latency', 'params', 'state'] as const
export type Weight = (typeof WEIGHTS)[number]

const NOTHING: ItemNumbers = { params: 0, flopsPerToken: 0, stateBytes: 0, ms: 0 }

const add = (a: ItemNumbers, b: ItemNumbers, times = 1): ItemNumbers => ({
  params: a.params + times * b.params,
  flopsPerToken: a.flopsPerToken + times * b.flopsPerToken,
  stateBytes: a.stateBytes + times * b.stateBytes,
  ms: a.ms === undefined || b.ms === undefined ? undefined : a.ms + times * b.ms,
})

/** Numbers of every item by `pathKey`: one copy of a block, a group with all its repeats. Disabled blocks have none. */
export function itemNumbers(
  spec: ArchSpec,
  resolved: ResolvedSpec,
  costs: StackCosts,
  latency: StackLatency | undefined,
): ReadonlyMap<string, ItemNumbers> {
  // all copies of a block, and how many there are
  const byPath = new Map<string, { sum: ItemNumbers; copies: number }>()
  resolved.blocks.forEach(({ path }, i) => {
    const { params, decodeFlopsPerToken: flopsPerToken, stateBytes } = costs.blocks[i]!
    const known = byPath.get(path) ?? { sum: NOTHING, copies: 0 }
    const own = { params, flopsPerToken, stateBytes, ms: latency?.blocks[i]?.ms }
    byPath.set(path, { sum: add(known.sum, own), copies: known.copies + 1 })
  })
  const result = new Map<string, ItemNumbers>()
  const visit = (items: readonly StackItem[], parent: Path): ItemNumbers => {
    let all = NOTHING
    items.forEach((item, index) => {
      const path = [...parent, index]
      if (isGroup(item)) {
        const inner = visit(item.blocks, path)
        result.set(pathKey(path), inner)
        all = add(all, inner)
        return
      }
      const found = byPath.get(specPath(path))
      if (found === undefined) return
      result.set(pathKey(path), add(NOTHING, found.sum, 1 / found.copies))
      all = add(all, found.sum)
    })
    return all
  }
  visit(spec.blocks, [])
  return result
}

/** The number that a row is weighed by. */
export function weightOf(numbers: ItemNumbers | undefined, weight: Weight): number | undefined {
  if (numbers === undefined) return undefined
  switch (weight) {
    case 'kind':
      return undefined
    case 'latency':
      return numbers.ms
    case 'params':
      return numbers.params
    case 'state':
      return numbers.stateBytes
  }
}

/** Relative widths of the strip's cells, one for each block of the unrolled stack; undefined where they cannot be told. */
export function cellWeights(
  costs: StackCosts,
  latency: StackLatency | undefined,
  weight: Weight,
): readonly number[] | undefined {
  const values =
    weight === 'params'
      ? costs.blocks.map((b) => b.params)
      : weight === 'state'
        ? costs.blocks.map((b) => b.stateBytes)
        : weight === 'latency'
          ? latency?.blocks.map((b) => b?.ms ?? NaN)
          : undefined
  if (values === undefined || values.some((v) => !Number.isFinite(v)) || values.every((v) => v === 0)) return undefined
  return values.map((v) => Math.max(0, v))
}
