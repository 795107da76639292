// Quality against latency: measured points with their intervals, the front as a step line, its dominated region shaded.

import { paretoFront } from '../stats/pareto.ts'
import { frame, paddedDomain } from './axes.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface TradeOffPoint {
  readonly name: string
  readonly color: string
  readonly x: number
  readonly xLow: number
  readonly xHigh: number
  readonly y: number
  /** Predicted values are hollow. */
  readonly measured: boolean
}

export interface TradeOffOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
}

/** Both axes better when lower. */
export function tradeOffScene(
  points: readonly TradeOffPoint[],
  { width, height, theme, xLabel, yLabel }: TradeOffOptions,
): Scene {
  const finite = points.filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y))
  const f = frame({
    width,
    height,
    theme,
    x: {
      domain: fromZero(
        paddedDomain(
          finite.flatMap((p) => [p.xLow, p.xHigh]),
          0.12,
        ),
      ),
      label: xLabel,
    },
    y: {
      domain: paddedDomain(
        finite.map((p) => p.y),
        0.2,
      ),
      label: yLabel,
    },
  })
  const front = paretoFront(finite.map((p) => [p.x, p.y]))
    .map((i) => finite[i]!)
    .sort((a, b) => a.x - b.x)
  const marks: Mark[] = []
  if (front.length > 0) {
    const steps = front
      .map((p, i) => (i === 0 ? `M${f.x(p.x)},${f.inner.top}V${f.y(p.y)}` : `H${f.x(p.x)}V${f.y(p.y)}`))
      .join('')
    marks.push(
      { mark: 'path', d: `${steps}H${f.inner.right}V${f.inner.top}Z`, fill: theme.ink, opacity: 0.05 },
      { mark: 'path', d: `${steps}H${f.inner.right}`, stroke: theme.quiet, width: 1 },
    )
  }
  for (const p of finite) {
    marks.push(
      { mark: 'path', d: `M${f.x(p.xLow)},${f.y(p.y)}H${f.x(p.xHigh)}`, stroke: p.color, width: 1.5 },
      {
        mark: 'circle',
        x: f.x(p.x),
        y: f.y(p.y),
        r: 5,
        fill: p.measured ? p.color : theme.ground,
        stroke: p.color,
        width: 1.5,
        title: `${p.name}: ${p.x.toPrecision(4)} [${p.xLow.toPrecision(4)}, ${p.xHigh.toPrecision(4)}], ${p.y.toPrecision(4)}`,
      },
    )
  }
  for (const p of finite) {
    // above the mark, and on the side where there is room
    const isRight = f.x(p.x) > (f.inner.left + f.inner.right) / 2
    marks.push({
      mark: 'text',
      x: f.x(p.x) + (isRight ? -8 : 8),
      y: f.y(p.y) - 8,
      text: p.name,
      fill: p.color,
      size: 12,
      weight: 500,
      anchor: isRight ? 'end' : 'start',
    })
  }
  return {
    width,
    height,
    marks: [...f.marks, ...marks],
    description: `${yLabel} against ${xLabel}: ${finite.map((p) => p.name).join(', ')}`,
  }
}

/** Latencies are never negative, so padding must not suggest it. */
const fromZero = ([low, high]: [number, number]): [number, number] => [Math.max(0, low), high]
