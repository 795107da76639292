// A rectangle over a scene with axes: drawn in pixels, kept in units of the axes, so that it stays on its points when the
// scene is drawn again at another size or with other points.

import type { Scene, SceneAxes } from '../scene.ts'
import { insideRectangle } from './brush.ts'
import type { Rectangle } from './brush.ts'
import { shareOf, valueAt, type Domain } from './view.ts'

/** A range of each axis. */
export interface Ranges {
  readonly x: Domain
  readonly y: Domain
}

/** The ranges of the axes that a rectangle of pixels covers, cut at the frame. */
export function rangesOf({ x, y, inner }: SceneAxes, { x0, y0, x1, y1 }: Rectangle): Ranges {
  const along = (px: number): number => cut((px - inner.left) / (inner.right - inner.left))
  const up = (py: number): number => cut((inner.bottom - py) / (inner.bottom - inner.top))
  const span = (a: number, b: number, axis: SceneAxes['x']): Domain => [
    valueAt(Math.min(a, b), axis.domain, axis.log),
    valueAt(Math.max(a, b), axis.domain, axis.log),
  ]
  return { x: span(along(x0), along(x1), x), y: span(up(y0), up(y1), y) }
}

/** The rectangle of pixels that ranges of the axes cover, cut at the frame. */
export function rectangleOf({ x, y, inner }: SceneAxes, ranges: Ranges): Rectangle {
  const px = (value: number): number => inner.left + cut(shareOf(value, x.domain, x.log)) * (inner.right - inner.left)
  const py = (value: number): number => inner.bottom - cut(shareOf(value, y.domain, y.log)) * (inner.bottom - inner.top)
  return { x0: px(ranges.x[0]), y0: py(ranges.y[1]), x1: px(ranges.x[1]), y1: py(ranges.y[0]) }
}

/** Keys of the points of a scene in a rectangle of pixels. */
export function keysInside({ marks }: Scene, rectangle: Rectangle): string[] {
  const points = marks.flatMap((mark) =>
    mark.mark === 'circle' && mark.key !== undefined ? [{ x: mark.x, y: mark.y, key: mark.key }] : [],
  )
  const inside = insideRectangle(
    points.map(({ x }) => x),
    points.map(({ y }) => y),
    rectangle,
  )
  return inside.map((i) => points[i]!.key)
}

const cut = (share: number): number => Math.min(1, Math.max(0, share))
