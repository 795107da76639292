// The training step as one program: forward, gradients, clipping, optimiser, projection.

import type { Program, StateBinding } from '../graph/program.ts'
import type { Value } from '../graph/types.ts'
import { inputsOf } from '../graph/types.ts'
import { lower } from '../model/lower.ts'
import type { Weight } from '../model/declarations.ts'
import type { LoweredModel } from '../model/lower.ts'
import type { ResolvedSpec } from '../model/spec.ts'
import { newGraph } from '../ops/index.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { ParamValues } from '../params.ts'
import { grad } from '../passes/grad.ts'
import { differentiable } from '../passes/pipeline.ts'
import { copyInto } from '../passes/rewrite.ts'
import { adamw } from './adamw.ts'
import { project, projectionOf } from './weight-norm.ts'

export interface TrainProgramOptions {
  readonly batchSize: number
  readonly seqLen: number
  readonly optimiser: ParamValues
  /** Batches whose gradients are averaged before a step; above 1, `accumulate` and `step` are two programs. */
  readonly accumulation: number
}

export interface TrainPrograms {
  /** Takes tokens, targets (and with accumulation 1 the scalars of a step); outputs loss, targetCount. */
  readonly batch: Program
  /** Only with accumulation: takes the scalars, uses up the averaged gradients. */
  readonly update: Program | undefined
  readonly weights: readonly Weight[]
}

/** Names of state: the weight itself, its moments and its averaged gradient. */
export const momentName = (moment: string, weight: string): string => `${moment}.${weight}`
const gradientName = (weight: string): string => `mean_grad.${weight}`
const next = (name: string): string => `next.${name}`

/**
 * Programs of one training step. State: weights, `m.<weight>`, `v.<weight>`. A step takes f32 scalars `lr` and the
 * optimiser's (`correction1`, `correction2`) and outputs `gradNorm` (before clipping) and `weightNorm` (after the step).
 */
export function trainPrograms(resolved: ResolvedSpec, options: TrainProgramOptions): TrainPrograms {
  const lowered = lower(resolved, {
    phase: 'train',
    batchSize: options.batchSize,
    seqLen: options.seqLen,
    outputs: ['loss'],
  })
  const weights = lowered.weights
  const { g, gradients } = withGradients(lowered)
  if (options.accumulation === 1) {
    const inputs = inputsOf({ nodes: g.nodes, outputs: [] })
    const values = new Map(weights.map((w) => [w.name, inputs.get(w.name)!.outputs[0]!]))
    const bindings = step(g, weights, values, gradients, options.optimiser)
    return {
      batch: { name: 'train', phase: 'train', graph: g.finish(), bindings, frozen: [] },
      update: undefined,
      weights,
    }
  }
  const accumulated = weights.map((w) => accumulate(g, w, gradients.get(w.name)!, options.accumulation))
  const batch: Program = { name: 'accumulate', phase: 'train', graph: g.finish(), bindings: accumulated, frozen: [] }
  return { batch, update: updateProgram(weights, options.optimiser), weights }
}

function withGradients(lowered: LoweredModel): { g: GraphBuilder; gradients: Map<string, Value> } {
  const names = lowered.weights.map((w) => w.name)
  const graph = grad(differentiable(lowered.graph), { loss: null }, names)
  const g = newGraph()
  const map = copyInto(g, { nodes: graph.nodes, outputs: graph.outputs.filter((o) => !o.name.startsWith('grad.')) })
  const gradients = new Map(
    names.map((name) => [name, map.get(graph.outputs.find((o) => o.name === `grad.${name}`)!.value)!]),
  )
  return { g, gradients }
}

function accumulate(g: GraphBuilder, weight: Weight, gradient: Value, count: number): StateBinding {
  const name = gradientName(weight.name)
  g.scoped(
    'accumulate',
    () => {
      const sum = g.input(name, { dtype: 'f32', shape: weight.shape })
      g.output(next(name), g.add(sum, g.scale(gradient, 1 / count)))
    },
    true,
  )
  return { input: name, output: next(name) }
}

function updateProgram(weights: readonly Weight[], optimiser: ParamValues): Program {
  const g = newGraph()
  const input = (w: Weight, name: string): Value => g.input(name, { dtype: 'f32', shape: w.shape })
  const values = new Map(weights.map((w) => [w.name, input(w, w.name)]))
  const gradients = new Map(weights.map((w) => [w.name, input(w, gradientName(w.name))]))
  const bindings = step(g, weights, values, gradients, optimiser)
  const cleared = weights.map((w): StateBinding => {
    const name = gradientName(w.name)
    g.output(next(name), g.zeros(w.shape))
    return { input: name, output: next(name) }
  })
  return { name: 'update', phase: 'train', graph: g.finish(), bindings: [...bindings, ...cleared], frozen: [] }
}

function step(
  g: GraphBuilder,
  weights: readonly Weight[],
  values: ReadonlyMap<string, Value>,
  gradients: ReadonlyMap<string, Value>,
  p: ParamValues,
): StateBinding[] {
  const scalar = (name: string): Value => g.input(name, { dtype: 'f32', shape: [] })
  const lr = scalar('lr')
  const scalars = Object.fromEntries(Object.keys(adamw.scalars(1, p)).map((name) => [name, scalar(name)]))
  const norm = g.scoped('clip', () => globalNorm(g, [...gradients.values()]), true)
  g.output('gradNorm', norm)
  const clip = p['clip'] as number | null
  const factor =
    clip === null
      ? undefined
      : g.scoped('clip', () => g.minimum(g.scalar(1), g.div(g.scalar(clip), g.add(norm, g.scalar(1e-6)))), true)
  const bindings: StateBinding[] = []
  const bind = (name: string, value: Value): void => {
    g.output(next(name), value)
    bindings.push({ input: name, output: next(name) })
  }
  const stepped = weights.map((w) =>
    g.scoped(
      `adamw.${w.name}`,
      () => {
        const gradient = factor === undefined ? gradients.get(w.name)! : g.mul(gradients.get(w.name)!, factor)
        const moments = Object.fromEntries(
          adamw.moments.map((m) => [m, g.input(momentName(m, w.name), { dtype: 'f32', shape: w.shape })]),
        )
        const result = adamw.step(g, { weight: values.get(w.name)!, gradient, decay: w.decay, moments, scalars, lr }, p)
        const projection = p['weightNorm'] === true ? projectionOf(w, p['weightNormEmbedding'] === true) : undefined
        const weight = projection === undefined ? result.weight : project(g, result.weight, projection)
        bind(w.name, weight)
        for (const m of adamw.moments) bind(momentName(m, w.name), result.moments[m]!)
        return weight
      },
      true,
    ),
  )
  g.output(
    'weightNorm',
    g.scoped('weight_norm', () => globalNorm(g, stepped), true),
  )
  return bindings
}

/** √(Σ of all squared entries). */
function globalNorm(g: GraphBuilder, values: readonly Value[]): Value {
  const parts = values.map((v) =>
    g.reshape(
      g.reduceSum(
        g.mul(v, v),
        v.type.shape.map((_, i) => i),
      ),
      [1],
    ),
  )
  return g.sqrt(g.reshape(g.reduceSum(g.concat(parts, 0), [0]), []))
}
