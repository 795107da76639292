// A sum over all tokens and over parts of each (the gradient of one number a head) becomes a sum over the tokens, which a kernel
// that has their rows takes along, and a small one.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { rewrite } from '#core/passes/rewrite.ts'

/** Rows from which, and their length up to which, this is done. */
const MIN_ROWS = 4096
const MAX_LENGTH = 4096

export const columnSums = (graph: Graph): Graph => rewrite(graph, split)

function split(g: GraphBuilder, node: Node, [x]: readonly Value[]): readonly Value[] | undefined {
  if (node.op !== 'reduce_sum') return undefined
  const { shape } = x!.type
  const axes = node.attrs['axes'] as readonly number[]
  const isReduced = shape.map((size, axis) => size === 1 || axes.includes(axis))
  const first = isReduced.indexOf(false)
  const rows = sizeOf(shape.slice(0, first))
  const length = sizeOf(shape.slice(first))
  const rest = axes.filter((axis) => axis > first && shape[axis] !== 1)
  if (first < 1 || rest.length === 0 || rows < MIN_ROWS || length > MAX_LENGTH) return undefined
  const sums = g.reduceSum(g.reshape(x!, [rows, length]), [0])
  const small = g.reduceSum(
    g.reshape(sums, shape.slice(first)),
    rest.map((axis) => axis - first),
  )
  return [g.reshape(small, node.outputs[0]!.type.shape)]
}
