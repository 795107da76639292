// Depth, width and mix of stacks: what tables group by and plots compare.

import { resolveSpec } from './spec.ts'
import type { ArchSpec } from './spec.ts'

export interface Shape {
  /** Blocks, repeats unrolled. */
  readonly depth: number
  readonly width: number
  /** Shares of the sequence mixers by symbol, in percent, the largest first. */
  readonly shares: ReadonlyMap<string, number>
}

const shapes = new WeakMap<ArchSpec, Shape>()

/** The shape of a stack, derived once. */
export function shapeOf(spec: ArchSpec): Shape {
  let shape = shapes.get(spec)
  if (shape === undefined) {
    const { blocks, settings } = resolveSpec(spec)
    const mixers = blocks.filter(({ block }) => block.category === 'sequence mixer')
    const counts = [...Map.groupBy(mixers, ({ block }) => block.symbol)].sort((a, b) => b[1].length - a[1].length)
    const shares = new Map(counts.map(([symbol, list]) => [symbol, (100 * list.length) / mixers.length]))
    shapes.set(spec, (shape = { depth: blocks.length, width: settings.dModel, shares }))
  }
  return shape
}

/** The mix in words: `d 50 %, m2 50 %`. */
export function mixOf(spec: ArchSpec): string {
  const shares = [...shapeOf(spec).shares].map(([symbol, share]) => `${symbol} ${Math.round(share)} %`)
  return shares.length === 0 ? 'no mixer' : shares.join(', ')
}
