// Decimation for pixels only: of each pixel column the first, least, greatest and last point, in order. A line through
// them lights the same pixels as a line through all points, and every extremum is kept.

import type { Series } from './series.ts'

/** A part of an x axis and the pixel columns that show it. */
export interface Columns {
  readonly from: number
  readonly to: number
  readonly count: number
}

/**
 * Indices of the points to draw, ascending, at most four a column. One point beyond each end is kept, so that lines
 * run out of the view. Points without a finite value are left out.
 */
export function decimate(series: Series, { from, to, count }: Columns): number[] {
  const first = Math.max(0, series.firstFrom(from) - 1)
  let end = series.firstFrom(to)
  while (end < series.length && series.x(end) === to) end++
  end = Math.min(series.length, end + 1)
  const columns = Math.max(1, Math.floor(count))
  if (end - first <= 4 * columns) return finite(series, first, end)
  const kept: number[] = finite(series, first, first + 1)
  let start = first + 1
  for (let column = 1; column <= columns && start < end - 1; column++) {
    const stop =
      column === columns ? end - 1 : Math.min(end - 1, series.firstFrom(from + ((to - from) * column) / columns))
    if (stop <= start) continue
    const { least, greatest } = series.extremes(start, stop)
    const chosen = [start, Math.min(least, greatest), Math.max(least, greatest), stop - 1]
    for (const index of chosen)
      if (index >= start && index > (kept.at(-1) ?? -1) && Number.isFinite(series.y(index))) kept.push(index)
    start = stop
  }
  if (start < end) kept.push(...finite(series, end - 1, end))
  return kept
}

function finite(series: Series, from: number, to: number): number[] {
  const kept: number[] = []
  for (let i = from; i < to; i++) if (Number.isFinite(series.y(i))) kept.push(i)
  return kept
}
