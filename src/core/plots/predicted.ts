// Predicted against measured: hollow points, because one of their axes is a prediction, and the line where both agree.

import { frame, paddedDomain } from './axes.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface PredictedPoint {
  /** Given where the point can be opened. */
  readonly key?: string
  readonly name: string
  readonly predicted: number
  /** 95 % interval of the prediction. */
  readonly predictedLow?: number
  readonly predictedHigh?: number
  readonly measured: number
  /** 95 % interval of the measurement. */
  readonly low: number
  readonly high: number
}

export interface PredictedOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  /** Relative error that is shaded around the line, as 0.1 for 10 %. */
  readonly band?: number
}

/** Predictions on x, measurements with their intervals on y, the same domain on both axes. */
export function predictedScene(
  points: readonly PredictedPoint[],
  { width, height, theme, xLabel, yLabel, band }: PredictedOptions,
): Scene {
  const finite = points.filter((p) => Number.isFinite(p.predicted) && Number.isFinite(p.measured))
  // an interval of few samples may be far wider than the points are apart: it is cut at the edge, not squeezed in
  const domain = paddedDomain(finite.flatMap((p) => [p.predicted, p.measured]))
  const inside = (value: number): number => Math.max(domain[0], Math.min(domain[1], value))
  const f = frame({ width, height, theme, x: { domain, label: xLabel }, y: { domain, label: yLabel } })
  const marks = finite.flatMap((p): Mark[] => [
    ...(p.predictedLow === undefined || p.predictedHigh === undefined
      ? []
      : [
          {
            mark: 'path',
            d: `M${f.x(inside(p.predictedLow))},${f.y(p.measured)}H${f.x(inside(p.predictedHigh))}`,
            stroke: theme.quiet,
            width: 1,
            opacity: 0.45,
          } as const,
        ]),
    {
      mark: 'path',
      d: `M${f.x(p.predicted)},${f.y(inside(p.low))}V${f.y(inside(p.high))}`,
      stroke: theme.quiet,
      width: 1.2,
    },
    {
      mark: 'circle',
      x: f.x(p.predicted),
      y: f.y(p.measured),
      r: 4,
      fill: theme.ground,
      stroke: theme.ink,
      width: 1.3,
      ...(p.key !== undefined && { key: p.key }),
      title: `${p.name}: predicted ${p.predicted.toPrecision(4)}, measured ${p.measured.toPrecision(4)}`,
    },
  ])
  const identity: Mark = {
    mark: 'path',
    d: `M${f.x(domain[0])},${f.y(domain[0])}L${f.x(domain[1])},${f.y(domain[1])}`,
    stroke: theme.quiet,
    width: 1,
    dash: '4 4',
  }
  // predicted = (1 ± band) measured, cut where it leaves the square
  const edge = (share: number): string => {
    const [from, to] = domain.map((measured) => [Math.max(domain[0], Math.min(domain[1], measured * share)), measured])
    return `${f.x(from![0]!)},${f.y(inside(from![0]! / share))}L${f.x(to![0]!)},${f.y(inside(to![0]! / share))}`
  }
  const corners = (share: number): string => edge(share).split('L').reverse().join('L')
  const shade: Mark[] =
    band === undefined || !(band > 0 && band < 1)
      ? []
      : [
          {
            mark: 'path',
            d: `M${edge(1 + band)}L${f.x(domain[1])},${f.y(domain[1])}L${corners(1 - band)}L${f.x(domain[0])},${f.y(domain[0])}z`,
            fill: theme.ink,
            opacity: 0.07,
          },
        ]
  return {
    width,
    height,
    marks: [...f.marks, ...shade, identity, ...marks],
    description: `${yLabel} against ${xLabel} of ${finite.length} stacks${band === undefined ? '' : `, shaded within ${(100 * band).toFixed(1)} %`}`,
  }
}
