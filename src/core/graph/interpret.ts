import type { Tensor } from './tensor.ts'
import type { Graph, Node, Value } from './types.ts'
import { inputsOf, liveNodes, sameShape, typeText } from './types.ts'

/** The rule that the interpreter needs of an op. */
export interface Evaluator {
  readonly kind: string
  evaluate?(inputs: readonly Tensor[], node: Node): readonly Tensor[]
}

/**
 * The reference interpreter: runs a graph of primitive ops in float64, node by node.
 * @param feeds data of every `input` node by name
 * @returns the outputs by name
 */
export function interpret(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
  ops: ReadonlyMap<string, Evaluator>,
): Map<string, Tensor> {
  const values = new Map<Value, Tensor>()
  for (const [name, node] of inputsOf(graph)) {
    const fed = feeds.get(name)
    const type = node.outputs[0]!.type
    if (fed === undefined) throw new Error(`no data for input ${name}`)
    if (!sameShape(fed.shape, type.shape))
      throw new Error(`input ${name} is ${typeText(type)}, got shape [${fed.shape.join(',')}]`)
    values.set(node.outputs[0]!, fed)
  }
  const nodes = liveNodes(graph)
  const lastUse = new Map<Value, Node>()
  for (const node of nodes) for (const input of node.inputs) lastUse.set(input, node)
  const kept = new Set(graph.outputs.map((o) => o.value))
  for (const node of nodes) {
    if (node.op !== 'input') {
      const evaluate = ops.get(node.op)?.evaluate
      if (evaluate === undefined) throw new Error(`op ${node.op} has no evaluation: decompose the graph first`)
      const results = evaluate(
        node.inputs.map((v) => values.get(v)!),
        node,
      )
      results.forEach((result, i) => {
        const output = node.outputs[i]!
        if (!sameShape(result.shape, output.type.shape))
          throw new Error(
            `${node.op} %${node.id} evaluated to [${result.shape.join(',')}], inferred ${typeText(output.type)}`,
          )
        values.set(output, result)
      })
    }
    for (const input of node.inputs) if (lastUse.get(input) === node && !kept.has(input)) values.delete(input)
  }
  return new Map(graph.outputs.map((o) => [o.name, values.get(o.value)!]))
}
