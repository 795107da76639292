import { line } from 'd3'
import { frame, paddedDomain } from './axes.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface Curve {
  readonly name: string
  readonly color: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Larger points joined by the line: validations. */
  readonly marked?: boolean
  readonly dash?: string
  readonly opacity?: number
}

export interface CurvesOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  readonly yLog?: boolean
}

const LABEL_HEIGHT = 14

/** Curves over a shared axis with their names at their right ends. */
export function curvesScene(
  curves: readonly Curve[],
  { width, height, theme, xLabel, yLabel, yLog = false }: CurvesOptions,
): Scene {
  const finite = curves.map((c) => ({
    ...c,
    points: c.points.filter(([, y]) => Number.isFinite(y) && (!yLog || y > 0)),
  }))
  const all = finite.flatMap((c) => c.points)
  const named = finite.filter((c) => c.name !== '' && c.points.length > 0)
  const right = 16 + Math.max(0, ...named.map((c) => c.name.length)) * 6.6
  const f = frame({
    width,
    height,
    theme,
    margin: { right },
    x: {
      domain: paddedDomain(
        all.map(([x]) => x),
        0,
      ),
      label: xLabel,
    },
    y: {
      domain: paddedDomain(
        all.map(([, y]) => y),
        yLog ? 0 : 0.05,
      ),
      label: yLabel,
      log: yLog,
    },
  })
  const path = line<readonly [number, number]>()
    .x(([x]) => f.x(x))
    .y(([, y]) => f.y(y))
  const marks: Mark[] = finite.flatMap((c): Mark[] => [
    {
      mark: 'path',
      d: path([...c.points]) ?? '',
      stroke: c.color,
      width: c.marked === true ? 1.8 : 1.2,
      ...(c.dash !== undefined && { dash: c.dash }),
      ...(c.opacity !== undefined && { opacity: c.opacity }),
    },
    ...(c.marked === true
      ? c.points.map(([x, y]): Mark => ({
          mark: 'circle',
          x: f.x(x),
          y: f.y(y),
          r: 2.5,
          fill: c.color,
          title: `${c.name}: ${y.toFixed(4)} at ${x}`,
        }))
      : []),
  ])
  const labels = spread(
    named.map((c) => ({ text: c.name, color: c.color, y: f.y(c.points.at(-1)![1]) })),
    f.inner.top,
    f.inner.bottom,
  )
  return {
    width,
    height,
    marks: [
      ...f.marks,
      ...marks,
      ...labels.map(({ text, color, y }): Mark => ({
        mark: 'text',
        x: f.inner.right + 6,
        y: y + 4,
        text,
        fill: color,
        size: 12,
      })),
    ],
    description: `${yLabel} against ${xLabel} for ${named.map((c) => c.name).join(', ')}`,
  }
}

/** Moves labels apart so that none overlaps, keeping their order. */
export function spread<T extends { readonly y: number }>(labels: readonly T[], top: number, bottom: number): T[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y)
  let last = top - LABEL_HEIGHT
  const down = sorted.map((label) => ({ ...label, y: (last = Math.max(label.y, last + LABEL_HEIGHT)) }))
  let next = bottom + LABEL_HEIGHT
  return down.reverse().map((label) => ({ ...label, y: (next = Math.min(label.y, next - LABEL_HEIGHT)) }))
}
