// Curves of one or many runs on a shared axis: the raw values faint, their moving average over them in a stronger line,
// names at the right ends. Runs differ by dash and by name, because hues belong to block kinds.

import { frame, paddedDomain, type Frame } from '../axes.ts'
import { spread } from '../curves.ts'
import { decimate } from '../geometry/decimate.ts'
import type { Series } from '../geometry/series.ts'
import type { Domain } from '../geometry/view.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface DrawnRun {
  readonly key: string
  readonly name: string
  readonly raw: Series
  /** Drawn over the raw values, which turn faint. */
  readonly smooth?: Series | undefined
  readonly dash?: string | undefined
  /** Circles at each value: few and exact, as validations. */
  readonly marked?: boolean | undefined
}

export interface RunCurvesOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  readonly yLog?: boolean
  /** The part of the x axis that is seen. */
  readonly view: Domain
  /** Drawn strongly while the others step back. */
  readonly emphasised?: ReadonlySet<string>
}

export interface RunCurves {
  readonly frame: Frame
  readonly scene: Scene
}

const LABEL_HEIGHT = 14
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3', '1 2'] as const

/** Dash of the n-th run. */
export const dashOf = (index: number): string | undefined => DASHES[index % DASHES.length]

/** First to last x of all runs; never empty. */
export function wholeSteps(runs: readonly { readonly raw: Series }[]): Domain {
  const grown = runs.filter(({ raw }) => raw.length > 0)
  if (grown.length === 0) return [0, 1]
  const low = grown.reduce((a, { raw }) => Math.min(a, raw.x(0)), Infinity),
    high = grown.reduce((a, { raw }) => Math.max(a, raw.x(raw.length - 1)), -Infinity)
  return high > low ? [low, high] : [low, low + 1]
}

/** Draws the part of the runs that is in view; the y axis fits what is drawn. Values without a place on it are gaps. */
export function runCurves(runs: readonly DrawnRun[], options: RunCurvesOptions): RunCurves {
  const { width, height, theme, xLabel, yLabel, yLog = false, view, emphasised } = options
  const isStrong = ({ key }: DrawnRun): boolean =>
    emphasised === undefined || emphasised.size === 0 || emphasised.has(key)
  const labelled = labelsOf(runs, view, Math.max(1, Math.floor((height - 60) / LABEL_HEIGHT)), isStrong)
  const right = 16 + Math.min(0.3 * width, Math.max(0, ...labelled.map(({ name }) => name.length)) * 6.6)
  const y = { domain: heights(runs, view, yLog), label: yLabel, log: yLog }
  const f = frame({ width, height, theme, margin: { right }, x: { domain: view, label: xLabel }, y })
  const columns = { from: view[0], to: view[1], count: f.inner.right - f.inner.left }
  const lineOf = (series: Series): string => lines(series, decimate(series, columns), f, yLog)
  const ordered = [...runs].sort((a, b) => Number(isStrong(a)) - Number(isStrong(b)))
  const marks = ordered.flatMap((run): Mark[] => {
    const { key, raw, smooth, dash, marked } = run
    const strength = isStrong(run) ? 1 : 0.25
    const line = (series: Series, lineWidth: number, opacity: number): Mark => ({
      mark: 'path',
      d: lineOf(series),
      stroke: theme.ink,
      width: lineWidth,
      opacity: opacity * strength,
      ...(dash !== undefined && series !== raw ? { dash } : smooth === undefined && dash !== undefined ? { dash } : {}),
    })
    return [
      smooth === undefined ? line(raw, marked === true ? 1.8 : 1.2, 0.9) : line(raw, 1, 0.2),
      ...(smooth === undefined ? [] : [line(smooth, 1.8, 1)]),
      ...(marked === true ? circles(run, decimate(raw, columns), f, theme, yLog).map((c) => ({ ...c, key })) : []),
    ]
  })
  const names = spread(
    labelled.map((label) => ({ ...label, y: clamp(f.y(label.value), f.inner.top, f.inner.bottom) })),
    f.inner.top,
    f.inner.bottom,
  ).map(({ name, y: at, strong }): Mark => ({
    mark: 'text',
    x: f.inner.right + 6,
    y: at + 4,
    text: clip(name, (right - 10) / 6.6),
    fill: strong ? theme.ink : theme.quiet,
    size: 12,
  }))
  const shown = runs.map(({ name }) => name)
  const listed = shown.length > 6 ? `${shown.slice(0, 6).join(', ')} and ${shown.length - 6} more` : shown.join(', ')
  const description = `${yLabel} against ${xLabel} for ${listed || 'no runs'}`
  return { frame: f, scene: { width, height, marks: [...f.marks, ...marks, ...names], description } }
}

/** The runs whose names fit beside the plot: the strong ones, then those that end lowest. */
function labelsOf(
  runs: readonly DrawnRun[],
  view: Domain,
  most: number,
  isStrong: (run: DrawnRun) => boolean,
): { readonly name: string; readonly value: number; readonly strong: boolean }[] {
  return runs
    .flatMap((run) => {
      const series = run.smooth ?? run.raw
      let last = Math.min(series.length, series.firstFrom(view[1]) + 1) - 1
      while (last >= 0 && !Number.isFinite(series.y(last))) last--
      return last < 0 || run.name === '' ? [] : [{ name: run.name, value: series.y(last), strong: isStrong(run) }]
    })
    .sort((a, b) => Number(b.strong) - Number(a.strong) || a.value - b.value)
    .slice(0, most)
}

/** Extent of all values in view, positive for a logarithmic axis. */
function heights(runs: readonly DrawnRun[], view: Domain, yLog: boolean): Domain {
  const values = runs.flatMap(({ raw }) => {
    const from = Math.max(0, raw.firstFrom(view[0]) - 1),
      to = raw.firstFrom(view[1]) + 1
    const { least, greatest } = raw.extremes(from, to)
    return least < 0 ? [] : [raw.y(least), raw.y(greatest)]
  })
  if (!yLog) return paddedDomain(values, 0.05)
  const high = values.reduce((a, b) => Math.max(a, b), 0)
  if (high <= 0) return [0.1, 1]
  const positive = values.filter((v) => v > 0)
  const low = positive.reduce((a, b) => Math.min(a, b))
  const [from, to] = paddedDomain([Math.log10(low), Math.log10(high)], 0.05)
  return [10 ** from, 10 ** to]
}

/** A line through points, cut at the sides of the frame and broken where a value was not finite. */
function lines(series: Series, indices: readonly number[], f: Frame, yLog: boolean): string {
  const { left, right } = f.inner
  let d = ''
  let before: readonly [number, number] | undefined
  for (const [i, index] of indices.entries()) {
    const value = series.y(index)
    if (yLog && value <= 0) {
      before = undefined
      continue
    }
    const point = [f.x(series.x(index)), f.y(value)] as const
    const isBroken = before === undefined || hasGap(series, indices[i - 1]!, index)
    if (isBroken) {
      if (point[0] >= left && point[0] <= right) d += `M${fixed(point[0])},${fixed(point[1])}`
    } else {
      if (before![0] < left && point[0] >= left) d += `M${fixed(left)},${fixed(crossing(before!, point, left))}`
      if (before![0] <= right && point[0] > right) d += `L${fixed(right)},${fixed(crossing(before!, point, right))}`
      else if (point[0] >= left && point[0] <= right) d += `L${fixed(point[0])},${fixed(point[1])}`
    }
    before = point
  }
  return d
}

/** Whether all that lies between two drawn points has no finite value. */
const hasGap = (series: Series, from: number, to: number): boolean =>
  to - from > 1 && series.extremes(from + 1, to).least < 0

function crossing(a: readonly [number, number], b: readonly [number, number], x: number): number {
  return b[0] === a[0] ? b[1] : a[1] + ((b[1] - a[1]) * (x - a[0])) / (b[0] - a[0])
}

function circles({ name, raw }: DrawnRun, indices: readonly number[], f: Frame, theme: Theme, yLog: boolean): Mark[] {
  return indices.flatMap((i): Mark[] => {
    const x = f.x(raw.x(i)),
      value = raw.y(i)
    if (x < f.inner.left || x > f.inner.right || (yLog && value <= 0)) return []
    return [
      {
        mark: 'circle',
        x,
        y: f.y(value),
        r: 2.5,
        fill: theme.ink,
        title: `${name}: ${value.toFixed(4)} at ${raw.x(i)}`,
      },
    ]
  })
}

const fixed = (v: number): number => Math.round(v * 100) / 100
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`
