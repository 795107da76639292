// Many trials against two metrics: each group's front as a step line with its dominated region shaded, intervals where
// they can be told apart, failures as crosses on the axis. The screen paints the points as pixels and takes the rest
// from here; a file takes all of it.

import { paretoFront } from '../../stats/pareto.ts'
import { frame, paddedDomain, type Frame } from '../axes.ts'
import { shapeMark, type PointShape } from '../front.ts'
import type { Domain } from '../geometry/view.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export type PointStatus = 'measured' | 'predicted' | 'stale' | 'failed'

export interface CloudPoint {
  readonly key: string
  /** For readers who do not see the point, and for its card. */
  readonly title: string
  /** NaN where it is not known: the point is a cross on the other axis. */
  readonly x: number
  readonly y: number
  readonly xLow?: number | undefined
  readonly xHigh?: number | undefined
  readonly yLow?: number | undefined
  readonly yHigh?: number | undefined
  readonly status: PointStatus
  /** Of a block kind; ink without. */
  readonly color?: string
  /** Index into the groups; 0 without. */
  readonly group?: number
}

/** Points with a front of their own: a study, a searcher. */
export interface CloudGroup {
  /** Empty where one group needs no name. */
  readonly name: string
  readonly shape: PointShape
  readonly dash?: string
}

export interface CloudAxis {
  readonly label: string
  readonly log?: boolean
  /** Default `lower`. */
  readonly better?: 'lower' | 'higher'
}

export interface CloudView {
  readonly x: Domain
  readonly y: Domain
}

export interface CloudOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly x: CloudAxis
  readonly y: CloudAxis
  readonly groups: readonly CloudGroup[]
  readonly view: CloudView
  /** More marks under the points, as attainment bands or a bound. */
  readonly under?: (frame: Frame) => readonly Mark[]
}

const NUMBER = new Intl.NumberFormat('en')
const LEGEND_ROW = 16
/** Pixels at the upper right that the screen's tools take. */
const TOOLS = 210

/** Radius of a point in CSS pixels: smaller where there are many. */
export const radiusOf = (count: number): number => (count > 20_000 ? 2 : count > 3000 ? 2.5 : count > 400 ? 3.2 : 4.2)

/** Whether a point has a place: finite, positive on logarithmic axes, not failed. */
export function isPlaced({ x, y, status }: CloudPoint, { x: xAxis, y: yAxis }: Pick<CloudOptions, 'x' | 'y'>): boolean {
  return status !== 'failed' && onAxis(x, xAxis) && onAxis(y, yAxis)
}

const onAxis = (value: number, { log }: CloudAxis): boolean => Number.isFinite(value) && (log !== true || value > 0)

/** The view that shows every point, its intervals included while there are few. */
export function wholeView(points: readonly CloudPoint[], axes: Pick<CloudOptions, 'x' | 'y'>): CloudView {
  const placed = points.filter((p) => isPlaced(p, axes))
  const domain = (axis: CloudAxis, values: readonly number[]): Domain => {
    const usable = values.filter((v) => onAxis(v, axis))
    if (usable.length === 0) return axis.log === true ? [1, 10] : [0, 1]
    if (axis.log !== true) return paddedDomain(usable)
    const [low, high] = paddedDomain(usable.map(Math.log10))
    return [10 ** low, 10 ** high]
  }
  const withIntervals = placed.length < 300
  const xs = placed.flatMap((p) => (withIntervals ? [p.x, p.xLow ?? p.x, p.xHigh ?? p.x] : [p.x]))
  const failed = points.filter((p) => p.status === 'failed').map((p) => p.x)
  const ys = placed.flatMap((p) => (withIntervals ? [p.y, p.yLow ?? p.y, p.yHigh ?? p.y] : [p.y]))
  return { x: domain(axes.x, [...xs, ...failed]), y: domain(axes.y, ys) }
}

/** The front of each group, as indices from the best x on: of its measured points, or of its predicted ones if none is measured. */
export function frontsOf(
  points: readonly CloudPoint[],
  { x, y, groups }: Pick<CloudOptions, 'x' | 'y' | 'groups'>,
): number[][] {
  const sign = { x: x.better === 'higher' ? -1 : 1, y: y.better === 'higher' ? -1 : 1 }
  return groups.map((_, group) => {
    const own = [...points.keys()].filter((i) => (points[i]!.group ?? 0) === group && isPlaced(points[i]!, { x, y }))
    const measured = own.filter((i) => points[i]!.status === 'measured')
    const from = measured.length > 0 ? measured : own
    return paretoFront(from.map((i) => [sign.x * points[i]!.x, sign.y * points[i]!.y]))
      .map((i) => from[i]!)
      .sort((a, b) => sign.x * (points[a]!.x - points[b]!.x) || a - b)
  })
}

/** Axes, fronts and intervals: everything but the points. Nothing leaves the frame. */
export function cloudBase(
  points: readonly CloudPoint[],
  fronts: readonly (readonly number[])[],
  intervalsOf: Iterable<number>,
  options: CloudOptions,
): { readonly frame: Frame; readonly marks: readonly Mark[] } {
  const { width, height, theme, x, y, view, groups, under } = options
  const key = legend(points, options)
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 12 + LEGEND_ROW * key.rows, right: 20 },
    x: { domain: view.x, label: x.label, ...(x.log !== undefined && { log: x.log }) },
    y: { domain: view.y, label: y.label, ...(y.log !== undefined && { log: y.log }) },
  })
  const marks: Mark[] = [...(under?.(f) ?? [])]
  fronts.forEach((front, i) => {
    if (front.length > 0)
      marks.push(
        ...frontMarks(
          front.map((at) => points[at]!),
          groups[i]!,
          f,
          options,
        ),
      )
  })
  for (const at of intervalsOf) marks.push(...intervalMarks(points[at]!, f, options))
  return { frame: f, marks: [...f.marks, ...marks, ...key.marks] }
}

/** The whole figure with every point of the view as a mark. */
export function cloudScene(points: readonly CloudPoint[], options: CloudOptions): Scene {
  const { width, height, theme, groups } = options
  const fronts = frontsOf(points, options)
  const few = points.length < 300 ? points.keys() : fronts.flat()
  const { frame: f, marks } = cloudBase(points, fronts, few, options)
  const r = radiusOf(points.length)
  const drawn = points.flatMap((p): Mark[] => {
    if (!isPlaced(p, options)) return crossMarks(p, f, options)
    const x = f.x(p.x),
      y = f.y(p.y)
    if (!within(x, f.inner.left, f.inner.right) || !within(y, f.inner.top, f.inner.bottom)) return []
    const color = p.color ?? theme.ink
    const look = { fill: p.status === 'measured' ? color : theme.ground, stroke: color, width: 1.2, title: p.title }
    const mark = shapeMark(groups[p.group ?? 0]?.shape ?? 'circle', x, y, r, look)
    const hatch: Mark = {
      mark: 'path',
      d: `M${x - r / 2},${y + r / 2}L${x + r / 2},${y - r / 2}`,
      stroke: color,
      width: 1,
    }
    return p.status === 'stale' ? [mark, hatch] : [mark]
  })
  return { width, height, marks: [...marks, ...drawn], description: describe(points, fronts, options) }
}

/** What the figure shows, in a sentence. */
export function describe(
  points: readonly CloudPoint[],
  fronts: readonly (readonly number[])[],
  { x, y, groups }: Pick<CloudOptions, 'x' | 'y' | 'groups'>,
): string {
  const named = groups.map((g, i) => `${fronts[i]?.length ?? 0} on the front${g.name === '' ? '' : ` of ${g.name}`}`)
  const counts = statusCounts(points).map(([status, count]) => `${NUMBER.format(count)} ${status}`)
  return `${y.label} against ${x.label}: ${counts.join(', ') || 'no points'}; ${named.join(', ')}`
}

/** Where a failed point stands on the axes, in pixels: on the axis of what is known, else at the corner. */
export function crossPlace(
  p: CloudPoint,
  f: Frame,
  { x, y }: Pick<CloudOptions, 'x' | 'y'>,
): { readonly x: number; readonly y: number } {
  if (onAxis(p.x, x)) return { x: f.x(p.x), y: f.inner.bottom }
  return { x: f.inner.left, y: onAxis(p.y, y) ? f.y(p.y) : f.inner.bottom }
}

function crossMarks(p: CloudPoint, f: Frame, options: CloudOptions): Mark[] {
  const { x, y } = crossPlace(p, f, options)
  if (!within(x, f.inner.left, f.inner.right) || !within(y, f.inner.top, f.inner.bottom)) return []
  return [{ mark: 'path', d: cross(x, y), stroke: options.theme.ink, width: 1.2, title: p.title }]
}

function frontMarks(
  front: readonly CloudPoint[],
  { dash }: CloudGroup,
  f: Frame,
  { x, y, theme }: CloudOptions,
): Mark[] {
  const { left, right, top, bottom } = f.inner
  const worstX = x.better === 'higher' ? left : right,
    worstY = y.better === 'higher' ? bottom : top
  const corners: [number, number][] = []
  let level = worstY
  for (const p of front) {
    const px = f.x(p.x)
    corners.push([px, level], [px, (level = f.y(p.y))])
  }
  corners.push([worstX, level])
  const clamped = corners.map(([px, py]) => `${clamp(px, left, right)},${clamp(py, top, bottom)}`)
  const line = corners.slice(1).map(([px, py], i) => segment(corners[i]![0], corners[i]![1], px, py, f))
  return [
    { mark: 'path', d: `M${clamped.join('L')}L${worstX},${worstY}Z`, fill: theme.ink, opacity: 0.04 },
    { mark: 'path', d: line.join(''), stroke: theme.quiet, width: 1.2, ...(dash !== undefined && { dash }) },
  ]
}

function intervalMarks(p: CloudPoint, f: Frame, options: CloudOptions): Mark[] {
  if (!isPlaced(p, options)) return []
  const x = f.x(p.x),
    y = f.y(p.y)
  const usable = (low: number | undefined, high: number | undefined, axis: CloudAxis): boolean =>
    low !== undefined && high !== undefined && onAxis(low, axis) && onAxis(high, axis)
  const d =
    (usable(p.xLow, p.xHigh, options.x) ? segment(f.x(p.xLow!), y, f.x(p.xHigh!), y, f) : '') +
    (usable(p.yLow, p.yHigh, options.y) ? segment(x, f.y(p.yLow!), x, f.y(p.yHigh!), f) : '')
  return d === '' ? [] : [{ mark: 'path', d, stroke: p.color ?? options.theme.ink, width: 1.2 }]
}

/** A horizontal or vertical line cut at the frame; empty where it is outside. */
function segment(x0: number, y0: number, x1: number, y1: number, { inner }: Frame): string {
  const { left, right, top, bottom } = inner
  const isOutside =
    Math.max(x0, x1) < left || Math.min(x0, x1) > right || Math.max(y0, y1) < top || Math.min(y0, y1) > bottom
  if (isOutside) return ''
  return `M${clamp(x0, left, right)},${clamp(y0, top, bottom)}L${clamp(x1, left, right)},${clamp(y1, top, bottom)}`
}

const STATUSES = ['measured', 'predicted', 'stale', 'failed'] as const satisfies readonly PointStatus[]

const counted = new WeakMap<readonly CloudPoint[], [PointStatus, number][]>()

/** Counted once for each list: panning asks at every frame. */
function statusCounts(points: readonly CloudPoint[]): [PointStatus, number][] {
  const known = counted.get(points)
  if (known !== undefined) return known
  const counts = { measured: 0, predicted: 0, stale: 0, failed: 0 }
  for (const { status } of points) counts[status]++
  const found = STATUSES.flatMap((status): [PointStatus, number][] =>
    counts[status] > 0 ? [[status, counts[status]]] : [],
  )
  counted.set(points, found)
  return found
}

/** How many of each status, then shape and dash of each named group, above the plot. */
function legend(
  points: readonly CloudPoint[],
  { width, theme, groups }: CloudOptions,
): { readonly marks: readonly Mark[]; readonly rows: number } {
  const marks: Mark[] = []
  const left = 60
  let x = left,
    y = 14
  /** Begins a new row where an entry does not fit. */
  const need = (text: string, symbol: number): void => {
    if (x === left || x + symbol + textWidth(text) <= width - TOOLS) return
    x = left
    y += LEGEND_ROW
  }
  const write = (text: string): void => {
    marks.push({ mark: 'text', x: x + 9, y: y + 4, text, fill: theme.quiet, size: 11 })
    x += 9 + textWidth(text)
  }
  const ink = { stroke: theme.ink, width: 1.2 } as const
  for (const [status, count] of statusCounts(points)) {
    const text = `${NUMBER.format(count)} ${status}`
    need(text, 9)
    if (status === 'failed') marks.push({ mark: 'path', d: cross(x, y), ...ink })
    else marks.push({ mark: 'circle', x, y, r: 3.5, fill: status === 'measured' ? theme.ink : theme.ground, ...ink })
    if (status === 'stale') marks.push({ mark: 'path', d: `M${x - 2},${y + 2}L${x + 2},${y - 2}`, ...ink })
    write(text)
  }
  for (const { name, shape, dash } of groups) {
    if (name === '') continue
    need(name, 23)
    x += 8
    marks.push(
      { mark: 'path', d: `M${x - 12},${y}h24`, stroke: theme.quiet, width: 1.2, ...(dash !== undefined && { dash }) },
      shapeMark(shape, x, y, 3.5, { fill: theme.quiet, stroke: theme.quiet, width: 1 }),
    )
    x += 6
    write(name)
  }
  return { marks, rows: (y - 14) / LEGEND_ROW + 1 }
}

const textWidth = (text: string): number => text.length * 6.1 + 20
const cross = (x: number, y: number): string => `M${x - 3},${y - 3}l6,6M${x - 3},${y + 3}l6,-6`
const within = (value: number, low: number, high: number): boolean => value >= low - 0.5 && value <= high + 0.5
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
