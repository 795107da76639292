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

export interface Sprite {
  readonly size: number
  readonly pixels: Uint32Array
}

/** A buffer of pixels and the part of it that may be painted. */
export interface Raster {
  readonly pixels: Uint32Array
  readonly width: number
  readonly left: number
  readonly top: number
  /** Exclusive. */
  readonly right: number
  /** Exclusive. */
  readonly bottom: number
}

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
  const half = Math.ceil(radius * 1.3 + strokeWidth / 2 + 1)
  const size = 2 * half + 1
  const pixels = new Uint32Array(size * size)
  const inside = channels(fill),
    outline = channels(stroke)
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const d = DISTANCES[shape](column - half, row - half, radius)
      const filled = clamp(0.5 - d),
        stroked = clamp(0.5 - (Math.abs(d) - strokeWidth / 2))
      const alpha = stroked + filled * (1 - stroked)
      if (alpha === 0) continue
      const isStripe = hatched && (row + column) % 4 < 2
      const mixed = (isStripe ? outline : inside).map(
        (c, i) => (outline[i]! * stroked + c * filled * (1 - stroked)) / alpha,
      )
      pixels[row * size + column] = word(mixed[0]!, mixed[1]!, mixed[2]!, alpha * opacity * 255)
    }
  return { size, pixels }
}

/** Paints a sprite over what is there, its middle on the pixel nearest to (x, y), cut at the edges of the raster. */
export function stamp(raster: Raster, { size, pixels }: Sprite, x: number, y: number): void {
  const x0 = Math.round(x) - (size >> 1),
    y0 = Math.round(y) - (size >> 1)
  const fromColumn = Math.max(0, raster.left - x0),
    toColumn = Math.min(size, raster.right - x0)
  const toRow = Math.min(size, raster.bottom - y0)
  const target = raster.pixels
  for (let row = Math.max(0, raster.top - y0); row < toRow; row++) {
    let from = row * size + fromColumn,
      to = (y0 + row) * raster.width + x0 + fromColumn
    for (let column = fromColumn; column < toColumn; column++, from++, to++) {
      const source = pixels[from]!
      if (source === 0) continue
      const below = target[to]!
      target[to] = source >>> 24 === 255 || below === 0 ? source : over(source, below)
    }
  }
}

/** One straight colour over another, both with alpha. */
function over(source: number, below: number): number {
  const a = source >>> 24,
    b = ((below >>> 24) * (255 - a)) / 255
  const alpha = a + b
  const channel = (shift: number): number => (((source >>> shift) & 255) * a + ((below >>> shift) & 255) * b) / alpha
  return word(channel(0), channel(8), channel(16), alpha)
}

function word(red: number, green: number, blue: number, alpha: number): number {
  return ((Math.round(alpha) << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0
}

const channels = (color: string): number[] => [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16))
const clamp = (value: number): number => Math.min(1, Math.max(0, value))
