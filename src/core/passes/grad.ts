import type { Graph, Value } from '../graph/types.ts'
import { inputsOf, typeText } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import { reverse } from '../ops/reverse.ts'
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
  const forward = [...g.nodes]
  const seeds = new Map<Value, Value>()
  for (const [name, seed] of Object.entries(of)) {
    const value = g.outputs.find((o) => o.name === name)?.value
    if (value === undefined) throw new Error(`grad: no output ${name}`)
    if (seed === null && value.type.shape.length > 0)
      throw new Error(`grad: output ${name} is ${typeText(value.type)} and needs a cotangent`)
    const ct = seed === null ? g.scalar(1, value.type.dtype) : inputs.get(seed)!.outputs[0]!
    const before = seeds.get(value)
    seeds.set(value, before === undefined ? ct : g.add(before, ct))
  }
  const targets = wrt.map((name) => {
    const node = inputs.get(name)
    if (node === undefined) throw new Error(`grad: no input ${name}`)
    return node.outputs[0]!
  })
  reverse(g, forward, seeds, targets).forEach((ct, i) => {
    const { shape, dtype } = targets[i]!.type
    g.output(`grad.${wrt[i]}`, ct ?? g.zeros(shape, dtype))
  })
  return g.finish()
}
