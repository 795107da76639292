import { printGraph } from './print.ts'
import type { Graph, Node, OpTable, TensorType } from './types.ts'
import { sameType, typeText } from './types.ts'

/**
 * Checks that a graph is legal: ids increase, every operand is defined before its use, every op is known and its
 * types are what `infer` says, input and output names are unique. Passes leave verified graphs behind.
 * @throws Error with the offending node and the graph text: an illegal graph is a fault of the program, not of a user.
 */
export function verify(graph: Graph, ops: OpTable, stage = 'graph'): Graph {
  const seen = new Set<Node>()
  const names = new Set<string>()
  let lastId = -1
  const fail = (node: Node | undefined, rule: string): never => {
    const text = printGraph(graph)
    const where = node === undefined ? '' : ` at %${node.id} ${node.op} (${node.scope})`
    throw new Error(
      `${stage} is not legal${where}: ${rule}\n${text.slice(0, 1000)}${text.length > 1000 ? '\n...' : ''}`,
    )
  }
  for (const node of graph.nodes) {
    if (node.id <= lastId) fail(node, `node ids must increase, got ${node.id} after ${lastId}`)
    lastId = node.id
    const rules = ops.get(node.op)
    if (rules === undefined) return fail(node, `unknown op ${node.op}`)
    for (const input of node.inputs) {
      if (!seen.has(input.node))
        fail(node, `operand %${input.node.id} is used before it is defined or belongs to another graph`)
      if (input.node.outputs[input.index] !== input)
        fail(node, `operand %${input.node.id} is not an output of its node`)
    }
    let types
    try {
      types = rules.infer(
        node.inputs.map((v) => v.type),
        node.attrs,
        node.data,
      )
    } catch (error) {
      return fail(node, (error as Error).message)
    }
    if (types.length !== node.outputs.length)
      fail(node, `has ${node.outputs.length} outputs, infer gives ${types.length}`)
    types.forEach((type: TensorType | undefined, i) => {
      const output = node.outputs[i]!
      // a rule that passes an operand's type through finds none where the operand is missing
      if (type === undefined) return fail(node, 'has too few operands')
      if (!sameType(type, output.type))
        fail(node, `output ${i} is ${typeText(output.type)}, infer gives ${typeText(type)}`)
      if (output.node !== node || output.index !== i) fail(node, `output ${i} does not point back at its node`)
    })
    if (node.op === 'input') {
      const name = node.attrs['name'] as string
      if (names.has(name)) fail(node, `two inputs are named ${name}`)
      names.add(name)
    }
    seen.add(node)
  }
  const outputs = new Set<string>()
  for (const output of graph.outputs) {
    if (!seen.has(output.value.node)) fail(undefined, `output ${output.name} is not defined in the graph`)
    if (outputs.has(output.name)) fail(undefined, `two outputs are named ${output.name}`)
    outputs.add(output.name)
  }
  return graph
}
