import type { Graph, Node, NumberArray, Value } from '../graph/types.ts'
import { rewrite } from './rewrite.ts'

/** Merges nodes that compute the same thing: equal op, attributes, data and operands. Inputs stay apart. */
export function cse(graph: Graph): Graph {
  const known = new Map<string, readonly Value[]>()
  const arrays = new Map<NumberArray, string>()
  return rewrite(graph, (g, node, inputs) => {
    if (node.op === 'input') return undefined
    const key = `${node.op} ${inputs.map((v) => `${v.node.id}.${v.index}`).join(' ')} ${attrText(node)} ${node.data === undefined ? '' : dataKey(node.data, arrays)}`
    let values = known.get(key)
    if (values === undefined) known.set(key, (values = g.copy(node, inputs)))
    return values
  })
}

function attrText(node: Node): string {
  const names = Object.keys(node.attrs)
  return names.length === 0
    ? ''
    : names
        .sort()
        .map((k) => `${k}=${String(node.attrs[k])}`)
        .join(' ')
}

function dataKey(data: NumberArray, arrays: Map<NumberArray, string>): string {
  let key = arrays.get(data)
  if (key === undefined)
    arrays.set(
      data,
      (key =
        data.length <= 64 ? Array.from(data, (x) => (Object.is(x, -0) ? '-0' : x)).join(',') : longKey(data, arrays)),
    )
  return key
}

/** Long arrays are compared with those of equal length seen before. */
function longKey(data: NumberArray, arrays: Map<NumberArray, string>): string {
  for (const [other, key] of arrays)
    if (other.length === data.length && other.every((x, i) => Object.is(x, data[i]))) return key
  return `long ${arrays.size}`
}
