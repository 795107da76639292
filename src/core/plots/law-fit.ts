// Loss against depth with a fitted law: points of each group (a width, or a parameter budget), the law's curve through
// them with its band, and held-out points as diamonds. Groups are told apart by dash and by their names at the right.

import { area, line } from 'd3'
import { frame, paddedDomain } from './axes.ts'
import { spread } from './curves.ts'
import { shapeMark } from './front.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface LawPointMark {
  readonly depth: number
  readonly loss: number
  /** Not used in the fit that predicts it. */
  readonly isHeldOut: boolean
  /** Shown when pointed at: the width, say. */
  readonly note?: string
}

export interface LawCurvePoint {
  readonly depth: number
  readonly loss: number
  /** Band of the curve; NaN where it is not known. */
  readonly low: number
  readonly high: number
}

export interface LawGroup {
  readonly name: string
  readonly points: readonly LawPointMark[]
  readonly curve: readonly LawCurvePoint[]
}

export interface LawFitOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
}

const DASHES = [undefined, '7 3', '2 3', '7 3 2 3'] as const

/** One curve for each group; what is not finite is left out. */
export function lawFitScene(groups: readonly LawGroup[], options: LawFitOptions): Scene {
  const { width, height, theme, xLabel, yLabel } = options
  const drawn = groups
    .map((group) => ({
      ...group,
      points: group.points.filter((p) => Number.isFinite(p.depth) && Number.isFinite(p.loss)),
      curve: group.curve.filter((p) => Number.isFinite(p.loss)),
    }))
    .filter(({ points, curve }) => points.length + curve.length > 0)
  const points = drawn.flatMap((group) => group.points),
    curves = drawn.flatMap((group) => group.curve)
  // a band may be far wider than the points are apart: it is cut at the edge, not squeezed in
  const losses = [...points, ...curves].map((p) => p.loss)
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 28, right: 20 + Math.max(0, ...drawn.map(({ name }) => name.length)) * 6.6 },
    x: {
      domain: paddedDomain(
        [...points, ...curves].map((p) => p.depth),
        0.04,
      ),
      label: xLabel,
    },
    y: { domain: paddedDomain(losses, 0.25), label: yLabel },
  })
  const inside = (loss: number): number => Math.max(f.inner.top, Math.min(f.inner.bottom, f.y(loss)))
  const band = area<LawCurvePoint>()
    .defined((p) => Number.isFinite(p.low) && Number.isFinite(p.high))
    .x((p) => f.x(p.depth))
    .y0((p) => inside(p.low))
    .y1((p) => inside(p.high))
  const path = line<LawCurvePoint>()
    .x((p) => f.x(p.depth))
    .y((p) => f.y(p.loss))
  const marks: Mark[] = [
    ...drawn.map(({ curve }): Mark => ({ mark: 'path', d: band([...curve]) ?? '', fill: theme.ink, opacity: 0.08 })),
    ...drawn.map(({ curve }, i): Mark => {
      const dash = DASHES[i % DASHES.length]
      const d = path([...curve]) ?? ''
      return { mark: 'path', d, stroke: theme.ink, width: 1.5, ...(dash !== undefined && { dash }) }
    }),
    ...points.map((p) =>
      shapeMark(p.isHeldOut ? 'diamond' : 'circle', f.x(p.depth), f.y(p.loss), 4, {
        fill: theme.ink,
        stroke: theme.ground,
        width: 1,
        title: `${p.depth} deep${p.note === undefined ? '' : `, ${p.note}`}: ${p.loss.toFixed(4)}${p.isHeldOut ? ', held out' : ''}`,
      }),
    ),
  ]
  const names = spread(
    drawn.map(({ name, curve, points: own }) => ({
      name,
      y: f.y([...own, ...curve].reduce((last, p) => (p.depth >= last.depth ? p : last)).loss),
    })),
    f.inner.top,
    f.inner.bottom,
  ).map(({ name, y }): Mark => ({
    mark: 'text',
    x: f.inner.right + 6,
    y: y + 4,
    text: name,
    fill: theme.ink,
    size: 12,
  }))
  const key = points.some((p) => p.isHeldOut) ? legend(f.inner.left, theme) : []
  return {
    width,
    height,
    marks: [...f.marks, ...marks, ...names, ...key],
    description: `${yLabel} against ${xLabel} for ${drawn.map(({ name }) => name).join(', ')}, with the fitted law`,
  }
}

const legend = (x: number, theme: Theme): Mark[] => {
  const look = { fill: theme.ink, stroke: theme.ground, width: 1 }
  const text = { mark: 'text', y: 18, fill: theme.quiet, size: 12 } as const
  return [
    shapeMark('circle', x + 4, 14, 4, look),
    { ...text, x: x + 14, text: 'fitted' },
    shapeMark('diamond', x + 68, 14, 4, look),
    { ...text, x: x + 78, text: 'held out' },
  ]
}
