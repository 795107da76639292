import type { Projection } from '../blocks/index.ts'
import type { Value } from '../graph/types.ts'
import type { Weight } from '../model/declarations.ts'
import type { GraphBuilder } from '../ops/builder.ts'

/** How a weight is projected, if at all: blocks mark their matrices, embedding and head follow a switch. */
export function projectionOf(weight: Weight, embedding: boolean): Projection | undefined {
  if (weight.project !== undefined) return weight.project
  return embedding && (weight.name === 'embed_tokens.weight' || weight.name === 'lm_head.weight') ? 'rows' : undefined
}

/** Unit L2 norm of every row W[i,:] or every column W[:,j], dividing by at least 1e-12 (operators.md section 7). */
export function project(g: GraphBuilder, weight: Value, projection: Projection): Value {
  const squares = g.reduceSum(g.mul(weight, weight), [projection === 'rows' ? 1 : 0])
  return g.div(weight, g.maximum(g.sqrt(squares), g.scalar(1e-12)))
}

/** The same projection on plain data, in float64: applied once before the first step. */
export function projectData(
  data: Float32Array,
  [rows, columns]: readonly [number, number],
  projection: Projection,
): Float32Array {
  // sums of squares in the order in which the memory lies
  const isRows = projection === 'rows'
  const norms = new Float64Array(isRows ? rows : columns)
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) norms[isRows ? i : j]! += data[at]! ** 2
  norms.forEach((sum, i) => (norms[i] = Math.max(Math.sqrt(sum), 1e-12)))
  const result = new Float32Array(data.length)
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) result[at] = data[at]! / norms[isRows ? i : j]!
  return result
}
