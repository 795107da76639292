// What a training starts with: initial values, rescaled and projected where the configuration wants that.

import type { Projection } from '../blocks/index.ts'
import type { Init } from '../blocks/init.ts'
import type { Shape } from '../graph/types.ts'
import type { Weight } from '../model/declarations.ts'
import { initialValues } from '../model/weights.ts'
import type { TrainConfig } from './train-config.ts'
import { projectData, projectionOf } from './weight-norm.ts'

/** How the first values of a weight follow from its initial ones; plain data, so that other threads can take it. */
export interface FirstValues {
  readonly name: string
  readonly shape: Shape
  readonly seed: number
  /** What initial values are divided by. */
  readonly divisor: number
  readonly projection: Projection | undefined
}

/** Initial values as they are. */
export const initialValuesOf =
  (seed: number) =>
  ({ name, shape }: Weight): FirstValues => ({ name, shape, seed, divisor: 1, projection: undefined })

/** The first values of one of the weights of a model. */
export function firstValuesOf(
  { run, optimiser }: TrainConfig,
  weights: readonly Weight[],
): (of: Weight) => FirstValues {
  const blocks = new Set(weights.map(({ block }) => block).filter((block) => block !== undefined)).size
  return (weight) => ({
    ...initialValuesOf(run.seed)(weight),
    // matrices that write the residual stream
    divisor: run.rescaleResidual && weight.project === 'columns' ? Math.sqrt(blocks) : 1,
    projection: optimiser.weightNorm ? projectionOf(weight, optimiser.weightNormEmbedding) : undefined,
  })
}

export function drawn({ name, shape, seed, divisor, projection }: FirstValues, init: Init): Float32Array {
  const data = initialValues(name, shape, init, seed)
  if (divisor !== 1) data.forEach((x, i) => (data[i] = x / divisor))
  return projection === undefined ? data : projectData(data, shape as [number, number], projection)
}
