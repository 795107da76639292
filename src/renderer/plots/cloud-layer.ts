// The points of a cloud as pixels. Places are kept in arrays, the look of each kind of point is painted once, and a
// frame is one pass of additions, one of stamps and one copy to the canvas.

import type { Frame } from '#core/plots/axes.ts'
import { sprite, stamp, type Raster, type Sprite } from '#core/plots/geometry/sprites.ts'
import {
  crossPlace,
  isPlaced,
  radiusOf,
  type CloudAxis,
  type CloudGroup,
  type CloudPoint,
} from '#core/plots/interactive/point-cloud.ts'
import type { Theme } from '#core/plots/theme.ts'

interface Look {
  readonly status: CloudPoint['status']
  readonly shape: CloudGroup['shape']
  readonly color: string | undefined
}

interface Sprites {
  /** Of the colours and the resolution that they were painted for. */
  readonly key: string
  /** By look. */
  readonly solid: readonly Sprite[]
  readonly faint: readonly Sprite[]
}

interface Painted {
  readonly canvas: HTMLCanvasElement
  readonly image: ImageData
  readonly places: string
  readonly sprites: readonly Sprite[]
  readonly flags: Uint8Array | undefined
}

interface Axes {
  readonly x: CloudAxis
  readonly y: CloudAxis
}

/** Share of ink left to what is not selected. */
const FAINT = 0.22

export class CloudLayer {
  readonly points: readonly CloudPoint[]
  /** In CSS pixels, by index; NaN before the first `project`. */
  readonly px: Float32Array
  readonly py: Float32Array
  readonly #axes: Axes
  /** On the axes: logarithms where they are logarithmic; NaN for what has no place. */
  readonly #x: Float64Array
  readonly #y: Float64Array
  readonly #looks: Look[] = []
  readonly #look: Uint16Array
  readonly #unplaced: number[] = []
  /** In which points are painted. */
  readonly #order: Uint32Array
  #sprites: Sprites | undefined
  #image: ImageData | undefined
  /** The faint marks of the places as they are, ready to be painted over. */
  #below: { readonly sprites: readonly Sprite[]; readonly pixels: Int32Array } | undefined
  /** What the canvas shows: pointing changes none of it. */
  #painted: Painted | undefined
  /** The frame and view that the places are of. */
  #placed = ''

  constructor(points: readonly CloudPoint[], groups: readonly CloudGroup[], axes: Axes) {
    const n = points.length
    this.points = points
    this.#axes = axes
    this.px = new Float32Array(n).fill(NaN)
    this.py = new Float32Array(n).fill(NaN)
    this.#x = new Float64Array(n)
    this.#y = new Float64Array(n)
    this.#look = new Uint16Array(n)
    const known = new Map<string, number>()
    points.forEach((p, i) => {
      const placed = isPlaced(p, axes)
      if (!placed) this.#unplaced.push(i)
      this.#x[i] = placed ? inward(p.x, axes.x) : NaN
      this.#y[i] = placed ? inward(p.y, axes.y) : NaN
      const look = {
        status: placed ? p.status : 'failed',
        shape: groups[p.group ?? 0]?.shape ?? 'circle',
        color: p.color,
      } as const
      const key = `${look.status} ${look.shape} ${look.color}`
      let index = known.get(key)
      if (index === undefined) known.set(key, (index = this.#looks.push(look) - 1))
      this.#look[i] = index
    })
    this.#order = rowOrder(this.#y)
  }

  /** Computes where every point stands in a frame, unless it is known. */
  project(f: Frame, view: { readonly x: readonly [number, number]; readonly y: readonly [number, number] }): void {
    const { left, right, top, bottom } = f.inner
    const place = [left, right, top, bottom, ...view.x, ...view.y].join(' ')
    if (place === this.#placed) return
    this.#placed = place
    this.#below = undefined
    const [x0, x1] = [inward(view.x[0], this.#axes.x), inward(view.x[1], this.#axes.x)]
    const [y0, y1] = [inward(view.y[0], this.#axes.y), inward(view.y[1], this.#axes.y)]
    const xScale = (right - left) / (x1 - x0),
      yScale = (top - bottom) / (y1 - y0)
    for (let i = 0; i < this.px.length; i++) {
      this.px[i] = left + (this.#x[i]! - x0) * xScale
      this.py[i] = bottom + (this.#y[i]! - y0) * yScale
    }
    for (const i of this.#unplaced) {
      const cross = crossPlace(this.points[i]!, f, this.#axes)
      this.px[i] = cross.x
      this.py[i] = cross.y
    }
  }

  /** Paints all points; with flags the others are faint and lie below. */
  paint(
    canvas: HTMLCanvasElement,
    width: number,
    height: number,
    f: Frame,
    theme: Theme,
    flags: Uint8Array | undefined,
  ): void {
    const ratio = devicePixelRatio
    const columns = Math.max(1, Math.round(width * ratio)),
      rows = Math.max(1, Math.round(height * ratio))
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns
      canvas.height = rows
    }
    if (this.#image?.width !== columns || this.#image.height !== rows) this.#image = new ImageData(columns, rows)
    const pixels = new Int32Array(this.#image.data.buffer)
    // marks may reach over the axes by their radius, so that those on the edge are whole
    const reach = 5
    const raster: Raster = {
      pixels,
      width: columns,
      left: Math.max(0, Math.round((f.inner.left - reach) * ratio)),
      right: Math.min(columns, Math.round((f.inner.right + reach) * ratio)),
      top: Math.max(0, Math.round((f.inner.top - reach) * ratio)),
      bottom: Math.min(rows, Math.round((f.inner.bottom + reach) * ratio)),
    }
    const { solid, faint } = this.#spritesOf(theme, ratio)
    const painted = { canvas, image: this.#image, places: this.#placed, sprites: solid, flags }
    if (isSame(painted, this.#painted)) return
    this.#painted = painted
    if (flags === undefined) {
      pixels.fill(0)
      this.#stampAll(raster, solid, f, ratio)
      this.#below = undefined
    } else {
      // while a brush moves over a still view only what it catches is painted again
      if (this.#below?.sprites !== faint || this.#below.pixels.length !== pixels.length) {
        pixels.fill(0)
        this.#stampAll(raster, faint, f, ratio)
        this.#below = { sprites: faint, pixels: pixels.slice() }
      } else pixels.set(this.#below.pixels)
      this.#stampAll(raster, solid, f, ratio, flags)
    }
    canvas.getContext('2d', { willReadFrequently: true })!.putImageData(this.#image, 0, 0)
  }

  #stampAll(raster: Raster, sprites: readonly Sprite[], { inner }: Frame, ratio: number, flags?: Uint8Array): void {
    const { px, py } = this
    const look = this.#look
    const left = inner.left - 0.5,
      right = inner.right + 0.5,
      top = inner.top - 0.5,
      bottom = inner.bottom + 0.5
    for (const i of this.#order) {
      if (flags !== undefined && flags[i] === 0) continue
      const x = px[i]!,
        y = py[i]!
      if (x >= left && x <= right && y >= top && y <= bottom) stamp(raster, sprites[look[i]!]!, x * ratio, y * ratio)
    }
  }

  #spritesOf(theme: Theme, ratio: number): Sprites {
    const key = `${theme.side} ${ratio}`
    if (this.#sprites?.key === key) return this.#sprites
    const radius = radiusOf(this.points.length) * ratio
    const paint = (opacity: number): Sprite[] =>
      this.#looks.map(({ status, shape, color = theme.ink }) =>
        status === 'failed'
          ? sprite({
              shape: 'cross',
              radius: 4 * ratio,
              fill: theme.ink,
              stroke: theme.ink,
              strokeWidth: 1.3 * ratio,
              opacity,
            })
          : sprite({
              shape,
              radius,
              fill: status === 'measured' ? color : theme.ground,
              stroke: color,
              strokeWidth: 1.2 * ratio,
              hatched: status === 'stale',
              opacity,
            }),
      )
    return (this.#sprites = { key, solid: paint(1), faint: paint(FAINT) })
  }
}

function isSame(a: Painted, b: Painted | undefined): boolean {
  if (b === undefined || a.canvas !== b.canvas || a.image !== b.image) return false
  return a.places === b.places && a.sprites === b.sprites && a.flags === b.flags
}

const BANDS = 512

/**
 * Indices by bands of height, missing heights last. Points painted one after the other then touch the same part of the
 * buffer, which halves the time that painting takes; within a band later points lie on top.
 */
function rowOrder(heights: Float64Array): Uint32Array {
  let low = Infinity,
    high = -Infinity
  for (const y of heights) {
    if (y < low) low = y
    if (y > high) high = y
  }
  const scale = high > low ? (BANDS - 1) / (high - low) : 0
  const bandOf = (y: number): number => (Number.isNaN(y) ? BANDS : Math.floor((y - low) * scale))
  const starts = new Uint32Array(BANDS + 2)
  for (const y of heights) starts[bandOf(y) + 1]!++
  for (let band = 1; band < starts.length; band++) starts[band]! += starts[band - 1]!
  const order = new Uint32Array(heights.length)
  heights.forEach((y, i) => (order[starts[bandOf(y)]!++] = i))
  return order
}

const inward = (value: number, { log }: CloudAxis): number => (log === true ? Math.log10(value) : value)
