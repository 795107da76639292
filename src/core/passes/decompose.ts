import type { Graph, Node, Value } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { newGraph, ops } from '../ops/index.ts'
import { copyInto } from './rewrite.ts'

/**
 * Replaces fused ops by their meaning, level by level, until only primitives and ops that `keep` wants are left.
 * @param keep true for nodes to leave as they are: what a target claims, or what has a gradient rule of its own
 */
export function decompose(graph: Graph, keep: (node: Node) => boolean): Graph {
  let current = graph
  const expands = (node: Node): boolean => ops.get(node.op)!.decompose !== undefined && !keep(node)
  while (current.nodes.some(expands)) {
    const g = newGraph()
    copyInto(g, current, (builder, node, inputs) => (expands(node) ? meaning(builder, node, inputs) : undefined))
    current = g.finish()
  }
  return current
}

function meaning(g: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] {
  return ops.get(node.op)!.decompose!(g, { ...node, inputs })
}
