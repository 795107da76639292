// Marks of large point clouds as pixels: each look is painted once and stamped into a buffer, which costs the same on
// every machine. Pixels are 32-bit words as ImageData holds them on little-endian machines: alpha, blue, green, red.

export type Shape = 'circle' | 'square' | 'diamond' | 'triangle' | 'cross'

/** How a mark looks; lengths in device pixels, colours #rrggbb. */
export interface SpriteOptions {
  readonly shape: Shape
  readonly radius: number
  /** Inside of the mark: its own colour for a solid one, the ground for a hollow one. */
  readonly fill: string
  readonly stroke: string
  readonly strokeWidth: number
  /** The inside shows every other diagonal only: a mark gone stale. */
  readonly hatched?: boolean
  /** From 0 to 1. */
  readonly opacity?: number
}

/** The pixels of a mark that are not empty, about its middle. */
export interface Sprite {
  readonly dx: Int16Array
  readonly dy: Int16Array
  readonly words: Int32Array
  /** How many of them, the first ones, are opaque. */
  readonly opaque: number
  /** No pixel is farther from the middle than this, across or down. */
  readonly reach: number
}

/** A buffer of pixels and the part of it that may be painted. */
export interface Raster {
  readonly pixels: Int32Array
  readonly width: number
  readonly left: number
  readonly top: number
  /** Exclusive. */
  readonly right: number
  /** Exclusive. */
  readonly bottom: number
}

/** Pixels fainter than this are left out: nobody sees them, and each costs as much as any other. */
const LEAST_ALPHA = 12

/** Signed distances to the outline of a mark of radius r; negative inside. Areas match that of the circle. */
const DISTANCES: Readonly<Record<Shape, (x: number, y: number, r: number) => number>> = {
  circle: (x, y, r) => Math.hypot(x, y) - r,
  square: (x, y, r) => Math.max(Math.abs(x), Math.abs(y)) - 0.886 * r,
  diamond: (x, y, r) => (Math.abs(x) + Math.abs(y)) * Math.SQRT1_2 - 0.886 * r,
  triangle: (x, y, r) => Math.max(y - 0.78 * r, 0.866 * Math.abs(x) - 0.5 * y - 0.78 * r),
  // two bars without inside: the stroke is all there is
  cross: (x, y, r) => {
    const along = (Math.abs(x) + Math.abs(y)) * Math.SQRT1_2
    const across = Math.abs(Math.abs(x) - Math.abs(y)) * Math.SQRT1_2
    return Math.hypot(Math.max(0, along - r), across)
  },
}

/** Paints a mark with smooth edges. */
export function sprite({
  shape,
  radius,
  fill,
  stroke,
  strokeWidth,
  hatched = false,
  opacity = 1,
}: SpriteOptions): Sprite {
  const reach = Math.ceil(radius * 1.3 + strokeWidth / 2 + 1)
  const inside = channels(fill),
    outline = channels(stroke)
  const found: { readonly dx: number; readonly dy: number; readonly word: number }[] = []
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const d = DISTANCES[shape](dx, dy, radius)
      const filled = clamp(0.5 - d),
        stroked = clamp(0.5 - (Math.abs(d) - strokeWidth / 2))
      const alpha = stroked + filled * (1 - stroked)
      const opaque = Math.round(alpha * opacity * 255)
      if (opaque < LEAST_ALPHA) continue
      const isStripe = hatched && (dx + dy + 4 * reach) % 4 < 2
      const [red, green, blue] = (isStripe ? outline : inside).map((c, i) =>
        Math.round((outline[i]! * stroked + c * filled * (1 - stroked)) / alpha),
      )
      found.push({ dx, dy, word: (opaque << 24) | (blue! << 16) | (green! << 8) | red! })
    }
  const isOpaque = ({ word }: { readonly word: number }): boolean => word >>> 24 === 255
  found.sort((a, b) => Number(isOpaque(b)) - Number(isOpaque(a)))
  return {
    opaque: found.filter(isOpaque).length,
    dx: Int16Array.from(found, (f) => f.dx),
    dy: Int16Array.from(found, (f) => f.dy),
    words: Int32Array.from(found, (f) => f.word),
    reach: found.reduce((most, f) => Math.max(most, Math.abs(f.dx), Math.abs(f.dy)), 0),
  }
}

/** Paints a sprite over what is there, its middle on the pixel nearest to (atX, atY), cut at the edges of the raster. */
export function stamp(raster: Raster, mark: Sprite, atX: number, atY: number): void {
  const { dx, dy, words, opaque, reach } = mark
  const column = Math.round(atX),
    row = Math.round(atY)
  const { pixels, width, left, right, top, bottom } = raster
  const isWhole = column - reach >= left && column + reach < right && row - reach >= top && row + reach < bottom
  if (!isWhole) return stampPart(raster, mark, column, row)
  const middle = row * width + column
  for (let i = 0; i < opaque; i++) pixels[middle + dy[i]! * width + dx[i]!] = words[i]!
  for (let i = opaque; i < words.length; i++) {
    const at = middle + dy[i]! * width + dx[i]!
    const below = pixels[at]!
    pixels[at] = below === 0 ? words[i]! : over(words[i]!, below)
  }
}

function stampPart(raster: Raster, { dx, dy, words }: Sprite, column: number, row: number): void {
  const { pixels, width, left, right, top, bottom } = raster
  for (let i = 0; i < words.length; i++) {
    const x = column + dx[i]!,
      y = row + dy[i]!
    if (x < left || x >= right || y < top || y >= bottom) continue
    const below = pixels[y * width + x]!
    pixels[y * width + x] = below === 0 || words[i]! >>> 24 === 255 ? words[i]! : over(words[i]!, below)
  }
}

/** One straight colour over another, both with alpha. */
function over(source: number, below: number): number {
  const a = source >>> 24,
    b = divided((below >>> 24) * (255 - a))
  const alpha = (a + b) << 24
  if (((source ^ below) & 0xffffff) === 0) return alpha | (source & 0xffffff)
  // the share of the upper colour, of 255
  const share = b + a === 255 ? a : Math.round((255 * a) / (a + b)),
    rest = 255 - share
  const red = divided((source & 255) * share + (below & 255) * rest),
    green = divided(((source >>> 8) & 255) * share + ((below >>> 8) & 255) * rest),
    blue = divided(((source >>> 16) & 255) * share + ((below >>> 16) & 255) * rest)
  return alpha | (blue << 16) | (green << 8) | red
}

/** A product of two bytes divided by 255, without a division. */
const divided = (product: number): number => (product + 128 + ((product + 128) >> 8)) >> 8

const channels = (color: string): number[] => [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16))
const clamp = (value: number): number => Math.min(1, Math.max(0, value))
