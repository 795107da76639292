// Some steps of training: clipping, schedule, AdamW and the projection of weight normalisation.

import type { Weight } from '#core/model/declarations.ts'
import { adamw } from '#core/optim/adamw.ts'
import { cosineLr } from '#core/optim/schedule.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { projectData, projectionOf } from '#core/optim/weight-norm.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { relativeError } from '../../helpers/assert-close.ts'
import type { GoldenCase } from '../case-index.ts'
import { convertModel } from '../convert.ts'
import { field, flagAt, listAt, numberAt, objectAt, optional } from '../json.ts'
import type { Json } from '../json.ts'
import { modelWeights, splitTokens } from './model.ts'
import type { Arrays } from './programs.ts'
import type { Check } from '../report.ts'
import { reportTo, toleranceOf } from '../report.ts'
import { need } from '../tensors.ts'
import type { GoldenTensor, Tensors } from '../tensors.ts'

/** Learning rates are stored as f32. */
const F32_ROUNDING = 1e-6
/** Norms of gradients whose weights drift apart by the tolerance of the steps. */
const GRAD_NORM_TOLERANCE = 1e-3

/** Runs a train case on the given targets. */
export async function checkTraining(
  golden: GoldenCase,
  tensors: Tensors,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const path = `${golden.path}.hyper_parameters`
  const model = objectAt(field(golden.hyperParameters, 'model'), `${path}.model`)
  const optimizer = objectAt(field(golden.hyperParameters, 'optimizer'), `${path}.optimizer`)
  const resolved = convertModel(model, `${path}.model`)
  const optimiser = optimiserOf(model, optimizer, `${path}.optimizer`)
  const tokens = need(tensors, 'tokens', [null, null, null])
  const [, batchSize, total] = tokens.shape as [number, number, number]
  const { batch, weights } = trainPrograms(resolved, { batchSize, seqLen: total - 1, optimiser, accumulation: 1 })
  const start = modelWeights(resolved, tensors)
  const first =
    optimiser['weightNorm'] === true ? projected(weights, start, optimiser['weightNormEmbedding'] === true) : start
  for (const target of targets) {
    if (tensors.has(`step0.${weights[0]!.name}`))
      checkWeights(golden, tensors, 0, weights, (name) => first.get(name)!, target, checks)
    const session = await target.open(batch, { initial: first, threads: 1 })
    try {
      for (let step = 1; step <= tokens.shape[0]!; step++) {
        const report = reportTo(checks, target.kind, 'train')
        const lr = learningRate(optimizer, step - 1, `${path}.optimizer`)
        const { inputs, targets: outputs } = splitTokens(batchAt(tokens, step - 1))
        const scalars = Object.entries({ lr, ...adamw.scalars(step, optimiser) }).map(([name, value]) => [
          name,
          Float32Array.of(value),
        ])
        const results = await session.run(
          {
            tokens: inputs.data,
            targets: outputs.data,
            ...(Object.fromEntries(scalars) as Record<string, Float32Array>),
          },
          ['loss', 'gradNorm'],
        )
        const at = (name: string): number => need(tensors, name, [tokens.shape[0]!]).data[step - 1]!
        report.number(`lr (step ${step})`, lr, at('lr'), F32_ROUNDING)
        report.number(`loss (step ${step})`, results['loss']![0]!, at('loss'), toleranceOf(golden, 'loss'))
        report.number(`grad_norm (step ${step})`, results['gradNorm']![0]!, at('grad_norm'), GRAD_NORM_TOLERANCE)
        checkWeights(golden, tensors, step, weights, (name) => session.read(name), target, checks)
      }
    } finally {
      session.close()
    }
  }
}

function optimiserOf(model: Json, optimizer: Json, path: string): ParamValues {
  const betas = listAt(field(optimizer, 'betas'), `${path}.betas`)
  const given = {
    beta1: betas[0],
    beta2: betas[1],
    eps: field(optimizer, 'eps'),
    weightDecay: field(optimizer, 'weight_decay'),
    clip: field(optimizer, 'clip') ?? null,
    weightNorm: field(optimizer, 'weight_norm') ?? false,
    weightNormEmbedding: optional(model, 'weight_norm_embedding', path, flagAt) ?? false,
  }
  return resolveParams(adamw.params, given, { dModel: 0 }, path)
}

function learningRate(optimizer: Json, step: number, path: string): number {
  const number = (name: string): number => numberAt(field(optimizer, name), `${path}.${name}`)
  return cosineLr(step, number('total'), { lr: number('lr_max'), lrMin: number('lr_min'), warmup: number('warmup') })
}

function projected(weights: readonly Weight[], start: Arrays, embedding: boolean): Arrays {
  return new Map(
    weights.map((weight) => {
      const data = start.get(weight.name)!
      const projection = projectionOf(weight, embedding)
      return [
        weight.name,
        projection === undefined ? data : projectData(data, weight.shape as [number, number], projection),
      ]
    }),
  )
}

/** [S, B, T+1] -> [B, T+1]. */
function batchAt({ shape, data }: GoldenTensor, step: number): GoldenTensor {
  const size = shape[1]! * shape[2]!
  return { shape: shape.slice(1), data: data.slice(step * size, (step + 1) * size) }
}

/** Nearly all values within one bound, all within a wider one. */
function checkWeights(
  golden: GoldenCase,
  tensors: Tensors,
  step: number,
  weights: readonly Weight[],
  read: (name: string) => Float32Array,
  target: Target,
  checks: Check[],
): void {
  const report = reportTo(checks, target.kind, 'train')
  const narrow = toleranceOf(golden, 'most_elements')
  let count = 0
  let outside = 0
  for (const { name, shape } of weights) {
    const label = `step${step}.${name}`
    const expected = need(tensors, label, shape).data
    const actual = read(name)
    let largest = Number.isNaN(relativeError(actual, expected)) ? Infinity : 0
    expected.forEach((value, i) => {
      const difference = Math.abs(actual[i]! - value)
      largest = Math.max(largest, difference)
      outside += Number(!(difference <= narrow))
    })
    count += expected.length
    report.ratio(label, largest / toleranceOf(golden, 'max'))
  }
  report.ratio(
    `step${step} (share of values beyond ${narrow})`,
    outside / count / (1 - toleranceOf(golden, 'most_fraction')),
  )
}
