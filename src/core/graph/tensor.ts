import type { DType, NumberArray, Shape } from './types.ts'
import { sizeOf } from './types.ts'

/** Data of the reference interpreter: float64 elements in row-major order; integers and booleans are numbers too. */
export interface Tensor {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: Float64Array
}

export function tensor(dtype: DType, shape: Shape, data: ArrayLike<number>): Tensor {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} elements do not fill [${shape.join(',')}]`)
  return { dtype, shape, data: data instanceof Float64Array ? data : Float64Array.from(data) }
}

/** Fresh data filled with NaN, so that an element which an op forgets to write poisons what follows. */
export function blank(dtype: DType, shape: Shape): Tensor {
  return { dtype, shape, data: new Float64Array(sizeOf(shape)).fill(NaN) }
}

/** The elements of a constant, spread over its shape when one element stands for all. */
export function spread(data: NumberArray, shape: Shape): Float64Array {
  const n = sizeOf(shape)
  if (data.length === n) return Float64Array.from(data)
  return new Float64Array(n).fill(data[0]!)
}

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let s = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = s
    s *= shape[i]!
  }
  return strides
}

/** Strides of `shape` seen as the larger `target` shape: 0 along broadcast axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape)
  const lead = target.length - shape.length
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]!))
}

/** Calls `visit(flat, a, b, ...)` for each element of `shape` in row-major order with the offsets under each stride set. */
export function eachOffset(
  shape: Shape,
  strideSets: readonly (readonly number[])[],
  visit: (flat: number, offsets: readonly number[]) => void,
): void {
  const n = sizeOf(shape)
  const rank = shape.length
  const index = new Array<number>(rank).fill(0)
  const offsets = strideSets.map(() => 0)
  for (let flat = 0; flat < n; flat++) {
    visit(flat, offsets)
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis]!++
      for (let s = 0; s < strideSets.length; s++) offsets[s]! += strideSets[s]![axis]!
      if (index[axis]! < shape[axis]!) break
      for (let s = 0; s < strideSets.length; s++) offsets[s]! -= strideSets[s]![axis]! * shape[axis]!
      index[axis] = 0
    }
  }
}
