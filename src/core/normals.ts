// Box-Muller for whole arrays of f32. Tables and short series give numbers to some 1e-14; where such a number could round to
// another f32 than `scale * (radius * Math.cos(angle))` does, and where the series is too short, that is computed instead.

const BITS = 10
const CELLS = 1 << BITS
/** Sines of a turn and a quarter, so that the cosines are in it as well. */
const SINES = Float64Array.from({ length: CELLS + CELLS / 4 }, (_, i) => Math.sin((2 * Math.PI * i) / CELLS))
/** Of mantissas 1 + (i + 1/2) / CELLS: the reciprocal, and -2 times the logarithm. */
const RECIPROCALS = Float64Array.from({ length: CELLS }, (_, i) => 1 / (1 + (i + 0.5) / CELLS))
const LOGARITHMS = Float64Array.from(RECIPROCALS, (r) => 2 * Math.log(r))
/** -2 times the logarithm of 2 to the power of -i. */
const POWERS = Float64Array.from({ length: 33 }, (_, i) => 2 * i * Math.LN2)
/** Bits of an angle within a cell, in radians. */
const STEP = (2 * Math.PI) / 4294967296
/** Bound of the error of what the tables give, as a share of radius and scale; the largest seen is 2^-46. */
const DOUBT = 2 ** -42
/** Uniform numbers below this have logarithms near 0, which the sum of two tables would lose. */
const SMALL = 2 ** 25

/**
 * Standard normals times a scale, from pairs of uniform 32-bit numbers: two for each pair, bit for bit those of the language's
 * own functions.
 * @param uniform as many numbers as there are places from `start` to `end`, which are even in number
 */
export function normalPairs(uniform: Uint32Array, into: Float32Array, start: number, end: number, scale: number): void {
  for (let i = start, at = 0; i < end; i += 2, at += 2) {
    const u = uniform[at]!,
      v = uniform[at + 1]!
    if (u >= SMALL) {
      // 1 - u / 2^32 is m / 2^32, and m is a power of two times a mantissa
      const m = -u | 0
      const shift = Math.clz32(m)
      const mantissa = (m << shift) >>> 0
      const cell = (mantissa >>> (31 - BITS)) & (CELLS - 1)
      const z = (mantissa / 2147483648) * RECIPROCALS[cell]! - 1
      const series = z * (2 - z * (1 - z * (2 / 3 - z * 0.5)))
      const radius = scale * Math.sqrt(POWERS[shift + 1]! + LOGARITHMS[cell]! - series)
      // an angle is a cell and at most half a cell more or less
      const rest = (v << BITS) >> BITS
      const turn = (v - rest) >>> (32 - BITS)
      const x = rest * STEP
      const xx = x * x
      const sine = x * (1 - xx * (1 / 6))
      const cosine = 1 - xx * (0.5 - xx * (1 / 24))
      const s = SINES[turn]!,
        c = SINES[turn + CELLS / 4]!
      const first = radius * (c * cosine - s * sine),
        second = radius * (s * cosine + c * sine)
      const doubt = radius * DOUBT
      const low = Math.fround(first - doubt),
        low2 = Math.fround(second - doubt)
      if (low === Math.fround(first + doubt) && low2 === Math.fround(second + doubt) && low !== 0 && low2 !== 0) {
        into[i] = low
        into[i + 1] = low2
        continue
      }
    }
    const radius = Math.sqrt(-2 * Math.log(1 - u / 4294967296))
    const angle = 2 * Math.PI * (v / 4294967296)
    into[i] = scale * (radius * Math.cos(angle))
    into[i + 1] = scale * (radius * Math.sin(angle))
  }
}
