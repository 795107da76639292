import type { Graph, Node, Value } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import type { GraphBuilder } from '../ops/builder.ts'

/** What a pass may say about one node: the values that replace its outputs, or nothing to copy it. */
export type Rewriter = (g: GraphBuilder, node: Node, inputs: readonly Value[]) => readonly Value[] | undefined

/** Builds a graph anew, node by node. */
export function rewrite(graph: Graph, rewriter: Rewriter): Graph {
  const g = newGraph()
  copyInto(g, graph, rewriter)
  return g.finish()
}

/** Adds a graph to a builder, outputs included; returns where each old value went. */
export function copyInto(g: GraphBuilder, graph: Graph, rewriter?: Rewriter): Map<Value, Value> {
  const map = new Map<Value, Value>()
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((v) => map.get(v)!)
    const replaced = rewriter && g.scoped(node.scope, () => rewriter(g, node, inputs), true)
    const results = replaced ?? g.copy(node, inputs)
    node.outputs.forEach((output, i) => map.set(output, results[i]!))
  }
  for (const output of graph.outputs) g.output(output.name, map.get(output.value)!)
  return map
}
