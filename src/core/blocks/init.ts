// Initial values of weights, as functions of a seeded generator and the shape. Sources: operators.md sections 1 and 4.

import type { Shape } from '../graph/types.ts'
import { sizeOf } from '../graph/types.ts'
import type { Rng } from '../rng.ts'

/** Fills a weight of the given shape. */
export interface Init {
  (rng: Rng, shape: Shape): Float32Array
  /** The same as data, of what takes long: another thread makes it from that again (`initOf`). */
  readonly recipe?: InitRecipe
}

export type InitRecipe =
  { readonly kind: 'normal'; readonly std: number } | { readonly kind: 'orthogonal'; readonly gain: number }

const each =
  (f: (rng: Rng, index: number, shape: Shape) => number): Init =>
  (rng, shape) => {
    const data = new Float32Array(sizeOf(shape))
    for (let i = 0; i < data.length; i++) data[i] = f(rng, i, shape)
    return data
  }

const made = (recipe: InitRecipe, init: Init): Init => Object.assign(init, { recipe })

export const constantInit = (value: number): Init => each(() => value)
export const normalInit = (std: number): Init =>
  made({ kind: 'normal', std }, (rng, shape) => {
    const data = new Float32Array(sizeOf(shape))
    rng.fillNormal(data, std)
    return data
  })
export const uniformInit = (low: number, high: number): Init => each((rng) => low + (high - low) * rng.uniform())
/** One value for each flat index. */
export const valuesInit = (of: (index: number) => number): Init => each((_, i) => of(i))
/** log of Uniform(low, high), floored at 1e-4 before the logarithm. */
export const logUniformInit = (low: number, high: number): Init =>
  each((rng) => Math.log(Math.max(1e-4, low + (high - low) * rng.uniform())))

/** Inverse softplus of a step size drawn log-uniformly from [1e-3, 0.1], floored at 1e-4. */
export const stepSizeInit: Init = each((rng) => {
  const dt = Math.max(1e-4, Math.exp(Math.log(1e-3) + (Math.log(0.1) - Math.log(1e-3)) * rng.uniform()))
  return dt + Math.log(-Math.expm1(-dt))
})

/** A matrix with orthonormal rows or columns, whichever are fewer, times a gain (Gram-Schmidt of a normal matrix). */
export const orthogonalInit = (gain: number): Init =>
  made({ kind: 'orthogonal', gain }, (rng, shape) => {
    const [rows, columns] = shape as [number, number]
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows]
    const basis: Float64Array[] = []
    while (basis.length < count) {
      const v = Float64Array.from({ length }, () => rng.normal())
      for (let pass = 0; pass < 2; pass++) {
        for (const u of basis) {
          let dot = 0
          for (let i = 0; i < length; i++) dot += u[i]! * v[i]!
          for (let i = 0; i < length; i++) v[i]! -= dot * u[i]!
        }
      }
      const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
      if (norm > 1e-6) basis.push(v.map((x) => x / norm))
    }
    const data = new Float32Array(rows * columns)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) data[i * columns + j] = gain * (rows <= columns ? basis[i]![j]! : basis[j]![i]!)
    return data
  })

export const initOf = (recipe: InitRecipe): Init =>
  recipe.kind === 'normal' ? normalInit(recipe.std) : orthogonalInit(recipe.gain)

/** Default of 2-D weights and embeddings. */
export const DEFAULT_INIT: Init = normalInit(0.02)
export const ones: Init = constantInit(1)
export const zeros: Init = constantInit(0)
/** Depthwise convolution kernels and biases with K taps. */
export const convInit = (taps: number): Init => uniformInit(-1 / Math.sqrt(taps), 1 / Math.sqrt(taps))
