import { expect, it } from 'vitest'
import { sprite, stamp, type Raster, type Shape, type Sprite } from '#core/plots/geometry/sprites.ts'

const INK = '#102030',
  INK_WORD = 0xff302010,
  GROUND = '#ffffff'
const solid = (shape: Shape, opacity = 1): Sprite =>
  sprite({ shape, radius: 4, fill: INK, stroke: INK, strokeWidth: 1, opacity })
const raster = (width: number, height: number): Raster => ({
  pixels: new Int32Array(width * height),
  width,
  left: 0,
  top: 0,
  right: width,
  bottom: height,
})
/** The word at a distance right of the middle of a sprite. */
function at(mark: Sprite, dx = 0): number {
  const r = raster(41, 41)
  stamp(r, mark, 20, 20)
  return r.pixels[20 * 41 + 20 + dx]! >>> 0
}

it('a solid mark is its colour in the middle, a hollow one the ground, and both have the stroke at their edge', () => {
  const hollow = sprite({ shape: 'circle', radius: 4, fill: GROUND, stroke: INK, strokeWidth: 1 })
  expect(at(solid('circle'))).toBe(INK_WORD)
  expect(at(hollow)).toBe(0xffffffff)
  expect(at(hollow, 4)).toBe(INK_WORD)
  expect(at(hollow, 6)).toBe(0)
  expect(at(solid('cross'))).toBe(INK_WORD)
  expect(at(solid('cross'), 3)).toBe(0)
})

it('a stale mark has both colours inside', () => {
  const stale = sprite({ shape: 'circle', radius: 6, fill: GROUND, stroke: INK, strokeWidth: 1, hatched: true })
  const inside = new Set([-3, -2, -1, 0, 1, 2, 3].map((dx) => at(stale, dx)))
  expect(inside).toEqual(new Set([INK_WORD, 0xffffffff]))
})

it('filled shapes of one radius have about the same area', () => {
  for (const shape of ['circle', 'square', 'diamond', 'triangle'] as const) {
    const { words } = sprite({ shape, radius: 10, fill: INK, stroke: INK, strokeWidth: 0 })
    const area = words.reduce((sum, word) => sum + (word >>> 24) / 255, 0)
    expect(area).toBeGreaterThan(0.85 * Math.PI * 100)
    expect(area).toBeLessThan(1.15 * Math.PI * 100)
  }
})

it('stamps are cut at the edges and never leave the raster', () => {
  const r = { ...raster(20, 20), left: 5, right: 15, top: 5, bottom: 15 }
  const places = [
    [5, 5],
    [15, 10],
    [-3, 9],
    [40, 40],
    [10, 14.6],
  ] as const
  for (const [x, y] of places) stamp(r, solid('circle'), x, y)
  const painted = [...r.pixels.keys()].filter((i) => r.pixels[i] !== 0)
  expect(painted.length).toBeGreaterThan(20)
  for (const i of painted) {
    expect(i % 20 >= 5 && i % 20 < 15).toBe(true)
    expect(i >= 100 && i < 300).toBe(true)
  }
})

it('faint marks add up, over nothing and over what is opaque', () => {
  const r = raster(41, 41)
  const faint = solid('circle', 0.25)
  const alpha = () => r.pixels[20 * 41 + 20]! >>> 24
  stamp(r, faint, 20, 20)
  expect(alpha()).toBe(64)
  stamp(r, faint, 20, 20)
  // 1 - 0.75²
  expect(alpha()).toBeGreaterThanOrEqual(111)
  expect(alpha()).toBeLessThanOrEqual(113)
  const white = sprite({ shape: 'circle', radius: 4, fill: GROUND, stroke: GROUND, strokeWidth: 1 })
  stamp(r, white, 20, 20)
  stamp(r, faint, 20, 20)
  // three quarters of white and one of the ink, channel by channel
  const word = r.pixels[20 * 41 + 20]! >>> 0
  expect([word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24]).toEqual([195, 199, 203, 255])
})
