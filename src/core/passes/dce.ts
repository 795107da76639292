import type { Graph } from '../graph/types.ts'
import { liveNodes } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import { copyInto } from './rewrite.ts'

/** Drops nodes that no output needs. Inputs stay: they are the graph's interface. */
export function dce(graph: Graph): Graph {
  const g = newGraph()
  copyInto(g, withoutDead(graph))
  return g.finish()
}

/** The same without numbering the nodes anew, for a graph that is built again anyway. */
export function withoutDead({ nodes, outputs }: Graph): Graph {
  const live = new Set(liveNodes({ nodes, outputs }))
  return { nodes: nodes.filter((node) => live.has(node) || node.op === 'input'), outputs }
}
