// Products whose operands repeat along some batch axes only (heads that share keys): the library knows one stride for all
// batch axes together, so the smaller operand is written out. A copy costs far less than a product element by element.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { rewrite } from '#core/passes/rewrite.ts'
import { isLargeProduct, libraryOperands, matmulSizes } from '../matmul-view.ts'

/**
 * The graph with operands broadcast to the batch axes of their product where the library could not read them otherwise.
 * @param isExact products that do not go to the library
 */
export function evenBatches(graph: Graph, isExact: (node: Node) => boolean): Graph {
  const needsCopy = (node: Node): boolean =>
    node.op === 'matmul' && !isExact(node) && isLargeProduct(node) && libraryOperands(node) === undefined
  if (!graph.nodes.some(needsCopy)) return graph
  return rewrite(graph, (g, node, inputs) => {
    if (!needsCopy(node)) return undefined
    const { batchShape } = matmulSizes(node)
    const whole = inputs.map((input) => withBatch(g, input, batchShape))
    return g.apply('matmul', whole, node.attrs)
  })
}

const withBatch = (g: GraphBuilder, x: Value, batchShape: readonly number[]): Value =>
  g.broadcast(x, [...batchShape, ...x.type.shape.slice(-2)])
