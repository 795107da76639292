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
  const result = new Float32Array(data.length)
  const [lines, length, lineStep, step] =
    projection === 'rows' ? [rows, columns, columns, 1] : [columns, rows, 1, columns]
  for (let l = 0; l < lines; l++) {
    let sum = 0
    for (let i = 0; i < length; i++) sum += data[l * lineStep + i * step]! ** 2
    const norm = Math.max(Math.sqrt(sum), 1e-12)
    for (let i = 0; i < length; i++) result[l * lineStep + i * step] = data[l * lineStep + i * step]! / norm
  }
  return result
}
