import { expect, it } from 'vitest'
import { sprite, stamp, type Raster, type Shape } from '#core/plots/geometry/sprites.ts'

const INK = '#102030',
  GROUND = '#ffffff'
const solid = (shape: Shape, opacity = 1) =>
  sprite({ shape, radius: 4, fill: INK, stroke: INK, strokeWidth: 1, opacity })
const raster = (width: number, height: number): Raster => ({
  pixels: new Uint32Array(width * height),
  width,
  left: 0,
  top: 0,
  right: width,
  bottom: height,
})

it('a solid mark is its colour in the middle, a hollow one the ground, and both have the stroke at their edge', () => {
  const hollow = sprite({ shape: 'circle', radius: 4, fill: GROUND, stroke: INK, strokeWidth: 1 })
  const middle = (s: { size: number; pixels: Uint32Array }, dx = 0) =>
    s.pixels[(s.size >> 1) * s.size + (s.size >> 1) + dx]
  expect(middle(solid('circle'))).toBe(0xff302010)
  expect(middle(hollow)).toBe(0xffffffff)
  expect(middle(hollow, 4)).toBe(0xff302010)
  expect(middle(solid('cross'))).toBe(0xff302010)
  expect(middle(solid('cross'), 3)).toBe(0)
})

it('filled shapes of one radius have about the same area', () => {
  const area = (shape: Shape): number =>
    sprite({ shape, radius: 10, fill: INK, stroke: INK, strokeWidth: 0 }).pixels.reduce(
      (sum, p) => sum + (p >>> 24) / 255,
      0,
    )
  for (const shape of ['circle', 'square', 'diamond', 'triangle'] as const)
    expect(area(shape)).toBeGreaterThan(0.85 * Math.PI * 100)
  for (const shape of ['circle', 'square', 'diamond', 'triangle'] as const)
    expect(area(shape)).toBeLessThan(1.15 * Math.PI * 100)
})

it('stamps are cut at the edges and never leave the raster', () => {
  const r = { ...raster(20, 20), left: 5, right: 15, top: 5, bottom: 15 }
  for (const [x, y] of [
    [5, 5],
    [15, 10],
    [-3, 9],
    [40, 40],
    [10, 14.6],
  ] as const)
    stamp(r, solid('circle'), x, y)
  const painted = [...r.pixels.keys()].filter((i) => r.pixels[i] !== 0)
  expect(painted.length).toBeGreaterThan(20)
  for (const i of painted) {
    expect(i % 20 >= 5 && i % 20 < 15).toBe(true)
    expect(i >= 100 && i < 300).toBe(true)
  }
})

it('faint marks add up', () => {
  const r = raster(11, 11)
  const faint = solid('circle', 0.25)
  const alpha = () => r.pixels[5 * 11 + 5]! >>> 24
  stamp(r, faint, 5, 5)
  expect(alpha()).toBe(64)
  stamp(r, faint, 5, 5)
  // 1 - 0.75²
  expect(alpha()).toBeGreaterThanOrEqual(111)
  expect(alpha()).toBeLessThanOrEqual(113)
})
