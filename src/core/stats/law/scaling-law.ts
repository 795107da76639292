// The depth-width scaling law L(D, W, N) = L0 + a D^-alpha + b W^-beta + c N^-gamma (arXiv 2511.18890, eq. 1): what it
// predicts and how it is fitted. Errors are differences of logarithms under Huber's loss, as in approach 3 of
// arXiv 2203.15556, so that one diverged run does not bend the law.

import { check } from '../check.ts'
import { median } from '../summary.ts'
import { conditionNumber } from './condition.ts'
import { EXPONENT_BOUNDS, gridStarts, jacobian, refineBest, residuals, type Problem, type Solution } from './solver.ts'

/** Sizes of a model and of its training. */
export interface LawSizes {
  /** Blocks. */
  readonly depth: number
  /** Model width. */
  readonly width: number
  /** Training tokens; may be absent where all points share them. */
  readonly tokens?: number | undefined
}

/** One trained model. */
export interface LawPoint extends LawSizes {
  /** Any positive loss: nats per token, or perplexity as in the source. */
  readonly loss: number
}

/** Coefficients of the law; a term that was not fitted has coefficient and exponent 0. */
export interface ScalingLaw {
  readonly L0: number
  readonly a: number
  readonly alpha: number
  readonly b: number
  readonly beta: number
  readonly c: number
  readonly gamma: number
  /** The token count of all points where L0 holds its term. */
  readonly tokens?: number | undefined
}

export type LawAxis = 'depth' | 'width' | 'tokens'

/** A reason to trust a fit less. */
export interface LawWarning {
  readonly kind:
    'few-points' | 'constant-size' | 'few-levels' | 'term-vanished' | 'exponent-at-bound' | 'ill-conditioned'
  readonly axis?: LawAxis | undefined
  readonly message: string
}

export interface ScalingLawFit {
  readonly law: ScalingLaw
  /** Sizes whose terms were fitted. */
  readonly axes: readonly LawAxis[]
  /** Logarithm of predicted minus that of true loss, in the order of the points used. */
  readonly residuals: readonly number[]
  /** Share of the variance of the logarithm of the loss that the law explains; NaN where all losses are equal. */
  readonly r2: number
  /** Residual from which the loss grew linearly. */
  readonly delta: number
  /** Points used, and points left out because their loss was not finite. */
  readonly count: number
  readonly dropped: number
  /** Numbers fitted: L0 and two for each axis. */
  readonly freeNumbers: number
  /** Dependence among the derivatives by the free numbers: 1 is none; see `conditionNumber`. */
  readonly condition: number
  readonly warnings: readonly LawWarning[]
}

export interface FitOptions {
  /**
   * Residual from which the loss grows linearly: a positive number (1e-3 in arXiv 2203.15556), or `auto` (default):
   * 1.345 times the noise, estimated from the residuals in turn, which keeps 95 % efficiency for normal noise.
   */
  readonly delta?: number | 'auto' | undefined
}

const COEFFICIENTS = { depth: ['a', 'alpha'], width: ['b', 'beta'], tokens: ['c', 'gamma'] } as const
const ALL_AXES = ['depth', 'width', 'tokens'] as const

/** Above this the free numbers trade off against each other so much that only predictions near the points mean much. */
const ILL_CONDITIONED = 1000

/**
 * Loss that a law predicts, in the unit of the losses that it was fitted to.
 * Throws `sample-invalid` for sizes that are not positive, and for tokens other than those that L0 holds.
 */
export function predictLoss(law: ScalingLaw, at: LawSizes): number {
  checkSizes(at, 'at')
  const tokens = at.tokens ?? law.tokens
  check(
    law.c === 0 || tokens !== undefined,
    'at.tokens',
    'this law has a term for tokens: a prediction needs their count',
  )
  check(
    law.tokens === undefined || tokens === law.tokens,
    'at.tokens',
    `this law was fitted at ${law.tokens} tokens and cannot predict for ${tokens}`,
  )
  const term = (coefficient: number, size: number, exponent: number): number =>
    coefficient === 0 ? 0 : coefficient * size ** -exponent
  return (
    law.L0 + term(law.a, at.depth, law.alpha) + term(law.b, at.width, law.beta) + term(law.c, tokens ?? 1, law.gamma)
  )
}

function checkSizes(sizes: LawSizes, path: string): void {
  for (const axis of ALL_AXES) {
    const size = sizes[axis]
    check(
      size === undefined ? axis === 'tokens' : size > 0 && size < Infinity,
      `${path}.${axis}`,
      `${axis} (${size}) must be a positive number`,
    )
  }
}

/** Points that can be fitted, and the axes along which they differ; what fits on resamples share. */
export interface LawData {
  readonly points: readonly LawPoint[]
  readonly dropped: number
  readonly axes: readonly LawAxis[]
  readonly tokens: number | undefined
  /** Geometric mean of the losses: the unit of the solver. */
  readonly unit: number
  /** Geometric means of the sizes of each axis. */
  readonly centres: readonly number[]
  readonly problem: Omit<Problem, 'weights' | 'delta'>
}

/** Checks points and brings them into the units of the solver. Throws `sample-invalid` as `fitScalingLaw` does. */
export function lawData(points: readonly LawPoint[]): LawData {
  points.forEach((point, i) => {
    checkSizes(point, `points[${i}]`)
    check(!(point.loss <= 0), `points[${i}].loss`, `loss (${point.loss}) must be positive: the fit is in its logarithm`)
  })
  const used = points.filter((point) => Number.isFinite(point.loss))
  check(used.length >= 3, 'points', `a scaling law needs at least 3 points of finite loss, not ${used.length}`)
  const tokens = new Set(used.map((point) => point.tokens))
  check(
    tokens.size === 1 || !tokens.has(undefined),
    'points',
    'either all points or none of them must have a token count',
  )
  const axes = ALL_AXES.filter((axis) => new Set(used.map((point) => point[axis])).size > 1)
  const geometricMean = (values: readonly number[]): number =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value) / values.length, 0))
  const unit = geometricMean(used.map((point) => point.loss))
  const centres = axes.map((axis) => geometricMean(used.map((point) => point[axis]!)))
  return {
    points: used,
    dropped: points.length - used.length,
    axes,
    tokens: tokens.size === 1 ? used[0]!.tokens : undefined,
    unit,
    centres,
    problem: {
      values: Float64Array.from(used, (point) => Math.log(point.loss / unit)),
      sizes: axes.map((axis, j) => Float64Array.from(used, (point) => Math.log(point[axis]! / centres[j]!))),
    },
  }
}

/** Turns a solution back into the units of the points. */
export function lawOf(data: LawData, solution: Solution): ScalingLaw {
  const law = { L0: data.unit * solution.coefficients[0]!, a: 0, alpha: 0, b: 0, beta: 0, c: 0, gamma: 0 }
  data.axes.forEach((axis, j) => {
    const [coefficient, exponent] = COEFFICIENTS[axis]
    law[exponent] = Math.exp(solution.logExponents[j]!)
    law[coefficient] = data.unit * solution.coefficients[j + 1]! * data.centres[j]! ** law[exponent]
  })
  return { ...law, tokens: data.tokens }
}

/** The fit in the units of the solver, with the delta that it ended with. */
export function solveLaw(data: LawData, options: FitOptions = {}): { solution: Solution; delta: number } {
  const weights = new Float64Array(data.points.length).fill(1)
  const asked = options.delta ?? 'auto'
  check(asked === 'auto' || asked > 0, 'delta', `delta (${asked}) must be positive, or 'auto'`)
  const problemAt = (delta: number): Problem => ({ ...data.problem, weights, delta })
  const search = (delta: number, also: readonly Solution[]): Solution =>
    refineBest(problemAt(delta), [...gridStarts(problemAt(delta), 6), ...also])

  if (asked !== 'auto') return { solution: search(asked, []), delta: asked }
  let solution = search(Infinity, [])
  let delta = Infinity
  for (let round = 0; round < 12; round++) {
    const errors = residuals(problemAt(1), solution.coefficients, solution.logExponents)
    // as many residuals as there are free numbers may be zero without meaning low noise
    const sizes = errors
      .map(Math.abs)
      .sort()
      .slice(Math.min(2 * data.axes.length, errors.length - 1))
    const next = Math.max(1e-9, 1.345 * 1.4826 * median(sizes))
    if (delta < Infinity && Math.abs(next - delta) <= 0.02 * delta) break
    delta = next
    solution = search(delta, [solution])
  }
  return { solution, delta }
}

/**
 * Fits the law to trained models. The term of a size that all points share is absorbed by L0: for tokens that is the
 * usual case, for depth and width it is warned about. L0, a, b and c are not negative, exponents are in [0.01, 4].
 * Points whose loss is not finite are left out and counted.
 * Throws `sample-invalid` for fewer than three usable points, a loss or size that is not positive, or token counts on
 * some points only. Deterministic.
 */
export function fitScalingLaw(points: readonly LawPoint[], options: FitOptions = {}): ScalingLawFit {
  const data = lawData(points)
  const { solution, delta } = solveLaw(data, options)
  const problem: Problem = { ...data.problem, weights: new Float64Array(data.points.length).fill(1), delta }
  const errors = residuals(problem, solution.coefficients, solution.logExponents)
  const values = problem.values
  const centre = values.reduce((sum, value) => sum + value / values.length, 0)
  const spread = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  const condition = conditionNumber(jacobian(problem, solution))
  const law = lawOf(data, solution)
  return {
    law,
    axes: data.axes,
    residuals: [...errors],
    r2: spread > 0 ? 1 - errors.reduce((sum, error) => sum + error * error, 0) / spread : NaN,
    delta,
    count: data.points.length,
    dropped: data.dropped,
    freeNumbers: 1 + 2 * data.axes.length,
    condition,
    warnings: warningsOf(data, law, condition),
  }
}

function warningsOf(data: LawData, law: ScalingLaw, condition: number): LawWarning[] {
  const warnings: LawWarning[] = []
  const free = 1 + 2 * data.axes.length
  if (data.points.length < free + 1) {
    warnings.push({
      kind: 'few-points',
      message: `${data.points.length} points for ${free} free numbers: the law follows the noise`,
    })
  }
  for (const axis of ['depth', 'width'] as const) {
    if (data.axes.includes(axis)) continue
    const message = `all points have ${axis} ${data.points[0]![axis]}: the law says nothing about other values`
    warnings.push({ kind: 'constant-size', axis, message })
  }
  for (const axis of data.axes) {
    const [coefficient, exponent] = COEFFICIENTS[axis]
    const levels = new Set(data.points.map((point) => point[axis])).size
    if (levels === 2) {
      const message = `only two values of ${axis}: its coefficient and exponent cannot be told apart from L0`
      warnings.push({ kind: 'few-levels', axis, message })
    }
    if (law[coefficient] === 0) {
      const message = `the term of ${axis} vanished: the points do not show that more ${axis} lowers the loss`
      warnings.push({ kind: 'term-vanished', axis, message })
    } else if (EXPONENT_BOUNDS.some((bound) => Math.abs(Math.log(law[exponent] / bound)) < 1e-6)) {
      const message = `the exponent of ${axis} is at its bound ${law[exponent].toPrecision(2)}`
      warnings.push({ kind: 'exponent-at-bound', axis, message })
    }
  }
  if (!(condition < ILL_CONDITIONED)) {
    const message = `condition number ${condition.toExponential(1)}: other coefficients fit almost as well`
    warnings.push({ kind: 'ill-conditioned', message })
  }
  return warnings
}

/** How a law does on points that it was not fitted to. */
export interface HeldOutError {
  /** (predicted - true) / true for each point. */
  readonly relative: readonly number[]
  /** Largest and mean size of the relative errors; NaN without points. */
  readonly worst: number
  readonly mean: number
}

/** Relative errors of a law on held-out points. Throws `sample-invalid` for losses that are not positive and finite. */
export function heldOutError(points: readonly LawPoint[], law: ScalingLaw): HeldOutError {
  const relative = points.map((point, i) => {
    const holds = point.loss > 0 && point.loss < Infinity
    check(holds, `points[${i}].loss`, `loss (${point.loss}) must be positive and finite`)
    return predictLoss(law, point) / point.loss - 1
  })
  const sizes = relative.map(Math.abs)
  return {
    relative,
    worst: sizes.length === 0 ? NaN : Math.max(...sizes),
    mean: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
  }
}
