import type { Attr, Graph, Node, NumberArray } from './types.ts'
import { typeText } from './types.ts'

/**
 * The text of a graph: one line a node, the exact inverse of `parseGraph`.
 *
 *     %3 = matmul(%1, %2) {transposeB=true} : f32[8,16] @ L00.mixer
 *     %4,%5 = split(%3) : f32[8,8], f32[8,8]
 *     return loss=%9, state=%4.1
 */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map(printNode)
  lines.push(`return ${graph.outputs.map((o) => `${o.name}=${ref(o.value)}`).join(', ')}`)
  return `${lines.join('\n')}\n`
}

/** One node as a line of the graph text. */
export function printNode(node: Node): string {
  const operands = node.inputs.map(ref).join(', ')
  const attrs = Object.keys(node.attrs).sort()
  const attrText = attrs.length === 0 ? '' : ` {${attrs.map((k) => `${k}=${printAttr(node.attrs[k]!)}`).join(', ')}}`
  const data = node.data === undefined ? '' : ` <${printData(node.data)}>`
  const scope = node.scope === '' ? '' : ` @ ${node.scope}`
  return `%${node.id} = ${node.op}(${operands})${attrText}${data} : ${node.outputs.map((o) => typeText(o.type)).join(', ')}${scope}`
}

const ref = (value: { node: Node; index: number }): string =>
  value.index === 0 ? `%${value.node.id}` : `%${value.node.id}.${value.index}`

function printAttr(attr: Attr): string {
  if (typeof attr === 'object') return `[${attr.map(printNumber).join(',')}]`
  return typeof attr === 'number' ? printNumber(attr) : JSON.stringify(attr)
}

/** Numbers with infinities, which JSON lacks. */
export const printNumber = (n: number): string => (Object.is(n, -0) ? '-0' : String(n))

function printData(data: NumberArray): string {
  return Array.from(data, printNumber).join(' ')
}
