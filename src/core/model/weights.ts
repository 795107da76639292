import { rng } from '../rng.ts'
import type { Weight } from './declarations.ts'

export interface InitOptions {
  /** Divides matrices that write the residual stream by the square root of the number of blocks. */
  readonly rescaleResidual?: boolean
}

/** Initial weights from a seed: each tensor has its own stream, so that one block's change leaves the others alone. */
export function initWeights(
  weights: readonly Weight[],
  seed: number,
  { rescaleResidual = false }: InitOptions = {},
): Map<string, Float32Array> {
  const count = new Set(weights.map((w) => w.block).filter((b) => b !== undefined)).size
  return new Map(
    weights.map((weight) => {
      const data = weight.init(rng(seed, 'init', weight.name), weight.shape)
      if (rescaleResidual && weight.project === 'columns') data.forEach((x, i) => (data[i] = x / Math.sqrt(count)))
      return [weight.name, data]
    }),
  )
}
