// Quality against cost of one study or several: points with their intervals, each study's front as a step line with its
// dominated region shaded. Colour belongs to blocks, so studies differ by the shape of their points and the dash of
// their line; measured is solid, predicted hollow, and what failed is a small cross on the axis.

import { paretoFront } from '../stats/pareto.ts'
import { frame, paddedDomain } from './axes.ts'
import type { Frame } from './axes.ts'
import { spread } from './curves.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export type PointShape = 'circle' | 'square' | 'diamond' | 'triangle'

export interface FrontPoint {
  /** For the text shown when pointed at. */
  readonly name: string
  /** Written beside the point; most points have none. */
  readonly label?: string
  /** Of the block kind that fills most of the stack. */
  readonly color: string
  readonly x: number
  readonly xLow: number
  readonly xHigh: number
  readonly y: number
  readonly yLow?: number
  readonly yHigh?: number
  /** Predicted points are hollow. */
  readonly isMeasured: boolean
  /** Shown, but no part of the front: a second look at a point that has its place. */
  readonly isOffFront?: boolean
  /** Drawn larger, with a ring. */
  readonly isChosen?: boolean
}

export interface FrontStudy {
  /** Empty where one study needs no name. */
  readonly name: string
  readonly shape: PointShape
  /** Of the front's line; solid without. */
  readonly dash?: string
  readonly points: readonly FrontPoint[]
  /** The x of trials that failed, NaN where it is not known. */
  readonly failed?: readonly number[]
  /** Between the best and the worst that several seeds attain: corners ascending in x. */
  readonly attainment?: {
    readonly best: readonly (readonly [number, number])[]
    readonly worst: readonly (readonly [number, number])[]
  }
}

export interface FrontOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  /** A bound on x: a dashed line with its name. */
  readonly constraint?: { readonly x: number; readonly label: string }
}

/** Both axes better when lower; points without a finite x and y are left out. */
export function frontScene(studies: readonly FrontStudy[], options: FrontOptions): Scene {
  const { width, height, theme, xLabel, yLabel, constraint } = options
  const drawn = studies.map((study) => ({
    ...study,
    points: study.points.filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y)),
  }))
  const all = drawn.flatMap((study) => study.points)
  const xs = [...all.flatMap((p) => [p.x, p.xLow, p.xHigh]), ...(constraint === undefined ? [] : [constraint.x])]
  const [xLow, xHigh] = paddedDomain(xs, 0.08)
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 28 },
    // costs are never negative, so padding must not suggest it
    x: { domain: [Math.max(0, xLow), xHigh], label: xLabel },
    y: {
      domain: paddedDomain(
        all.flatMap((p) => [p.y, ...finite(p.yLow, p.yHigh)]),
        0.12,
      ),
      label: yLabel,
    },
  })
  const marks: Mark[] = [
    ...drawn.flatMap((study) => region(study, f, theme)),
    ...(constraint === undefined ? [] : bound(constraint, f, theme)),
    ...drawn.flatMap((study) => study.points.flatMap((p) => pointMarks(p, study.shape, f, theme))),
    ...drawn.flatMap((study) => crosses(study.failed ?? [], f, theme)),
    ...labels(all, f, theme),
    ...legend(drawn, f, theme),
  ]
  const named = all.filter((p) => p.label !== undefined).map((p) => p.label)
  return {
    width,
    height,
    marks: [...f.marks, ...marks],
    description: `${yLabel} against ${xLabel} of ${all.length} stacks${drawn.length > 1 ? ` of ${drawn.map((s) => s.name).join(', ')}` : ''}${named.length > 0 ? `: ${named.join(', ')}` : ''}`,
  }
}

const finite = (...values: readonly (number | undefined)[]): number[] =>
  values.filter((value) => value !== undefined && Number.isFinite(value)) as number[]

/** A point of a shape, about as large in each. */
export function shapeMark(
  shape: PointShape,
  x: number,
  y: number,
  r: number,
  look: { readonly fill: string; readonly stroke: string; readonly width: number; readonly title?: string },
): Mark {
  if (shape === 'circle') return { mark: 'circle', x, y, r, ...look }
  const s = shape === 'square' ? r * 0.9 : shape === 'diamond' ? r * 1.3 : r * 1.2
  const d = {
    square: `M${x - s},${y - s}h${2 * s}v${2 * s}h${-2 * s}Z`,
    diamond: `M${x},${y - s}l${s},${s}l${-s},${s}l${-s},${-s}Z`,
    triangle: `M${x},${y - s}l${s},${1.8 * s}h${-2 * s}Z`,
  }[shape]
  return { mark: 'path', d, ...look }
}

function region({ points, dash, attainment }: FrontStudy, f: Frame, theme: Theme): Mark[] {
  const own = points.filter((p) => p.isOffFront !== true)
  const front = paretoFront(own.map((p) => [p.x, p.y]))
    .map((i) => own[i]!)
    .sort((a, b) => a.x - b.x)
  const band = attainment === undefined ? [] : attained(attainment, f, theme)
  if (front.length === 0) return band
  const steps = staircase(
    front.map((p) => [p.x, p.y]),
    f,
  )
  return [
    ...band,
    { mark: 'path', d: `${steps}V${f.inner.top}Z`, fill: theme.ink, opacity: 0.035 },
    { mark: 'path', d: steps, stroke: theme.quiet, width: 1.2, ...(dash !== undefined && { dash }) },
  ]
}

/** From the upper edge down to the first corner and on to the right edge. */
const staircase = (corners: readonly (readonly [number, number])[], f: Frame): string =>
  `${corners.map(([x, y], i) => (i === 0 ? `M${f.x(x)},${f.inner.top}V${f.y(y)}` : `H${f.x(x)}V${f.y(y)}`)).join('')}H${f.inner.right}`

function attained({ best, worst }: NonNullable<FrontStudy['attainment']>, f: Frame, theme: Theme): Mark[] {
  if (best.length === 0) return []
  const path = (points: readonly (readonly number[])[]): string =>
    points.length === 0 ? '' : `M${points.map((point) => point.join(',')).join('L')}Z`
  // the inner outline runs the other way round, which leaves a hole
  const d = path(outline(best, f)) + path(outline(worst, f).reverse())
  return [{ mark: 'path', d, fill: theme.ink, opacity: 0.08 }]
}

/** Corners in pixels of the region behind a step line. */
function outline(corners: readonly (readonly [number, number])[], f: Frame): (readonly [number, number])[] {
  if (corners.length === 0) return []
  const { top, right } = f.inner
  const steps = corners.flatMap(([x, y], i) => [
    [f.x(x), i === 0 ? top : f.y(corners[i - 1]![1])] as const,
    [f.x(x), f.y(y)] as const,
  ])
  return [...steps, [right, f.y(corners.at(-1)![1])], [right, top]]
}

const bound = ({ x, label }: NonNullable<FrontOptions['constraint']>, f: Frame, theme: Theme): Mark[] => [
  { mark: 'path', d: `M${f.x(x)},${f.inner.top}V${f.inner.bottom}`, stroke: theme.ink, width: 1, dash: '2 3' },
  {
    mark: 'text',
    x: f.x(x) + (isRight(f.x(x), f) ? -5 : 5),
    y: f.inner.bottom - 8,
    text: label,
    fill: theme.quiet,
    size: 11,
    anchor: isRight(f.x(x), f) ? 'end' : 'start',
  },
]

const isRight = (px: number, f: Frame): boolean => px > f.inner.left + 0.6 * (f.inner.right - f.inner.left)

function pointMarks(p: FrontPoint, shape: PointShape, f: Frame, theme: Theme): Mark[] {
  const x = f.x(p.x),
    y = f.y(p.y)
  const range = Number.isFinite(p.xLow) && Number.isFinite(p.xHigh)
  const [yLow, yHigh] = finite(p.yLow, p.yHigh)
  const spreadText = range ? ` [${p.xLow.toPrecision(4)}, ${p.xHigh.toPrecision(4)}]` : ''
  return [
    ...(range
      ? [{ mark: 'path', d: `M${f.x(p.xLow)},${y}H${f.x(p.xHigh)}`, stroke: p.color, width: 1.2 } as const]
      : []),
    ...(yLow !== undefined && yHigh !== undefined
      ? [{ mark: 'path', d: `M${x},${f.y(yLow)}V${f.y(yHigh)}`, stroke: p.color, width: 1.2 } as const]
      : []),
    ...(p.isChosen === true
      ? [{ mark: 'circle', x, y, r: 10, fill: 'none', stroke: theme.ink, width: 1.2 } as const]
      : []),
    shapeMark(shape, x, y, 4.2, {
      fill: p.isMeasured ? p.color : theme.ground,
      stroke: p.color,
      width: 1.5,
      title: `${p.name}: ${p.isMeasured ? '' : 'predicted '}${p.x.toPrecision(4)}${spreadText}, ${p.y.toPrecision(4)}`,
    }),
  ]
}

/** Crosses on the axis; those whose x is not known stand at its right end. */
function crosses(failed: readonly number[], f: Frame, theme: Theme): Mark[] {
  let unknown = 0
  return failed.map((value): Mark => {
    const inside = Number.isFinite(value) && f.x(value) >= f.inner.left && f.x(value) <= f.inner.right
    const x = inside ? f.x(value) : f.inner.right - 8 * ++unknown
    const y = f.inner.bottom
    return { mark: 'path', d: `M${x - 3},${y - 3}l6,6M${x - 3},${y + 3}l6,-6`, stroke: theme.ink, width: 1.2 }
  })
}

/** Names above their points on a piece of ground, on the side where there is room, apart where they would overlap. */
function labels(points: readonly FrontPoint[], f: Frame, theme: Theme): Mark[] {
  const placed = points.flatMap((p) =>
    p.label === undefined ? [] : [{ p, label: p.label, isRight: isRight(f.x(p.x), f), y: f.y(p.y) - 12 }],
  )
  return [true, false].flatMap((side) =>
    spread(
      placed.filter((one) => one.isRight === side),
      f.inner.top,
      f.inner.bottom,
    ).flatMap(({ p, label, y }): Mark[] => {
      const x = f.x(p.x) + (side ? -9 : 9)
      const w = label.length * 6.6
      return [
        { mark: 'rect', x: side ? x - w : x, y: y - 10, w, h: 13, fill: theme.ground, opacity: 0.85 },
        {
          mark: 'text',
          x,
          y,
          text: label,
          fill: p.color,
          size: 12,
          weight: 500,
          anchor: side ? 'end' : 'start',
        },
      ]
    }),
  )
}

/** Shape and dash of each study above the plot; nothing for one without a name. */
function legend(studies: readonly FrontStudy[], f: Frame, theme: Theme): Mark[] {
  let x = f.inner.left
  const marks: Mark[] = []
  for (const { name, shape, dash, failed } of studies) {
    if (name === '') continue
    const text = `${name}${(failed ?? []).length > 0 ? `, ${failed!.length} failed` : ''}`
    marks.push(
      { mark: 'path', d: `M${x},14h26`, stroke: theme.quiet, width: 1.2, ...(dash !== undefined && { dash }) },
      shapeMark(shape, x + 13, 14, 4.2, { fill: theme.quiet, stroke: theme.quiet, width: 1 }),
      { mark: 'text', x: x + 32, y: 18, text, fill: theme.ink, size: 12 },
    )
    x += 32 + text.length * 6.6 + 20
  }
  return marks
}
