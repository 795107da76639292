// Where one latency overtakes another over context length, and how sure that place is.

export interface ContextPoint {
  /** Of the mark, given where each point can be opened. */
  readonly key?: string
  /** Tokens, above 0. */
  readonly context: number
  readonly latencyMs: number
  /** Ends of the interval of the latency, ms. */
  readonly low: number
  readonly high: number
}

export interface Crossing {
  /** Tokens. */
  readonly context: number
  readonly latencyMs: number
  /** The contexts around it at which the two intervals overlap; absent at an end that was not measured far enough. */
  readonly from?: number
  readonly to?: number
}

/** A line through points in ascending order. */
type Line = readonly (readonly [number, number])[]

/** Stand for an end of an interval that is not known, in logarithms of ms. */
const UNKNOWN = { low: -12, high: 12 }

/** Where two curves cross, straight between measured points in the logarithms, over the contexts that both cover. */
export function crossings(a: readonly ContextPoint[], b: readonly ContextPoint[]): Crossing[] {
  const first = logs(a, (p) => Math.log10(p.latencyMs)),
    second = logs(b, (p) => Math.log10(p.latencyMs))
  if (first.length === 0 || second.length === 0) return []
  const from = Math.max(first[0]![0], second[0]![0]),
    to = Math.min(first.at(-1)![0], second.at(-1)![0])
  const xs = [...new Set([...first, ...second].map(([x]) => x))]
    .filter((x) => x >= from && x <= to)
    .sort((p, q) => p - q)
  const gaps = xs.map((x) => valueAt(first, x) - valueAt(second, x))
  const overlap = overlapOf(a, b, xs)
  const found: Crossing[] = []
  let last = -1
  for (let i = 0; i < xs.length; i++) {
    if (gaps[i] === 0) continue
    if (last >= 0 && gaps[last]! * gaps[i]! < 0) {
      // between two points of opposite sign; points in between lie on both curves
      const left = i - last > 1 ? last + 1 : last
      const share = i - last > 1 ? 0 : gaps[last]! / (gaps[last]! - gaps[i]!)
      const x = xs[left]! + share * ((xs[left + 1] ?? xs[left]!) - xs[left]!)
      const low = edge(overlap, xs, left, -1),
        high = edge(overlap, xs, left + 1, 1)
      found.push({
        context: 10 ** x,
        latencyMs: 10 ** valueAt(first, x),
        ...(low !== undefined && { from: 10 ** Math.min(low, x) }),
        ...(high !== undefined && { to: 10 ** Math.max(high, x) }),
      })
    }
    last = i
  }
  return found
}

/** Whether a point has a place on logarithmic axes. */
export const isUsable = (p: ContextPoint): boolean =>
  p.context > 0 && p.latencyMs > 0 && Number.isFinite(p.context) && Number.isFinite(p.latencyMs)

function logs(points: readonly ContextPoint[], valueOf: (point: ContextPoint) => number): Line {
  return points
    .filter(isUsable)
    .map((p) => [Math.log10(p.context), valueOf(p)] as const)
    .sort(([p], [q]) => p - q)
}

function valueAt(points: Line, x: number): number {
  const after = points.findIndex(([px]) => px >= x)
  const [x1, y1] = points[after]!
  if (after === 0 || x1 === x) return y1
  const [x0, y0] = points[after - 1]!
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)
}

/** At each context how far either end of the one interval lies inside the other: both at least 0 where they overlap. */
function overlapOf(a: readonly ContextPoint[], b: readonly ContextPoint[], xs: readonly number[]): number[][] {
  const end = (value: number, unknown: number): number => (value > 0 && value < Infinity ? Math.log10(value) : unknown)
  const low = (points: readonly ContextPoint[]): Line => logs(points, (p) => end(p.low, UNKNOWN.low))
  const high = (points: readonly ContextPoint[]): Line => logs(points, (p) => end(p.high, UNKNOWN.high))
  const lines = { aLow: low(a), aHigh: high(a), bLow: low(b), bHigh: high(b) }
  return xs.map((x) => [
    valueAt(lines.bHigh, x) - valueAt(lines.aLow, x),
    valueAt(lines.aHigh, x) - valueAt(lines.bLow, x),
  ])
}

/** Where the overlap ends on one side of a crossing; `at` is the nearest measured context on that side. */
function edge(overlap: readonly number[][], xs: readonly number[], at: number, step: 1 | -1): number | undefined {
  for (let i = at; i >= 0 && i < xs.length; i += step) {
    const ends = overlap[i]!.flatMap((depth, side) => {
      if (depth >= 0) return []
      const inner = overlap[i - step]?.[side]
      // an interval that does not hold its own value
      if (inner === undefined || inner < 0) return [xs[i]!]
      return [xs[i]! + (depth / (depth - inner)) * (xs[i - step]! - xs[i]!)]
    })
    if (ends.length > 0) return step < 0 ? Math.max(...ends) : Math.min(...ends)
  }
  return undefined
}
