// How nearly the columns of a small matrix depend on each other.

/**
 * Ratio of the largest to the smallest singular value after every column is scaled to length 1, so that only
 * dependence counts and not units. Columns of zeros are left out. 1 for orthogonal columns, infinite for dependent ones.
 * One-sided Jacobi rotations (Hestenes 1958).
 */
export function conditionNumber(columns: readonly Float64Array[]): number {
  const vectors = columns
    .map((column) => {
      const length = Math.hypot(...column)
      return column.map((value) => value / length)
    })
    .filter((column) => column.every(Number.isFinite))
  if (vectors.length > 0 && vectors.length > vectors[0]!.length) return Infinity
  for (let sweep = 0, largest = 1; sweep < 40 && largest > 1e-15; sweep++) {
    largest = 0
    for (let p = 0; p < vectors.length; p++) {
      for (let q = p + 1; q < vectors.length; q++) largest = Math.max(largest, rotate(vectors[p]!, vectors[q]!))
    }
  }
  const lengths = vectors.map((vector) => Math.hypot(...vector))
  return lengths.length === 0 ? 1 : Math.max(...lengths) / Math.min(...lengths)
}

/** Rotates two vectors until they are orthogonal; returns the cosine between them before. */
function rotate(a: Float64Array, b: Float64Array): number {
  let aa = 0
  let bb = 0
  let ab = 0
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
    ab += a[i]! * b[i]!
  }
  if (ab === 0) return 0
  const zeta = (bb - aa) / (2 * ab)
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
  const cosine = 1 / Math.hypot(1, tangent)
  const sine = cosine * tangent
  for (let i = 0; i < a.length; i++) {
    const value = a[i]!
    a[i] = cosine * value - sine * b[i]!
    b[i] = sine * value + cosine * b[i]!
  }
  return Math.abs(ab) / Math.sqrt(aa * bb)
}
