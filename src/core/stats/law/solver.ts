// Fits y = c0 + sum over j of c_j exp(-exponent_j x_j) with c >= 0, in the logarithm of y, where x_j are logarithms of
// sizes: the scaling law in normalised units. Exponents come from a coarse grid by variable projection (Golub &
// Pereyra 1973: at given exponents the coefficients are a linear problem), then all unknowns are refined together by
// Levenberg-Marquardt steps within bounds. Huber's loss enters as weights that are renewed at each step.

import { boundedLeastSquares } from './bounded-least-squares.ts'

/** Exponents are searched within these bounds. */
export const EXPONENT_BOUNDS = [0.01, 4] as const

const LOW = Math.log(EXPONENT_BOUNDS[0])
const HIGH = Math.log(EXPONENT_BOUNDS[1])
const GRID = [0.04, 0.08, 0.15, 0.3, 0.55, 1, 1.8, 3.2].map(Math.log)

/** A fit in normalised units, `n` points and `k` terms. */
export interface Problem {
  /** Logarithms of the sizes, one array of n for each term. */
  readonly sizes: readonly Float64Array[]
  /** Logarithms of the values to fit. // [n] */
  readonly values: Float64Array
  /** How often each point counts. // [n] */
  readonly weights: Float64Array
  /** Residual from which the loss grows linearly. */
  readonly delta: number
}

export interface Solution {
  /** c0 and one coefficient for each term. // [k + 1] */
  readonly coefficients: Float64Array
  /** Logarithms of the exponents. // [k] */
  readonly logExponents: Float64Array
  readonly objective: number
}

/** Values of the terms without coefficients: a column of ones, then one column for each term. */
function basis(problem: Problem, logExponents: ArrayLike<number>): Float64Array[] {
  const ones = new Float64Array(problem.values.length).fill(1)
  return [ones, ...problem.sizes.map((size, j) => size.map((x) => Math.exp(-Math.exp(logExponents[j]!) * x)))]
}

function combine(columns: readonly Float64Array[], coefficients: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(columns[0]!.length)
  columns.forEach((column, j) => {
    for (let i = 0; i < sum.length; i++) sum[i]! += coefficients[j]! * column[i]!
  })
  return sum
}

/** Predicted minus true logarithm of each value; -Infinity where the prediction is 0. */
export function residuals(
  problem: Problem,
  coefficients: ArrayLike<number>,
  logExponents: ArrayLike<number>,
): Float64Array {
  return combine(basis(problem, logExponents), coefficients).map((value, i) => Math.log(value) - problem.values[i]!)
}

/** Huber's loss over the points: r^2 / 2 up to delta, linear beyond. */
function lossOf(problem: Problem, errors: Float64Array): number {
  const { delta, weights } = problem
  let sum = 0
  for (let i = 0; i < errors.length; i++) {
    const size = Math.abs(errors[i]!)
    sum += weights[i]! * (size <= delta ? (size * size) / 2 : delta * (size - delta / 2))
  }
  return Number.isNaN(sum) ? Infinity : sum
}

/** Square roots of the weights that make a squared loss equal to Huber's at these errors. */
function rootWeights(problem: Problem, errors: Float64Array): Float64Array {
  const { delta, weights } = problem
  return errors.map((error, i) => Math.sqrt(weights[i]! * Math.min(1, delta / Math.max(Math.abs(error), 1e-300))))
}

/** Best coefficients at given exponents: non-negative least squares, linearised in the logarithm and reweighted. */
function project(problem: Problem, logExponents: Float64Array): Solution {
  const columns = basis(problem, logExponents)
  const low = new Float64Array(columns.length)
  const high = new Float64Array(columns.length).fill(Infinity)
  let predicted: Float64Array = problem.values.map(Math.exp)
  let errors: Float64Array = new Float64Array(predicted.length)
  let best: Solution = { coefficients: low, logExponents, objective: Infinity }
  for (let round = 0; round < 3; round++) {
    // log(X c / y) is close to its value at the last round plus X (c - c') / predicted
    const roots = round === 0 ? problem.weights.map(Math.sqrt) : rootWeights(problem, errors)
    const scaled = columns.map((column) => column.map((value, i) => (roots[i]! * value) / predicted[i]!))
    const target = roots.map((root, i) => root * (1 - errors[i]!))
    const coefficients = boundedLeastSquares(scaled, target, low, high, best.coefficients)
    predicted = combine(columns, coefficients)
    errors = predicted.map((value, i) => Math.log(value) - problem.values[i]!)
    const objective = lossOf(problem, errors)
    if (!(objective < best.objective)) break
    best = { coefficients, logExponents, objective }
  }
  return best
}

/** Coefficients by variable projection at every point of a grid of exponents, best first. */
export function gridStarts(problem: Problem, count: number): Solution[] {
  let exponents: number[][] = [[]]
  problem.sizes.forEach(() => (exponents = exponents.flatMap((known) => GRID.map((next) => [...known, next]))))
  const starts = exponents.map((logExponents) => project(problem, Float64Array.from(logExponents)))
  return starts.sort((a, b) => a.objective - b.objective).slice(0, count)
}

/** The solution itself, and the best of variable projections with its exponents scaled: starts for a similar problem. */
export function nearbyStarts(problem: Problem, solution: Solution): Solution[] {
  const around = [0.3, 0.6, 1.6, 3].map((factor) =>
    project(
      problem,
      solution.logExponents.map((value) => Math.min(HIGH, Math.max(LOW, value + Math.log(factor)))),
    ),
  )
  return [solution, around.reduce((best, next) => (next.objective < best.objective ? next : best))]
}

/** Columns of derivatives of the logarithm of the prediction by coefficients, then by logarithms of exponents. */
export function jacobian(problem: Problem, at: Solution): Float64Array[] {
  const columns = basis(problem, at.logExponents)
  const predicted = combine(columns, at.coefficients)
  const relative = columns.map((column) => column.map((value, i) => value / predicted[i]!))
  const byExponent = problem.sizes.map((size, j) => {
    const factor = -at.coefficients[j + 1]! * Math.exp(at.logExponents[j]!)
    return relative[j + 1]!.map((value, i) => factor * value * size[i]!)
  })
  return [...relative, ...byExponent]
}

/** Refines a solution to a local optimum within the bounds by damped Gauss-Newton steps (Marquardt 1963). */
export function refine(problem: Problem, start: Solution): Solution {
  const k = problem.sizes.length
  const n = problem.values.length
  const unknowns = 2 * k + 1
  let at = start
  let errors: Float64Array = residuals(problem, at.coefficients, at.logExponents)
  let objective = lossOf(problem, errors)
  let damping = 1e-3
  const scale = new Float64Array(unknowns)
  let quiet = 0
  for (let step = 0; step < 200 && damping < 1e12 && objective > 1e-28; step++) {
    const roots = rootWeights(problem, errors)
    const current = Float64Array.from([...at.coefficients, ...at.logExponents])
    const low = current.map((value, j) => (j <= k ? 0 : LOW) - value)
    const high = current.map((value, j) => (j <= k ? Infinity : HIGH) - value)
    const columns = jacobian(problem, at).map((column, j) => {
      // the damping is one more row for each unknown
      const extended = new Float64Array(n + unknowns)
      let squares = 0
      for (let i = 0; i < n; i++) {
        extended[i] = roots[i]! * column[i]!
        squares += extended[i]! ** 2
      }
      scale[j] = Math.max(scale[j]!, Math.sqrt(squares), 1e-12)
      extended[n + j] = Math.sqrt(damping) * scale[j]!
      return extended
    })
    const target = new Float64Array(n + unknowns)
    for (let i = 0; i < n; i++) target[i] = -roots[i]! * errors[i]!
    const move = boundedLeastSquares(columns, target, low, high, new Float64Array(unknowns))
    const moved = current.map((value, j) => {
      const next = value + move[j]!
      return j <= k ? Math.max(0, next) : Math.min(HIGH, Math.max(LOW, next))
    })
    const coefficients = moved.slice(0, k + 1)
    const logExponents = moved.slice(k + 1)
    const nextErrors = residuals(problem, coefficients, logExponents)
    const next = lossOf(problem, nextErrors)
    if (next < objective) {
      // three steps in a row without progress worth the name end it
      quiet = objective - next < 1e-10 * objective ? quiet + 1 : 0
      at = { coefficients, logExponents, objective: next }
      errors = nextErrors
      objective = next
      damping = Math.max(1e-15, damping / 5)
      if (quiet >= 3) break
    } else damping *= 4
  }
  return { ...at, objective }
}

/** The best local optimum reached from several starts. */
export function refineBest(problem: Problem, starts: readonly Solution[]): Solution {
  const refined = starts.map((start) => refine(problem, start))
  return refined.reduce((best, next) => (next.objective < best.objective ? next : best))
}
