import type { Graph, Node, Value } from '../graph/types.ts'
import { inputsOf, typeText } from '../graph/types.ts'
import { newGraph, ops } from '../ops/index.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { copyInto } from './rewrite.ts'

/**
 * Reverse-mode differentiation: the graph with an output `grad.<name>` added for each named input, the gradient of the
 * sum over `seeds` of output times seed.
 * @param seeds for each differentiated output, the name of the input that holds its cotangent; none: 1 for a scalar
 */
export function grad(graph: Graph, of: Readonly<Record<string, string | null>>, wrt: readonly string[]): Graph {
  const g = newGraph()
  copyInto(g, graph)
  const inputs = inputsOf({ nodes: g.nodes, outputs: [] })
  const cotangents = new Map<Value, Value>()
  for (const [name, seed] of Object.entries(of)) {
    const value = g.outputs.find((o) => o.name === name)?.value
    if (value === undefined) throw new Error(`grad: no output ${name}`)
    if (seed === null && value.type.shape.length > 0)
      throw new Error(`grad: output ${name} is ${typeText(value.type)} and needs a cotangent`)
    addTo(g, cotangents, value, seed === null ? g.scalar(1, value.type.dtype) : inputs.get(seed)!.outputs[0]!)
  }
  const targets = wrt.map((name) => {
    const node = inputs.get(name)
    if (node === undefined) throw new Error(`grad: no input ${name}`)
    return node.outputs[0]!
  })
  const forward = [...g.nodes]
  const active = dependents(forward, targets)
  for (const node of forward.reverse()) {
    if (!active.has(node) || node.op === 'input') continue
    const cts = node.outputs.map((o) => cotangents.get(o))
    if (cts.every((ct) => ct === undefined)) continue
    const vjp = ops.get(node.op)!.vjp
    if (vjp === undefined)
      throw new Error(`grad: op ${node.op} has no gradient rule (${node.scope}); decompose it first`)
    g.scoped(
      `${node.scope}.grad`,
      () => {
        vjp(g, node, cts).forEach((ct, i) => {
          const input = node.inputs[i]!
          if (ct !== undefined && active.has(input.node)) addTo(g, cotangents, input, ct)
        })
      },
      true,
    )
  }
  targets.forEach((value, i) =>
    g.output(`grad.${wrt[i]}`, cotangents.get(value) ?? g.zeros(value.type.shape, value.type.dtype)),
  )
  return g.finish()
}

function addTo(g: GraphBuilder, cotangents: Map<Value, Value>, value: Value, ct: Value): void {
  if (typeText(ct.type) !== typeText(value.type))
    throw new Error(
      `grad: ${value.node.op} %${value.node.id} is ${typeText(value.type)}, its cotangent ${typeText(ct.type)}`,
    )
  const sum = cotangents.get(value)
  cotangents.set(value, sum === undefined ? ct : g.add(sum, ct))
}

/** Nodes whose value depends on one of the targets. */
function dependents(nodes: readonly Node[], targets: readonly Value[]): Set<Node> {
  const active = new Set(targets.map((v) => v.node))
  for (const node of nodes) if (node.inputs.some((v) => active.has(v.node))) active.add(node)
  return active
}
