// The part of an axis that is looked at. Zooming and panning move the ends of a domain; on a logarithmic axis they move
// the exponents, so that equal gestures are equal ratios.

export type Domain = readonly [low: number, high: number]

/** Least span of a view: a share of the whole domain, well above what doubles can tell apart. */
const LEAST_SPAN = 1e-6
/** Most span of a view, in whole domains. */
const MOST_SPAN = 4

const inward = (value: number, log: boolean): number => (log ? Math.log10(value) : value)
const outward = (value: number, log: boolean): number => (log ? 10 ** value : value)

/** Where a value stands in a domain: 0 at its low end, 1 at its high end. NaN where a logarithm has no value. */
export function shareOf(value: number, [low, high]: Domain, log = false): number {
  const from = inward(low, log)
  return (inward(value, log) - from) / (inward(high, log) - from)
}

/** The value at a share of a domain, the inverse of `shareOf`. */
export function valueAt(share: number, [low, high]: Domain, log = false): number {
  const from = inward(low, log)
  return outward(from + share * (inward(high, log) - from), log)
}

/**
 * Zooms about a share of the view: factors above 1 show less. The value under that share stays where it is.
 * The span stays between a millionth of the whole domain and four times it.
 */
export function zoomed(view: Domain, at: number, factor: number, whole: Domain, log = false): Domain {
  const span = spanOf(view, log),
    all = spanOf(whole, log)
  const next = Math.min(MOST_SPAN * all, Math.max(LEAST_SPAN * all, span / factor))
  const fixed = inward(view[0], log) + at * span
  return [outward(fixed - at * next, log), outward(fixed + (1 - at) * next, log)]
}

/**
 * Moves a view by a share of its span; positive shows higher values.
 * The middle of the view stays within the whole domain, so that the data cannot be lost.
 */
export function panned(view: Domain, share: number, whole: Domain, log = false): Domain {
  const span = spanOf(view, log)
  const middle = inward(view[0], log) + span / 2 + share * span
  const kept = Math.min(inward(whole[1], log), Math.max(inward(whole[0], log), middle))
  return [outward(kept - span / 2, log), outward(kept + span / 2, log)]
}

/** The view between two shares of a view, in either order: a dragged range. */
export function between(view: Domain, a: number, b: number, log = false): Domain {
  return [valueAt(Math.min(a, b), view, log), valueAt(Math.max(a, b), view, log)]
}

function spanOf([low, high]: Domain, log: boolean): number {
  return inward(high, log) - inward(low, log)
}
