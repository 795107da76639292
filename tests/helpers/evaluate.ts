// Graphs on the interpreter.

import { interpret } from '#core/graph/interpret.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import type { Graph, Node, Shape } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { ops } from '#core/ops/index.ts'
import { optimise } from '#core/passes/pipeline.ts'
import type { Rng } from '#core/rng.ts'

export type Feeds = ReadonlyMap<string, Tensor>

/** Runs a graph in float64 after all passes, each verified. */
export function evaluate(
  graph: Graph,
  feeds: Feeds,
  claims: (node: Node) => boolean = () => false,
): Map<string, Tensor> {
  return interpret(optimise(graph, { claims, verifyEach: true }), feeds, ops)
}

export const f32 = (shape: Shape, data: ArrayLike<number>): Tensor => ({
  dtype: 'f32',
  shape,
  data: Float64Array.from(data),
})
export const i32 = (shape: Shape, data: ArrayLike<number>): Tensor => ({
  dtype: 'i32',
  shape,
  data: Float64Array.from(data),
})

/** Normal elements that are exact in f32, so that every target sees the same numbers. */
export function normal(random: Rng, shape: Shape, scale = 1): Tensor {
  return f32(
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(scale * random.normal())),
  )
}
