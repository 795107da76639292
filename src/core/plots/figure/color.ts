// How alike two colours look: to most readers, to readers without green cones, and in greyscale.

export type Rgb = readonly [number, number, number]

/** Linear light of #rrggbb, each from 0 to 1; undefined for another notation. */
export function linearOf(color: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color)
  if (match === null) return undefined
  const channel = (hex: string): number => {
    const v = Number.parseInt(hex, 16) / 255
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  }
  return [channel(match[1]!), channel(match[2]!), channel(match[3]!)]
}

/** What a reader without green cones sees (Machado, Oliveira and Fernandes 2009, deuteranomaly of severity 1), in linear light. */
export function deuteranope([r, g, b]: Rgb): Rgb {
  const clip = (v: number): number => Math.min(1, Math.max(0, v))
  return [
    clip(0.367322 * r + 0.860646 * g - 0.227968 * b),
    clip(0.280085 * r + 0.672501 * g + 0.047413 * b),
    clip(-0.01182 * r + 0.04294 * g + 0.968881 * b),
  ]
}

/** Relative luminance (Rec. 709). */
export const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b

/** Lightness L* (CIE 1976) from 0 to 100. */
export const lightness = (color: Rgb): number => labOf(color)[0]

/** CIE 1976 L*a*b* under D65. */
function labOf([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
  const y = f(luminance([r, g, b]))
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

/** Distance of two colours in L*a*b*; about 2 can just be seen side by side. */
export function difference(a: Rgb, b: Rgb): number {
  const one = labOf(a),
    other = labOf(b)
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2])
}

/** Contrast of two colours, 1 to 21 (WCAG 2). */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}
