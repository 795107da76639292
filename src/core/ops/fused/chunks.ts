// Chunk-wise algebra shared by the recurrent mixers (operators.md section 5). Sequences are cut in n chunks of C tokens and
// laid out as [B, G, R, n, C, ·]: G heads of queries and keys, each serving R heads of values. All work inside chunks is
// batched matrix products; only the state is handed from chunk to chunk.

import type { Value } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'

export interface ChunkPlan {
  readonly batch: number
  readonly length: number
  readonly size: number
  readonly count: number
}

export function planChunks(batch: number, length: number, chunk: number): ChunkPlan {
  const size = Math.min(chunk, length)
  return { batch, length, size, count: Math.ceil(length / size) }
}

/** [B, T, G·R, w] -> [B, G, R, n, C, w]; missing tokens at the end are zeros. */
export function toChunks(g: GraphBuilder, x: Value, groups: number, plan: ChunkPlan): Value {
  const [, , heads, width] = x.type.shape as [number, number, number, number]
  const padded = g.pad(x, 1, 0, plan.count * plan.size - plan.length)
  const byHead = g.transpose(padded, [0, 2, 1, 3])
  return g.reshape(byHead, [x.type.shape[0]!, groups, heads / groups, plan.count, plan.size, width])
}

/** The inverse of `toChunks`. */
export function fromChunks(g: GraphBuilder, x: Value, plan: ChunkPlan): Value {
  const [b, groups, repeats, n, size, width] = x.type.shape as [number, number, number, number, number, number]
  const byHead = g.reshape(x, [b, groups * repeats, n * size, width])
  return g.slice(g.transpose(byHead, [0, 2, 1, 3]), 1, 0, plan.length)
}

/** Inclusive cumulative sum inside each chunk of [..., C, w]. */
export function cumulative(g: GraphBuilder, x: Value): Value {
  return g.matmul(g.lowerOnes(x.type.shape.at(-2)!), x)
}

/**
 * Sum of the rows behind each row of its chunk, [..., C, w]: the log decay from a token to the chunk's end. Summed and not
 * taken as a difference, whose gradients would cancel only up to rounding.
 */
export function remaining(g: GraphBuilder, x: Value): Value {
  return g.matmul(g.lowerOnes(x.type.shape.at(-2)!, true), x, { transposeA: true })
}

/**
 * exp(c_i - c_j) for j < i, 1 on the diagonal (0 when strict), else 0; cumulative log decays c [..., C, 1] -> [..., C, C].
 * The diagonal is added as a constant: computed as exp(c_i - c_i) it would put two large gradients that should cancel on c_i,
 * and under strong decay their rounding outweighs everything else.
 */
export function decayMatrix(g: GraphBuilder, c: Value, strict: boolean): Value {
  const size = c.type.shape.at(-2)!
  const below = g.exp(g.add(g.sub(c, swapLast(g, c)), g.lowerMask(size, true)))
  return strict ? below : g.add(below, g.identity(size))
}

/** The last row of each chunk, [..., 1, w]. */
export function lastRow(g: GraphBuilder, x: Value): Value {
  const axis = x.type.shape.length - 2
  return g.slice(x, axis, x.type.shape[axis]! - 1, x.type.shape[axis]!)
}

/** Swaps the last two axes. */
export function swapLast(g: GraphBuilder, x: Value): Value {
  const perm = x.type.shape.map((_, i) => i)
  return g.transpose(x, [...perm.slice(0, -2), perm.at(-1)!, perm.at(-2)!])
}

/** The i-th chunk of [B, G, R, n, ·, ·], axis kept. */
export const chunkAt = (g: GraphBuilder, x: Value, i: number): Value =>
  x.type.shape[3] === 1 ? x : g.slice(x, 3, i, i + 1)

/**
 * Hands the state through the chunks. `advance(i, S)` gives the state after chunk i from the one before it.
 * Returns the states before each chunk, [B, G, R, n, K, V], and the last state.
 */
export function passState(
  g: GraphBuilder,
  first: Value,
  count: number,
  advance: (i: number, state: Value) => Value,
): { before: Value; last: Value } {
  const before: Value[] = []
  let state = first
  for (let i = 0; i < count; i++) {
    before.push(state)
    state = advance(i, state)
  }
  return { before: g.concat(before, 3), last: state }
}

/** Rows of the diagonal sub-blocks: keys of a chunk that are compared by elements and not by a matrix product. */
const SUB_BLOCK = 16

/**
 * `P_ij = Σ_k x_ik y_jk exp(decay_(j+1)k + ... + decay_ik)` for j <= i, or, when strict, `... + decay_(i-1)k` for j < i; else
 * 0; [..., C, K] -> [..., C, C]. Every exponent is <= 0 and summed over few tokens: pairs in different sub-blocks are
 * measured from the boundary between them and become matrix products, pairs in one sub-block are summed element by element.
 */
export function decayedScores(g: GraphBuilder, x: Value, y: Value, decay: Value, strict: boolean): Value {
  const shape = x.type.shape
  const axis = shape.length - 2
  const size = shape[axis]!
  const rows: Value[] = []
  for (let start = 0; start < size; start += SUB_BLOCK) {
    const end = Math.min(start + SUB_BLOCK, size)
    const part = (v: Value): Value => g.slice(v, axis, start, end)
    const before = (v: Value): Value => g.slice(v, axis, 0, start)
    const sums = cumulative(g, part(decay))
    const reach = strict ? g.matmul(g.lowerOnes(end - start, true), part(decay)) : sums
    const cells: Value[] = []
    if (start > 0) {
      const left = g.mul(part(x), g.exp(reach))
      const right = g.mul(before(y), g.exp(remaining(g, before(decay))))
      cells.push(g.matmul(left, right, { transposeB: true }))
    }
    cells.push(diagonalScores(g, part(x), reach, part(y), sums, strict))
    const row = g.concat(cells, axis + 1)
    rows.push(g.pad(row, axis + 1, 0, size - end))
  }
  return g.concat(rows, axis)
}

function diagonalScores(g: GraphBuilder, x: Value, cx: Value, y: Value, cy: Value, strict: boolean): Value {
  const shape = x.type.shape
  const lead = shape.slice(0, -2)
  const [s, k] = shape.slice(-2) as [number, number]
  const asRows = (v: Value): Value => g.reshape(v, [...v.type.shape.slice(0, -2), s, 1, k])
  const asColumns = (v: Value): Value => g.reshape(v, [...v.type.shape.slice(0, -2), 1, s, k])
  const mask = g.reshape(g.lowerMask(s, true), [s, s, 1])
  const decay = g.exp(g.add(g.sub(asRows(cx), asColumns(cy)), mask)) // [..., s, s, K]
  const products = g.mul(g.mul(decay, asRows(x)), asColumns(y))
  const below = g.reshape(g.reduceSum(products, [lead.length + 2]), [...lead, s, s])
  // where the diagonal counts, cx and cy are the same sums: its decay is 1 (see decayMatrix)
  return strict ? below : g.add(below, g.mul(g.reduceSum(g.mul(x, y), [lead.length + 1]), g.identity(s)))
}
