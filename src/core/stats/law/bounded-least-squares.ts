// Least squares with bounds on the unknowns, for a handful of unknowns: the active-set method of Stark & Parker 1995
// (with zero lower bounds it is the non-negative least squares of Lawson & Hanson 1974).

/** A matrix as its columns. */
export type Columns = readonly Float64Array[]

/**
 * The x in [low, high] that minimises |A x - b|, with A given as columns.
 * Starts from the feasible `start`. A column that depends on others to rounding keeps its start value.
 */
export function boundedLeastSquares(
  columns: Columns,
  target: Float64Array,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  start: ArrayLike<number>,
): Float64Array {
  const x = Float64Array.from(start)
  const isFree = Array.from(x, (value, j) => value > low[j]! && value < high[j]!)
  // each round frees or fixes one unknown; the limit only matters if rounding makes it cycle
  for (let round = 0; round < 12 * columns.length + 12; round++) {
    const free = columns.map((_, j) => j).filter((j) => isFree[j])
    const solution = solveFree(columns, target, x, free)
    // go towards the solution, up to the first bound on the way
    let share = 1
    let blocking = -1
    free.forEach((j, i) => {
      const wanted = solution[i]!
      const bound = wanted < low[j]! ? low[j]! : wanted > high[j]! ? high[j]! : wanted
      if (bound === wanted) return
      const reach = (bound - x[j]!) / (wanted - x[j]!)
      if (reach < share) {
        share = Math.max(0, reach)
        blocking = j
      }
    })
    free.forEach((j, i) => (x[j]! += share * (solution[i]! - x[j]!)))
    if (blocking >= 0) {
      x[blocking] = x[blocking]! - low[blocking]! < high[blocking]! - x[blocking]! ? low[blocking]! : high[blocking]!
      isFree[blocking] = false
      continue
    }
    const release = mostWrongBound(columns, target, x, isFree, low, high)
    if (release < 0) break
    isFree[release] = true
  }
  return x
}

/** The fixed unknown whose move into its interval lowers the error most steeply, -1 if none does. */
function mostWrongBound(
  columns: Columns,
  target: Float64Array,
  x: Float64Array,
  isFree: readonly boolean[],
  low: ArrayLike<number>,
  high: ArrayLike<number>,
): number {
  const rest = residual(columns, target, x, [])
  const restNorm = Math.sqrt(dot(rest, rest))
  let release = -1
  let steepest = 1e-10 // cosine between column and error below which the descent is rounding
  columns.forEach((column, j) => {
    if (isFree[j] || low[j] === high[j]) return
    const slope = dot(column, rest) / (Math.sqrt(dot(column, column)) * restNorm || 1)
    const gain = x[j]! <= low[j]! ? slope : -slope
    if (gain > steepest) {
      steepest = gain
      release = j
    }
  })
  return release
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** target - A x, leaving the unknowns in `except` out of A x. */
function residual(columns: Columns, target: Float64Array, x: Float64Array, except: readonly number[]): Float64Array {
  const rest = Float64Array.from(target)
  for (let j = 0; j < columns.length; j++) if (!except.includes(j)) subtract(rest, columns[j]!, x[j]!)
  return rest
}

function subtract(from: Float64Array, column: Float64Array, factor: number): void {
  if (factor === 0) return
  for (let i = 0; i < from.length; i++) from[i]! -= factor * column[i]!
}

/** Applies the reflection I - 2 v v', where v starts at index `from`. */
function reflect(vector: Float64Array, reflection: Float64Array, from: number): void {
  let product = 0
  for (let i = from; i < vector.length; i++) product += reflection[i]! * vector[i]!
  for (let i = from; i < vector.length; i++) vector[i]! -= 2 * product * reflection[i]!
}

/** The reflection that turns entries `from`... of a column into one entry; undefined if there is nothing left to turn. */
function reflectionOf(column: Float64Array, from: number, norm: number): Float64Array | undefined {
  let tail = 0
  for (let i = from; i < column.length; i++) tail += column[i]! ** 2
  tail = Math.sqrt(tail)
  // what earlier columns leave of this one is rounding
  if (from >= column.length || tail <= 1e-13 * norm) return undefined
  const reflection = new Float64Array(column.length)
  for (let i = from; i < column.length; i++) reflection[i] = column[i]!
  reflection[from]! += column[from]! >= 0 ? tail : -tail
  const length = Math.sqrt(dot(reflection, reflection))
  for (let i = from; i < column.length; i++) reflection[i]! /= length
  return reflection
}

/** Unbounded least squares in the free unknowns by Householder reflections; the others stay as in x. */
function solveFree(columns: Columns, target: Float64Array, x: Float64Array, free: readonly number[]): Float64Array {
  const rest = residual(columns, target, x, free)
  const solution = Float64Array.from(free, (j) => x[j]!)
  const triangle: Float64Array[] = []
  const pivots: number[] = [] // position in `free` of each column of the triangle
  const reflections: Float64Array[] = []
  for (let position = 0; position < free.length; position++) {
    const original = columns[free[position]!]!
    const column = Float64Array.from(original)
    const norm = Math.sqrt(dot(column, column))
    for (let step = 0; step < reflections.length; step++) reflect(column, reflections[step]!, step)
    const reflection = reflectionOf(column, reflections.length, norm)
    if (reflection === undefined) {
      // a dependent unknown stays where it is, so its part moves to the right-hand side
      subtract(rest, original, solution[position]!)
      continue
    }
    reflect(column, reflection, reflections.length)
    reflections.push(reflection)
    triangle.push(column)
    pivots.push(position)
  }
  for (let step = 0; step < reflections.length; step++) reflect(rest, reflections[step]!, step)
  for (let row = triangle.length - 1; row >= 0; row--) {
    let value = rest[row]!
    for (let later = row + 1; later < triangle.length; later++) {
      value -= triangle[later]![row]! * solution[pivots[later]!]!
    }
    solution[pivots[row]!] = value / triangle[row]![row]!
  }
  return solution
}
