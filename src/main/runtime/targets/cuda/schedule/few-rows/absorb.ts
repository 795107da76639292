// Values that readers of rows compute themselves (see kernels/row-operand.ts): chains of element-wise work that contain a
// reduction of rows and that nobody else reads.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { isElementwise, isMove, isReduction, trailingRows } from '../values.ts'

/** A value (or reshaped forms of one) that some nodes read by rows of a length. */
export interface RowUse {
  readonly values: readonly Value[]
  readonly length: number
  readonly readers: ReadonlySet<Node>
}

/**
 * What the readers compute; nothing where the chain has no reduction. The chain begins behind values that `mayEnd` another
 * kernel, which computes them once and not for every reader.
 */
export function absorbed(
  { values, length, readers }: RowUse,
  consumers: ReadonlyMap<Value, readonly Node[]>,
  outputs: ReadonlySet<Value>,
  mayEnd: (value: Value) => boolean,
): ReadonlySet<Value> {
  const found = new Set<Value>()
  const waiting = new Set(values)
  while (waiting.size > 0) {
    // later values first, so that all readers of a value have been seen before it
    const current = [...waiting].reduce((a, b) => (b.node.id > a.node.id ? b : a))
    waiting.delete(current)
    const { node } = current
    const isOwn = (consumers.get(current) ?? []).every((n) => readers.has(n) || n.outputs.some((o) => found.has(o)))
    if (!isOwn || outputs.has(current) || !(isElementwise(node) || isMove(node) || isReduction(node))) continue
    if (isElementwise(node) && mayEnd(current)) continue
    found.add(current)
    for (const input of node.inputs) waiting.add(input)
  }
  const reductions = [...found].filter(({ node }) => isReduction(node))
  const size = sizeOf(values[0]!.type.shape)
  const areRows = reductions.every(({ node }) => {
    const rows = node.op === 'argmax' ? undefined : trailingRows(node)
    return rows !== undefined && rows.length * rows.rows === size && rows.length > 1 && length % rows.length === 0
  })
  return reductions.length > 0 && areRows ? found : new Set()
}
