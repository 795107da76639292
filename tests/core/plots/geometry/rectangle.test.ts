import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keysInside, rangesOf, rectangleOf } from '#core/plots/geometry/rectangle.ts'
import type { Scene, SceneAxes } from '#core/plots/scene.ts'

const axes: SceneAxes = {
  x: { domain: [0, 10] },
  y: { domain: [1, 1000], log: true },
  inner: { left: 50, right: 250, top: 10, bottom: 110 },
}

it('a rectangle is ranges of the axes, the y axis upwards', () => {
  const ranges = rangesOf(axes, { x0: 150, y0: 110, x1: 50, y1: 10 })
  expect(ranges.x).toEqual([0, 5])
  expect(ranges.y[0]).toBeCloseTo(1)
  expect(ranges.y[1]).toBeCloseTo(1000)
})

it('comes back as it was drawn, and is cut at the frame', () => {
  const px = fc.double({ min: 50, max: 250, noNaN: true })
  const py = fc.double({ min: 10, max: 110, noNaN: true })
  fc.assert(
    fc.property(px, px, py, py, (x0, x1, y0, y1) => {
      const back = rectangleOf(axes, rangesOf(axes, { x0, y0, x1, y1 }))
      expect(back.x0).toBeCloseTo(Math.min(x0, x1), 6)
      expect(back.x1).toBeCloseTo(Math.max(x0, x1), 6)
      expect(back.y0).toBeCloseTo(Math.min(y0, y1), 6)
      expect(back.y1).toBeCloseTo(Math.max(y0, y1), 6)
    }),
  )
  expect(rectangleOf(axes, rangesOf(axes, { x0: -500, y0: -500, x1: 9000, y1: 9000 }))).toMatchObject({
    x0: 50,
    x1: 250,
  })
})

it('catches the keyed points inside, and nothing else', () => {
  const scene: Scene = {
    width: 300,
    height: 120,
    description: '',
    axes,
    marks: [
      { mark: 'circle', x: 60, y: 20, r: 3, fill: '', key: 'a' },
      { mark: 'circle', x: 200, y: 20, r: 3, fill: '', key: 'b' },
      { mark: 'circle', x: 61, y: 21, r: 3, fill: '' },
      { mark: 'path', d: 'M60,20L61,21', key: 'c' },
    ],
  }
  expect(keysInside(scene, { x0: 100, y0: 0, x1: 50, y1: 100 })).toEqual(['a'])
})
