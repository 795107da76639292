import type { Graph } from '../graph/types.ts'
import { liveNodes } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import { copyInto } from './rewrite.ts'

/** Drops nodes that no output needs. Inputs stay: they are the graph's interface. */
export function dce(graph: Graph): Graph {
  const live = new Set(liveNodes(graph))
  const g = newGraph()
  copyInto(g, { nodes: graph.nodes.filter((n) => live.has(n) || n.op === 'input'), outputs: graph.outputs })
  return g.finish()
}
