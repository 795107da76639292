// The two distributions that the intervals need. Both are computed from series and continued fractions instead
// of tables of constants; accurate to about 1e-14.

const INVERSE_ROOT_TWO_PI = 1 / Math.sqrt(2 * Math.PI)

/** Density of the standard normal distribution. */
export function normalDensity(x: number): number {
  return INVERSE_ROOT_TWO_PI * Math.exp(-0.5 * x * x)
}

/** Probability that a standard normal is above `x`, with full relative accuracy in the upper tail. */
function upperTail(x: number): number {
  if (x < 0) return 1 - upperTail(-x)
  if (x < 3) {
    // power series of (cdf - 1/2) / density: x + x^3/3 + x^5/(3*5) + ...
    let term = x
    let sum = x
    for (let k = 3; term > sum * 1e-17; k += 2) sum += term *= (x * x) / k
    return 0.5 - sum * normalDensity(x)
  }
  // Mills ratio as the continued fraction 1/(x + 1/(x + 2/(x + 3/(x + ...))))
  let fraction = x
  for (let k = 160; k >= 1; k--) fraction = x + k / fraction
  return normalDensity(x) / fraction
}

/** Probability that a standard normal is at most `x`. */
export function normalCdf(x: number): number {
  return upperTail(-x)
}

/** The value that a standard normal stays below with probability `p`: infinite at 0 and 1, NaN outside. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  if (p === 0) return -Infinity
  // Newton on the logarithm of the tail, which is concave: from the right of the root the iteration is monotone,
  // and the tail at sqrt(-2 log p) is below p.
  let x = Math.sqrt(-2 * Math.log(p))
  for (let step = 0; step < 60; step++) {
    const tail = upperTail(x)
    const change = (Math.log(tail / p) * tail) / normalDensity(x)
    x += change
    if (Math.abs(change) <= 1e-15 * Math.max(1, x)) break
  }
  return 0 - x
}

/** Probabilities that a binomial(n, p) is at most k, for k = 0..n. */
export function binomialCdf(n: number, p: number): Float64Array {
  // from the mode outwards, so that nothing underflows before it is negligible
  const mass = new Float64Array(n + 1)
  const mode = Math.min(n, Math.floor((n + 1) * p))
  mass[mode] = 1
  for (let k = mode; k < n; k++) mass[k + 1] = (mass[k]! * (n - k) * p) / ((k + 1) * (1 - p))
  for (let k = mode; k > 0; k--) mass[k - 1] = (mass[k]! * k * (1 - p)) / ((n - k + 1) * p)
  let total = 0
  for (const value of mass) total += value
  let sum = 0
  return mass.map((value) => (sum += value / total))
}
