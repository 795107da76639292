import { Resvg } from '@resvg/resvg-js'

export interface Pixels {
  /** Red, green, blue and opacity in turn. */
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/** The pixels of a PNG; the upper left part of it where a size is given. */
export function pixelsOf(png: Buffer, size?: Pick<Pixels, 'width' | 'height'>): Pixels {
  const own = { width: png.readUInt32BE(16), height: png.readUInt32BE(20) }
  const { width, height } = size ?? own
  const href = `data:image/png;base64,${png.toString('base64')}`
  const image = `<image width="${own.width}" height="${own.height}" href="${href}"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${image}</svg>`
  return { pixels: new Resvg(svg).render().pixels, width, height }
}

/** The largest difference of a channel, of 255; 255 for pictures of other sizes. */
export function largestDifference(one: Buffer, other: Buffer): number {
  const a = pixelsOf(one),
    b = pixelsOf(other)
  if (a.width !== b.width || a.height !== b.height) return 255
  return a.pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - b.pixels[i]!)), 0)
}
