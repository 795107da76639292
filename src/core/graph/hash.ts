import { printNode } from './print.ts'
import { Sha256 } from './sha256.ts'
import type { Graph } from './types.ts'

/**
 * Content hash of a graph: equal for graphs that compute the same thing by the same nodes, whatever their ids and
 * scopes. Measurements are keyed by it.
 */
export function hashGraph(graph: Graph): string {
  const sha = new Sha256()
  const position = new Map<number, number>()
  graph.nodes.forEach((node, i) => position.set(node.id, i))
  for (const { scope: _, data, ...node } of graph.nodes) {
    const inputs = node.inputs.map((v) => ({ ...v, node: { ...v.node, id: position.get(v.node.id)! } }))
    sha.update(printNode({ ...node, id: position.get(node.id)!, inputs, scope: '' }))
    if (data !== undefined) sha.update(new Uint8Array(Float64Array.from(data).buffer))
  }
  for (const o of graph.outputs) sha.update(`return ${o.name} ${position.get(o.value.node.id)} ${o.value.index}`)
  return sha.hex()
}
