import type { Init } from '../blocks/init.ts'
import type { Shape } from '../graph/types.ts'
import { rng } from '../rng.ts'
import type { Weight } from './declarations.ts'

/** Initial values from a seed: each tensor has its own stream, so that one block's change leaves the others alone. */
export const initialValues = (name: string, shape: Shape, init: Init, seed: number): Float32Array =>
  init(rng(seed, 'init', name), shape)

export const initWeights = (weights: readonly Weight[], seed: number): Map<string, Float32Array> =>
  new Map(weights.map(({ name, shape, init }) => [name, initialValues(name, shape, init, seed)]))
