// Gradients of a graph against central finite differences in float64.

import type { Tensor } from '#core/graph/tensor.ts'
import type { Graph } from '#core/graph/types.ts'
import { inputsOf, isFloat } from '#core/graph/types.ts'
import { interpret } from '#core/graph/interpret.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { grad } from '#core/passes/grad.ts'
import { differentiable, optimise } from '#core/passes/pipeline.ts'
import { copyInto } from '#core/passes/rewrite.ts'
import { rng } from '#core/rng.ts'
import { evaluate, normal } from './evaluate.ts'
import type { Feeds } from './evaluate.ts'

export interface GradcheckOptions {
  /** Inputs to differentiate; default: all float inputs. */
  readonly wrt?: readonly string[]
  /** Entries of each input that are checked one by one, besides a random direction over all of them. */
  readonly entries?: number
  /** Only one random direction over all inputs together: for graphs that are slow to run. */
  readonly joint?: boolean
  readonly step?: number
  /** Largest difference over the larger of 1 and the largest gradient entry of that input. */
  readonly tolerance?: number
  readonly seed?: string
}

/**
 * Checks the gradients of the sum over all float outputs of output times a random cotangent.
 * @throws Error naming the input and entry
 */
export function gradcheck(graph: Graph, feeds: Feeds, options: GradcheckOptions = {}): void {
  const { entries = 6, step = 1e-5, tolerance = 1e-6, seed = 'gradcheck' } = options
  const inputs = inputsOf(graph)
  const wrt =
    options.wrt ?? [...inputs].filter(([, node]) => isFloat(node.outputs[0]!.type.dtype)).map(([name]) => name)
  const outputs = graph.outputs.filter((o) => isFloat(o.value.type.dtype))
  const seeds = new Map(outputs.map((o) => [`cotangent.${o.name}`, normal(rng(seed, o.name), o.value.type.shape)]))
  const gradients = evaluate(
    grad(
      differentiable(withSeeds(graph, seeds)),
      Object.fromEntries(outputs.map((o) => [o.name, `cotangent.${o.name}`])),
      wrt,
    ),
    new Map([...feeds, ...seeds]),
  )
  const forward = optimise(graph, { claims: () => false })
  const sum = (changed: Feeds): number => {
    const results = interpret(forward, changed, ops)
    return outputs.reduce(
      (total, o) => total + dot(results.get(o.name)!.data, seeds.get(`cotangent.${o.name}`)!.data),
      0,
    )
  }
  const check = (what: string, direction: ReadonlyMap<string, Float64Array>): void => {
    const along = [...direction].map(([name, d]) => ({ name, d, analytic: gradients.get(`grad.${name}`)!.data }))
    const length = Math.sqrt(along.reduce((total, { d }) => total + dot(d, d), 0)) || 1
    const scale = along.reduce((most, { analytic }) => analytic.reduce((m, x) => Math.max(m, Math.abs(x)), most), 1)
    const shifted = (h: number): Feeds =>
      new Map([
        ...feeds,
        ...along.map(({ name, d }): [string, Tensor] => [name, moved(feeds.get(name)!, d, h / length)]),
      ])
    const numeric = (sum(shifted(step)) - sum(shifted(-step))) / (2 * step)
    const expected = along.reduce((total, { d, analytic }) => total + dot(analytic, d), 0) / length
    if (!(Math.abs(numeric - expected) <= tolerance * scale))
      throw new Error(
        `gradient along ${what}: ${expected}, finite differences give ${numeric} (largest entry ${scale})`,
      )
  }
  const random = (name: string): Float64Array => normal(rng(seed, 'direction', name), feeds.get(name)!.shape).data
  if (options.joint === true)
    return check('a random direction over all inputs', new Map(wrt.map((name) => [name, random(name)])))
  for (const name of wrt) {
    const { length } = feeds.get(name)!.data
    const draws = rng(seed, 'entries', name)
    check(`a random direction of ${name}`, new Map([[name, random(name)]]))
    for (const i of sample(length, entries, (n) => draws.integer(n)))
      check(`entry ${i} of ${name}`, new Map([[name, new Float64Array(length).fill(1, i, i + 1)]]))
  }
}

const moved = (x: Tensor, direction: Float64Array, by: number): Tensor => ({
  ...x,
  data: x.data.map((v, i) => v + by * direction[i]!),
})

function withSeeds(graph: Graph, seeds: Feeds): Graph {
  const g = newGraph()
  copyInto(g, graph)
  for (const [name, { dtype, shape }] of seeds) g.input(name, { dtype, shape })
  return g.finish()
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** So many different indices below n, or all of them. */
function sample(n: number, count: number, draw: (n: number) => number): number[] {
  if (n <= count) return Array.from({ length: n }, (_, i) => i)
  const found = new Set<number>()
  while (found.size < count) found.add(draw(n))
  return [...found]
}
