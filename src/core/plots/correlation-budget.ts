// How far a cheap run can be trusted, against what it costs: rank correlation at each budget with its interval, and what
// costs nothing as horizontal lines. Lines are named at their right ends.

import { area, line } from 'd3'
import { frame } from './axes.ts'
import { spread } from './curves.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface BudgetPoint {
  readonly budget: number
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface BudgetSeries {
  readonly name: string
  readonly points: readonly BudgetPoint[]
}

/** A proxy without a budget. */
export interface BudgetLine {
  readonly name: string
  readonly value: number
  /** The agreement of seeds is a bound rather than a rival. */
  readonly isCeiling?: boolean
}

export interface CorrelationBudgetOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
}

const DASHES = [undefined, '6 3', '2 3'] as const

/** Correlations from -1 to 1 over budgets; values that are not finite are left out. */
export function correlationBudgetScene(
  series: readonly BudgetSeries[],
  lines: readonly BudgetLine[],
  { width, height, theme, xLabel, yLabel }: CorrelationBudgetOptions,
): Scene {
  const drawn = series
    .map(({ name, points }) => ({
      name,
      points: points.filter((p) => Number.isFinite(p.budget) && Number.isFinite(p.value)),
    }))
    .filter(({ points }) => points.length > 0)
  const flat = lines.filter(({ value }) => Number.isFinite(value))
  const budgets = drawn.flatMap(({ points }) => points.map((p) => p.budget))
  const bounds = [
    ...drawn.flatMap(({ points }) => points.flatMap((p) => [p.value, p.low])),
    ...flat.map((l) => l.value),
  ].filter(Number.isFinite)
  const lowest = bounds.reduce((a, b) => Math.min(a, b), 0)
  const names = [...drawn, ...flat].map(({ name }) => name)
  const right = 16 + Math.max(0, ...names.map((name) => name.length)) * 6.6
  const f = frame({
    width,
    height,
    theme,
    margin: { right },
    x: { domain: [0, budgets.reduce((a, b) => Math.max(a, b), 0) || 1], label: xLabel },
    y: { domain: [Math.max(-1, lowest - 0.05), 1], label: yLabel },
  })
  const inside = (value: number): number => f.y(Math.max(-1, Math.min(1, value)))
  const band = area<BudgetPoint>()
    .defined((p) => Number.isFinite(p.low) && Number.isFinite(p.high))
    .x((p) => f.x(p.budget))
    .y0((p) => inside(p.low))
    .y1((p) => inside(p.high))
  const path = line<BudgetPoint>()
    .x((p) => f.x(p.budget))
    .y((p) => f.y(p.value))
  const marks: Mark[] = [
    ...flat.map((l): Mark => ({
      mark: 'path',
      d: `M${f.inner.left},${f.y(l.value)}H${f.inner.right}`,
      stroke: theme.quiet,
      width: l.isCeiling === true ? 1.5 : 1,
      dash: l.isCeiling === true ? '8 3' : '2 4',
    })),
    ...drawn.map(({ points }): Mark => ({ mark: 'path', d: band([...points]) ?? '', fill: theme.ink, opacity: 0.1 })),
    ...drawn.flatMap(({ name, points }, i): Mark[] => {
      const dash = DASHES[i % DASHES.length]
      return [
        {
          mark: 'path',
          d: path([...points]) ?? '',
          stroke: theme.ink,
          width: 1.8,
          ...(dash !== undefined && { dash }),
        },
        // a band of one point has no area
        ...(points.length === 1 ? points.filter((p) => Number.isFinite(p.low + p.high)) : []).map((p): Mark => ({
          mark: 'path',
          d: `M${f.x(p.budget)},${inside(p.low)}V${inside(p.high)}`,
          stroke: theme.ink,
          width: 1.2,
        })),
        ...points.map((p): Mark => ({
          mark: 'circle',
          x: f.x(p.budget),
          y: f.y(p.value),
          r: 3,
          fill: i === 0 ? theme.ink : theme.ground,
          stroke: theme.ink,
          width: 1.5,
          title: `${name} at ${p.budget}: ${p.value.toFixed(2)} [${p.low.toFixed(2)}, ${p.high.toFixed(2)}]`,
        })),
      ]
    }),
  ]
  const labels = spread(
    [
      ...drawn.map(({ name, points }) => ({ text: name, fill: theme.ink, y: f.y(points.at(-1)!.value) })),
      ...flat.map((l) => ({ text: l.name, fill: theme.quiet, y: f.y(l.value) })),
    ],
    f.inner.top,
    f.inner.bottom,
  )
  return {
    width,
    height,
    marks: [
      ...f.marks,
      ...marks,
      ...labels.map(({ text, fill, y }): Mark => ({
        mark: 'text',
        x: f.inner.right + 6,
        y: y + 4,
        text,
        fill,
        size: 12,
      })),
    ],
    description: `${yLabel} against ${xLabel} for ${names.join(', ')}`,
  }
}
