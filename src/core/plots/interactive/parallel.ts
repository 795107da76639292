// Parallel coordinates: one axis for each numeric column, one line for each row. What is missing has a place of its own
// below the axis, so that no row is hidden.

import { paddedDomain, tickText } from '../axes.ts'
import { shareOf, type Domain } from '../geometry/view.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface ParallelColumn {
  readonly key: string
  /** Title with its unit. */
  readonly label: string
  readonly log?: boolean
}

export interface ParallelRow {
  readonly key: string
  /** In the order of the columns; NaN or null where there is none. */
  readonly values: readonly (number | null)[]
  /** Of a block kind; ink without. */
  readonly color?: string
}

/** Pixels of the axes. */
export interface ParallelLayout {
  /** Of each column, from the left. */
  readonly xs: readonly number[]
  readonly domains: readonly Domain[]
  /** The least and the greatest value of each column: the domains are a little wider. */
  readonly extents: readonly Domain[]
  readonly top: number
  readonly bottom: number
  /** Where missing values are. */
  readonly missing: number
}

/** Ranges of values by column key: a row matches if it lies in all of them. */
export type ParallelBrushes = ReadonlyMap<string, Domain>

const ROOM = 64
/** Mean width of a letter of a title. */
const LETTER = 6.3

const isOn = (value: number | null | undefined, log: boolean | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value) && (log !== true || value > 0)

export function parallelLayout(
  columns: readonly ParallelColumn[],
  rows: readonly ParallelRow[],
  width: number,
  height: number,
): ParallelLayout {
  const gap = columns.length > 1 ? (width - 2 * ROOM) / (columns.length - 1) : 0
  const extents = columns.map(({ log }, c): Domain => {
    const values = rows.map((r) => r.values[c]).filter((v) => isOn(v, log)) as number[]
    if (values.length === 0) return [log === true ? 1 : 0, log === true ? 10 : 1]
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  })
  const domains = columns.map(({ log }, c): Domain => {
    const [low, high] = paddedDomain(log === true ? extents[c]!.map(Math.log10) : extents[c]!, 0.03)
    return log === true ? [10 ** low, 10 ** high] : [low, high]
  })
  const xs = columns.map((_, c) => (columns.length > 1 ? ROOM + c * gap : width / 2))
  return { xs, domains, extents, top: 44, bottom: height - 34, missing: height - 14 }
}

/** Where a value stands on its axis, in pixels. */
export function parallelY(
  layout: ParallelLayout,
  columns: readonly ParallelColumn[],
  column: number,
  value: number | null | undefined,
): number {
  const { log } = columns[column]!
  if (!isOn(value, log)) return layout.missing
  return layout.bottom - shareOf(value, layout.domains[column]!, log) * (layout.bottom - layout.top)
}

/** Keys of the rows that lie in every brushed range. A missing value lies in none. */
export function parallelMatches(
  columns: readonly ParallelColumn[],
  rows: readonly ParallelRow[],
  brushes: ParallelBrushes,
): string[] {
  const ranges = columns.flatMap(({ key }, c) => {
    const range = brushes.get(key)
    return range === undefined ? [] : [{ c, low: range[0], high: range[1] }]
  })
  const lies = (value: number | null | undefined, low: number, high: number): boolean =>
    value !== null && value !== undefined && value >= low && value <= high
  return rows.filter((r) => ranges.every(({ c, low, high }) => lies(r.values[c], low, high))).map(({ key }) => key)
}

/** Lines of axes with their titles and ends, and the place of what is missing. */
export function parallelAxes(columns: readonly ParallelColumn[], layout: ParallelLayout, theme: Theme): Mark[] {
  const { xs, top, bottom, missing, extents } = layout
  // titles of neighbours stand at two heights, so that each may be as wide as two gaps
  const room = xs.length > 1 ? 2 * (xs[1]! - xs[0]!) - 12 : Infinity
  const note: Mark = { mark: 'text', x: 8, y: missing + 4, text: 'missing', fill: theme.quiet, size: 11 }
  return columns.flatMap(({ label, log }, c): Mark[] => {
    const x = xs[c]!
    const [low, high] = extents[c]!
    const title = fitted(label + (log === true ? ' (log)' : ''), room)
    const half = (title.length * LETTER) / 2
    const quiet = { mark: 'text', fill: theme.quiet, size: 11 } as const
    return [
      { mark: 'path', d: `M${x},${top}V${bottom}`, stroke: theme.quiet, width: 1 },
      { mark: 'circle', x, y: missing, r: 1.5, fill: theme.quiet },
      ...(c === 0 ? [note] : []),
      {
        mark: 'text',
        x: c === 0 ? Math.max(x, half + 4) : c === xs.length - 1 ? Math.min(x, x + ROOM - half - 4) : x,
        y: c % 2 === 0 ? 14 : 26,
        text: title,
        fill: theme.ink,
        size: 12,
        anchor: 'middle',
      },
      { ...quiet, x: x + 5, y: top - 2, text: tickText(Number(high.toPrecision(3))) },
      { ...quiet, x: x + 5, y: bottom + 10, text: tickText(Number(low.toPrecision(3))) },
    ]
  })
}

/** A text cut to a width in pixels. */
function fitted(text: string, room: number): string {
  const most = Math.max(3, Math.floor(room / LETTER))
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`
}

/** The line of a row, as an SVG path. */
export function parallelLine(columns: readonly ParallelColumn[], row: ParallelRow, layout: ParallelLayout): string {
  return columns
    .map(
      (_, c) =>
        `${c === 0 ? 'M' : 'L'}${Math.round(layout.xs[c]! * 10) / 10},${Math.round(parallelY(layout, columns, c, row.values[c]) * 10) / 10}`,
    )
    .join('')
}

/** The whole figure; with a selection the other rows are faint. */
export function parallelScene(
  columns: readonly ParallelColumn[],
  rows: readonly ParallelRow[],
  {
    width,
    height,
    theme,
    selected,
  }: { readonly width: number; readonly height: number; readonly theme: Theme; readonly selected: ReadonlySet<string> },
): Scene {
  const layout = parallelLayout(columns, rows, width, height)
  const isFaint = (row: ParallelRow): boolean => selected.size > 0 && !selected.has(row.key)
  const strong = strengthOf(rows.length)
  const lines = [...rows]
    .sort((a, b) => Number(isFaint(b)) - Number(isFaint(a)))
    .map((row): Mark => ({
      mark: 'path',
      d: parallelLine(columns, row, layout),
      stroke: row.color ?? theme.ink,
      width: 1,
      opacity: isFaint(row) ? strong / 6 : selected.size > 0 ? 0.9 : strong,
      key: row.key,
    }))
  const brushed = selected.size > 0 ? `, ${selected.size} selected` : ''
  return {
    width,
    height,
    marks: [...lines, ...parallelAxes(columns, layout, theme)],
    description: `${rows.length} rows over ${columns.map((c) => c.label).join(', ')}${brushed}`,
  }
}

/** Opacity of a line: the more there are, the fainter, so that dense parts stand out. */
export const strengthOf = (rows: number): number => Math.min(0.8, Math.max(0.06, 12 / Math.sqrt(rows + 1) / 4))
