// Which points a gesture catches. Points are pixels in two parallel arrays; NaN is never caught.

/** Two opposite corners, in any order. */
export interface Rectangle {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** Indices of the points in a rectangle, its edges included, ascending. */
export function insideRectangle(x: ArrayLike<number>, y: ArrayLike<number>, rectangle: Rectangle): number[] {
  const { left, right, top, bottom } = edges(rectangle)
  const found: number[] = []
  for (let i = 0; i < x.length; i++)
    if (x[i]! >= left && x[i]! <= right && y[i]! >= top && y[i]! <= bottom) found.push(i)
  return found
}

/**
 * Indices of the points inside a closed polygon by the even-odd rule, ascending.
 * @param outline corners, x and y in turn; the last one joins the first
 */
export function insidePolygon(x: ArrayLike<number>, y: ArrayLike<number>, outline: ArrayLike<number>): number[] {
  if (outline.length < 6) return []
  let x0 = Infinity,
    x1 = -Infinity,
    y0 = Infinity,
    y1 = -Infinity
  for (let i = 0; i < outline.length; i += 2) {
    x0 = Math.min(x0, outline[i]!)
    x1 = Math.max(x1, outline[i]!)
    y0 = Math.min(y0, outline[i + 1]!)
    y1 = Math.max(y1, outline[i + 1]!)
  }
  return insideRectangle(x, y, { x0, y0, x1, y1 }).filter((i) => isInside(x[i]!, y[i]!, outline))
}

function isInside(x: number, y: number, outline: ArrayLike<number>): boolean {
  let inside = false
  let px = outline[outline.length - 2]!,
    py = outline[outline.length - 1]!
  for (let i = 0; i < outline.length; i += 2) {
    const cx = outline[i]!,
      cy = outline[i + 1]!
    if (cy > y !== py > y && x < cx + ((px - cx) * (y - cy)) / (py - cy)) inside = !inside
    px = cx
    py = cy
  }
  return inside
}

/**
 * Index of the point nearest to (atX, atY) within a radius, or -1; of equal distances the last, which is drawn on top.
 * Looks at every point: 100,000 take a fraction of a millisecond, less than keeping an index up to date while zooming.
 */
export function nearest(x: ArrayLike<number>, y: ArrayLike<number>, atX: number, atY: number, radius: number): number {
  let best = -1,
    least = radius * radius
  for (let i = 0; i < x.length; i++) {
    const dx = x[i]! - atX,
      dy = y[i]! - atY
    const distance = dx * dx + dy * dy
    if (distance <= least) {
      least = distance
      best = i
    }
  }
  return best
}

/** The keys that are in every set, or undefined where there is no set: linked views narrow one selection. */
export function inEvery(sets: Iterable<ReadonlySet<string>>): ReadonlySet<string> | undefined {
  let common: ReadonlySet<string> | undefined
  for (const set of sets) {
    if (common === undefined) common = set
    else {
      const [few, many]: readonly ReadonlySet<string>[] = set.size < common.size ? [set, common] : [common, set]
      common = new Set([...few!].filter((key) => many!.has(key)))
    }
  }
  return common
}

function edges({ x0, y0, x1, y1 }: Rectangle): { left: number; right: number; top: number; bottom: number } {
  return { left: Math.min(x0, x1), right: Math.max(x0, x1), top: Math.min(y0, y1), bottom: Math.max(y0, y1) }
}
