// The measure of agreement of two arrays, everywhere in the tests. Throws plain errors, so that scripts can use it too.

/** Largest absolute difference over the largest absolute reference value (over 1 where that is 0); NaN where a difference is not finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0
  let largest = 0
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!)
    if (!Number.isFinite(d)) return NaN
    difference = Math.max(difference, d)
    largest = Math.max(largest, Math.abs(expected[i]!))
  }
  return largest > 0 ? difference / largest : difference
}

/** Throws unless both have the same length and `relativeError` is within the tolerance. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} elements, expected ${expected.length}`)
  const error = relativeError(actual, expected)
  if (error <= tolerance) return
  const worst = Array.from(expected, (e, i) => Math.abs(actual[i]! - e)).reduce(
    (at, d, i, all) => (!(d <= all[at]!) ? i : at),
    0,
  )
  throw new Error(
    `${what}: relative error ${error} is above ${tolerance}; element ${worst} is ${actual[worst]}, expected ${expected[worst]}`,
  )
}

/** ‖actual - expected‖ / ‖expected‖. */
export function normError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0,
    whole = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2
    whole += expected[i]! ** 2
  }
  return Math.sqrt(difference / whole)
}
