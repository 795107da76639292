// The lines of runs in pixels: decimated, cut at the sides of the frame, broken where a value was not finite. They do
// not depend on which run stands out, so pointing at runs computes none of it again.

import { frame, paddedDomain, type Frame } from '../axes.ts'
import { decimate } from '../geometry/decimate.ts'
import type { Series } from '../geometry/series.ts'
import type { Domain } from '../geometry/view.ts'
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

export interface RunLinesOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly xLabel: string
  readonly yLabel: string
  readonly yLog?: boolean
  /** The part of the x axis that is seen. */
  readonly view: Domain
}

export interface RunLine {
  readonly run: DrawnRun
  /** Pixels, x and y in turn; NaN lifts the pen. */
  readonly raw: Float32Array
  readonly smooth: Float32Array | undefined
  /** Indices of the points in view of a run whose values are marked. */
  readonly marked: readonly number[]
  /** Where the line ends at the right of the view, in units of the axis; NaN where nothing is drawn. */
  readonly end: number
}

export interface RunLines {
  readonly frame: Frame
  readonly lines: readonly RunLine[]
  /** Pixels beside the frame for names. */
  readonly margin: number
}

/** Lines of the part of the runs in view; the y axis fits what is drawn. Values without a place on it are gaps. */
export function runLines(runs: readonly DrawnRun[], options: RunLinesOptions): RunLines {
  const { width, height, theme, xLabel, yLabel, yLog = false, view } = options
  const longest = runs.reduce((most, { name }) => Math.max(most, name.length), 0)
  const margin = 16 + Math.min(0.3 * width, longest * 6.6)
  const columns = { from: view[0], to: view[1], count: width - margin - 56 }
  const kept = runs.map((run) => ({
    run,
    raw: decimate(run.raw, columns),
    smooth: run.smooth === undefined ? undefined : decimate(run.smooth, columns),
  }))
  const f = frame({
    width,
    height,
    theme,
    margin: { right: margin },
    x: { domain: view, label: xLabel },
    y: {
      domain: heights(
        kept.map(({ run, raw }) => ({ series: run.raw, indices: raw })),
        yLog,
      ),
      label: yLabel,
      log: yLog,
    },
  })
  const lines = kept.map(({ run, raw, smooth }): RunLine => ({
    run,
    raw: line(run.raw, raw, f, yLog),
    smooth: smooth === undefined ? undefined : line(run.smooth!, smooth, f, yLog),
    marked: run.marked === true ? raw.filter((i) => run.raw.x(i) >= view[0] && run.raw.x(i) <= view[1]) : [],
    end: endOf(run.smooth ?? run.raw, smooth ?? raw, view),
  }))
  return { frame: f, lines, margin }
}

function endOf(series: Series, indices: readonly number[], view: Domain): number {
  for (let i = indices.length - 1; i >= 0; i--) if (series.x(indices[i]!) <= view[1]) return series.y(indices[i]!)
  return NaN
}

interface Kept {
  readonly series: Series
  readonly indices: readonly number[]
}

/** Extent of what is drawn, positive for a logarithmic axis. */
function heights(kept: readonly Kept[], yLog: boolean): Domain {
  let low = Infinity,
    high = -Infinity
  for (const { series, indices } of kept)
    for (const index of indices) {
      const value = series.y(index)
      if (yLog && value <= 0) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  if (low > high) return yLog ? [0.1, 1] : [0, 1]
  if (!yLog) return paddedDomain([low, high], 0.05)
  const [from, to] = paddedDomain([Math.log10(low), Math.log10(high)], 0.05)
  return [10 ** from, 10 ** to]
}

function line(series: Series, indices: readonly number[], f: Frame, yLog: boolean): Float32Array {
  const { left, right } = f.inner
  const points: number[] = []
  let beforeX = NaN,
    beforeY = NaN
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!
    const value = series.y(index)
    const x = f.x(series.x(index)),
      y = yLog && value <= 0 ? NaN : f.y(value)
    if (i > 0 && hasGap(series, indices[i - 1]!, index)) beforeY = NaN
    const joins = !Number.isNaN(beforeY) && !Number.isNaN(y)
    if (!joins) points.push(NaN, NaN)
    else if (beforeX < left && x >= left) points.push(left, crossing(beforeX, beforeY, x, y, left))
    if (!Number.isNaN(y) && x >= left && x <= right) points.push(x, y)
    else if (joins && beforeX <= right && x > right) points.push(right, crossing(beforeX, beforeY, x, y, right))
    beforeX = x
    beforeY = y
  }
  return Float32Array.from(points)
}

/** Whether all that lies between two drawn points has no finite value. */
function hasGap(series: Series, from: number, to: number): boolean {
  return to - from > 1 && !Number.isFinite(series.y(from + 1)) && series.extremes(from + 1, to).least < 0
}

const crossing = (ax: number, ay: number, bx: number, by: number, x: number): number =>
  bx === ax ? by : ay + ((by - ay) * (x - ax)) / (bx - ax)
