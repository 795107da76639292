// Lowered graphs as programs on a target.

import type { Program } from '#core/graph/program.ts'
import type { Graph } from '#core/graph/types.ts'
import { inputsOf } from '#core/graph/types.ts'
import type { LoweredModel } from '#core/model/lower.ts'
import { newGraph } from '#core/ops/index.ts'
import { grad } from '#core/passes/grad.ts'
import { differentiable } from '#core/passes/pipeline.ts'
import { copyInto } from '#core/passes/rewrite.ts'
import type { HostArray, Session, Target } from '#main/runtime/targets/target.ts'
import type { GoldenTensor } from '../tensors.ts'

export type Arrays = ReadonlyMap<string, Float32Array>

const THREADS = 1

/** Opens a prefill or decode graph with frozen weights; the states of a decode graph are bound and start at zero. */
export async function openModel(
  target: Target,
  { graph, phase, states }: LoweredModel,
  weights: Arrays,
  decomposeAll: boolean,
): Promise<Session> {
  const bindings = phase === 'decode' ? states.map(({ name }) => ({ input: name, output: `next.${name}` })) : []
  const frozen = [...inputsOf(graph).keys()].filter((name) => weights.has(name))
  const program: Program = { name: phase, phase, graph, bindings, frozen }
  return target.open(program, { initial: weights, decomposeAll, threads: THREADS })
}

/**
 * Runs a train graph once with gradients.
 * @param of the differentiated output and the input that holds its cotangent, or null for a scalar
 * @returns the asked outputs and `grad.<name>` for each name in `wrt`
 */
export async function runGradients(
  target: Target,
  graph: Graph,
  of: Readonly<Record<string, string | null>>,
  wrt: readonly string[],
  feeds: Readonly<Record<string, HostArray>>,
  reads: readonly string[],
): Promise<Map<string, GoldenTensor>> {
  const whole = grad(differentiable(withCotangents(graph, of)), of, wrt)
  const session = await target.open(
    { name: 'train', phase: 'train', graph: whole, bindings: [], frozen: [] },
    { initial: new Map(), threads: THREADS },
  )
  try {
    return await readAll(session, feeds, [...reads, ...wrt.map((name) => `grad.${name}`)])
  } finally {
    session.close()
  }
}

/** Adds an input for each cotangent, of the type of its output. */
function withCotangents(graph: Graph, of: Readonly<Record<string, string | null>>): Graph {
  const g = newGraph()
  copyInto(g, graph)
  for (const [name, seed] of Object.entries(of)) {
    if (seed !== null) g.input(seed, g.outputs.find((o) => o.name === name)!.value.type)
  }
  return g.finish()
}

/** One run; the outputs with their shapes. */
export async function readAll(
  session: Session,
  feeds: Readonly<Record<string, HostArray>>,
  reads: readonly string[],
): Promise<Map<string, GoldenTensor>> {
  const results = await session.run(feeds, reads)
  const shapes = new Map(session.graph.outputs.map((o) => [o.name, o.value.type.shape]))
  return new Map(reads.map((name) => [name, { shape: shapes.get(name)!, data: results[name]! }]))
}
