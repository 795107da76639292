// The front as it was after a trial. Axes are those of the whole search, so points stay where they are while time moves.

import { frame, paddedDomain } from '#core/plots/axes.ts'
import type { Mark, Scene } from '#core/plots/scene.ts'
import type { Theme } from '#core/plots/theme.ts'
import { paretoFront } from '#core/stats/pareto.ts'

export interface ReplayPoint {
  readonly number: number
  readonly x: number
  readonly y: number
  readonly color: string
  /** Whether it keeps the bounds: the front is over those. */
  readonly isWithin: boolean
  readonly isMeasured: boolean
  readonly title: string
}

export interface ReplayAxis {
  readonly label: string
  readonly better: 'lower' | 'higher'
}

export interface ReplayOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly x: ReplayAxis
  readonly y: ReplayAxis
  /** The trial up to which the search is seen. */
  readonly time: number
  /** Numbers of a line of descent, the founder first: drawn as a path. */
  readonly line: readonly number[]
}

/** Points beyond which those away from the front and the line share one mark for each colour. */
const MANY = 1500

export function replayScene(points: readonly ReplayPoint[], options: ReplayOptions): Scene {
  const { width, height, theme, x, y, time, line } = options
  const placed = points.filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y))
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 16 },
    x: { domain: paddedDomain(placed.map((p) => p.x)), label: x.label },
    y: { domain: paddedDomain(placed.map((p) => p.y)), label: y.label },
  })
  const past = placed.filter((p) => p.number <= time)
  const sign = (better: ReplayAxis['better']): number => (better === 'lower' ? 1 : -1)
  const within = past.filter((p) => p.isWithin)
  const front = paretoFront(within.map((p) => [sign(x.better) * p.x, sign(y.better) * p.y]))
    .map((i) => within[i]!)
    .sort((a, b) => sign(x.better) * (a.x - b.x) || a.number - b.number)
  const byNumber = new Map(past.map((p) => [p.number, p]))
  const descent = line.flatMap((number) => byNumber.get(number) ?? [])
  const named = new Set([...front, ...descent])
  const badX = x.better === 'lower' ? f.inner.right : f.inner.left
  const badY = y.better === 'lower' ? f.inner.top : f.inner.bottom
  const stairs =
    front.length === 0
      ? ''
      : `${front.map((p, i) => (i === 0 ? `M${f.x(p.x)},${badY}V${f.y(p.y)}` : `H${f.x(p.x)}V${f.y(p.y)}`)).join('')}H${badX}`
  const others = past.filter((p) => past.length <= MANY || named.has(p))
  const marks: Mark[] = [
    ...(stairs === ''
      ? []
      : [
          { mark: 'path', d: `${stairs}V${badY}Z`, fill: theme.ink, opacity: 0.035 } as const,
          { mark: 'path', d: stairs, stroke: theme.quiet, width: 1.2 } as const,
        ]),
    ...(past.length <= MANY
      ? []
      : massed(
          past.filter((p) => !named.has(p)),
          f,
        )),
    ...(descent.length < 2
      ? []
      : [
          {
            mark: 'path',
            d: descent.map((p, i) => `${i === 0 ? 'M' : 'L'}${f.x(p.x)},${f.y(p.y)}`).join(''),
            stroke: theme.ink,
            width: 1,
            dash: '3 2',
          } as const,
        ]),
    ...others.map((p): Mark => ({
      mark: 'circle',
      key: String(p.number),
      x: f.x(p.x),
      y: f.y(p.y),
      r: descent.includes(p) ? 5 : 3.6,
      fill: p.isMeasured ? p.color : theme.ground,
      stroke: p.color,
      width: 1.4,
      title: p.title,
    })),
    ...descent.map((p): Mark => ({
      mark: 'text',
      x: f.x(p.x) + 8,
      y: f.y(p.y) - 6,
      text: String(p.number),
      fill: theme.ink,
      size: 11,
    })),
  ]
  return {
    width,
    height,
    marks: [...f.marks, ...marks],
    description: `${y.label} against ${x.label} after trial ${time}: ${past.length} stacks, ${front.length} on the front`,
  }
}

/** Small squares, one mark for each colour. */
function massed(points: readonly ReplayPoint[], f: ReturnType<typeof frame>): Mark[] {
  return [...Map.groupBy(points, ({ color }) => color)].map(([color, own]) => ({
    mark: 'path',
    d: own.map((p) => `M${Math.round(f.x(p.x)) - 1.5},${Math.round(f.y(p.y)) - 1.5}h3v3h-3z`).join(''),
    fill: color,
  }))
}
