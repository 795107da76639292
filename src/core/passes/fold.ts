import type { Tensor } from '../graph/tensor.ts'
import { spread } from '../graph/tensor.ts'
import type { DType, Graph, Node, NumberArray, Shape, Value } from '../graph/types.ts'
import { sameType, sizeOf } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { ops } from '../ops/index.ts'
import { rewrite } from './rewrite.ts'

/** Constants above this many elements are left to be computed by the target. */
const MAX_FOLDED = 1 << 22

/**
 * Evaluates nodes whose operands are all constant and removes work that cannot change the result: x + 0, x - 0, x 1, x / 1,
 * anything times zeros, products and sums with zeros, reshapes of reshapes, transposes that cancel.
 */
export function fold(graph: Graph): Graph {
  return rewrite(graph, (g, node, inputs) => {
    const value = uniform(g, node, inputs) ?? simplify(g, node, inputs) ?? evaluated(g, node, inputs)
    return value === undefined ? undefined : [value]
  })
}

/** The one number that fills a constant, if there is one. */
export function fillOf(value: Value): number | undefined {
  const { op, data } = value.node
  if (op !== 'constant') return undefined
  return data!.length === 1 || data!.every((x) => x === data![0]) ? data![0] : undefined
}

const MOVES = new Set(['reshape', 'transpose', 'broadcast', 'slice'])
const CLOSED = new Set(['neg', 'exp', 'sqrt', 'add', 'sub', 'mul', 'div', 'sigmoid', 'cast', 'abs', 'relu'])

/** Filled constants stay filled through movement and element-wise ops, whatever their size. */
function uniform(g: GraphBuilder, node: Node, inputs: readonly Value[]): Value | undefined {
  if (inputs.length === 0 || !(MOVES.has(node.op) || CLOSED.has(node.op))) return undefined
  const fills = inputs.map(fillOf)
  if (fills.some((f) => f === undefined)) return undefined
  const type = node.outputs[0]!.type
  if (MOVES.has(node.op)) return filled(g, type.shape, fills[0]!, type.dtype)
  const scalars = inputs.map((v, i): Tensor => ({ dtype: v.type.dtype, shape: [], data: Float64Array.of(fills[i]!) }))
  const [result] = ops.get(node.op)!.evaluate!(scalars, node)
  return filled(g, type.shape, result!.data[0]!, type.dtype)
}

const filled = (g: GraphBuilder, shape: Shape, value: number, dtype: DType): Value =>
  g.constant(shape, Float64Array.of(value), dtype)

function simplify(g: GraphBuilder, node: Node, inputs: readonly Value[]): Value | undefined {
  const type = node.outputs[0]!.type
  const [a, b] = inputs as [Value, Value]
  const zeros = (): Value => filled(g, type.shape, 0, type.dtype)
  const keeps = (v: Value): Value | undefined => (sameType(v.type, type) ? v : undefined)
  switch (node.op) {
    case 'add':
      if (fillOf(a) === 0) return keeps(b)
      return fillOf(b) === 0 ? keeps(a) : undefined
    case 'sub':
      return fillOf(b) === 0 ? keeps(a) : undefined
    case 'mul':
      if (fillOf(a) === 0 || fillOf(b) === 0) return zeros()
      if (fillOf(a) === 1) return keeps(b)
      return fillOf(b) === 1 ? keeps(a) : undefined
    case 'div':
      if (fillOf(a) === 0) return zeros()
      return fillOf(b) === 1 ? keeps(a) : undefined
    case 'matmul':
      return fillOf(a) === 0 || fillOf(b) === 0 ? zeros() : undefined
    case 'reduce_sum':
      return fillOf(a) === 0 ? zeros() : undefined
    case 'pad':
      return fillOf(a) === 0 ? zeros() : undefined
    case 'reshape':
      if (a.node.op === 'reshape') return g.reshape(a.node.inputs[0]!, type.shape)
      return keeps(a)
    case 'transpose':
      if (a.node.op === 'transpose') {
        const outer = node.attrs['perm'] as readonly number[],
          inner = a.node.attrs['perm'] as readonly number[]
        return g.transpose(
          a.node.inputs[0]!,
          outer.map((p) => inner[p]!),
        )
      }
      return undefined
    case 'concat':
      return inputs.every((v) => fillOf(v) === 0) ? zeros() : undefined
    case 'broadcast':
      return keeps(a)
    case 'cast':
      return keeps(a)
    default:
      return undefined
  }
}

function evaluated(g: GraphBuilder, node: Node, inputs: readonly Value[]): Value | undefined {
  if (inputs.length === 0 || node.outputs.length !== 1 || sizeOf(node.outputs[0]!.type.shape) > MAX_FOLDED)
    return undefined
  const { evaluate } = ops.get(node.op)!
  if (evaluate === undefined || inputs.some((v) => v.node.op !== 'constant' || sizeOf(v.type.shape) > MAX_FOLDED))
    return undefined
  const tensors = inputs.map((v): Tensor => ({ ...v.type, data: spread(v.node.data!, v.type.shape) }))
  const { dtype, shape, data } = evaluate(tensors, node)[0]!
  return g.constant(shape, compact(data, dtype), dtype)
}

function compact(data: Float64Array, dtype: DType): NumberArray {
  if (dtype === 'i32') return Int32Array.from(data)
  return dtype === 'bool' ? Uint8Array.from(data) : data
}
