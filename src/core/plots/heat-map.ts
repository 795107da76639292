// A number over two ordered sets, as latency over depth and width: one cell each, its value printed, one hue from light to
// dark with even steps of lightness.

import { isoSegments } from './geometry/iso-lines.ts'
import type { Mark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface HeatCell {
  /** Index of the column and of the row, row 0 at the bottom. */
  readonly column: number
  readonly row: number
  readonly value: number
  /** Printed in the cell. */
  readonly text: string
  /** Second, smaller line. */
  readonly note?: string
  /** Drawn with a frame: the chosen one. */
  readonly isMarked?: boolean
}

export interface HeatMapOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  readonly xLabel: string
  readonly yLabel: string
  /** What is drawn, with its unit. */
  readonly valueLabel: string
  /** Values that get a line through the cells, each with its text. */
  readonly isoLines?: readonly { readonly value: number; readonly text: string }[]
}

/** Share of ink from the lowest to the highest value. */
const INK = { low: 0.04, high: 0.62 }

/** Cells that have no finite value stay empty. The ramp is in the logarithm where all values are positive. */
export function heatMapScene(cells: readonly HeatCell[], options: HeatMapOptions): Scene {
  const { width, height, theme, columns, rows, xLabel, yLabel, valueLabel, isoLines = [] } = options
  const left = 76,
    top = 34,
    right = width - 16,
    bottom = height - 50
  const finite = cells.filter((c) => Number.isFinite(c.value))
  const isLog = finite.every((c) => c.value > 0)
  const position = (value: number): number => (isLog ? Math.log(value) : value)
  const low = finite.reduce((a, c) => Math.min(a, position(c.value)), Infinity),
    high = finite.reduce((a, c) => Math.max(a, position(c.value)), -Infinity)
  const w = (right - left) / Math.max(1, columns.length),
    h = (bottom - top) / Math.max(1, rows.length)
  const marks: Mark[] = [],
    texts: Mark[] = []
  for (const c of finite) {
    const share = high > low ? (position(c.value) - low) / (high - low) : 0.5
    const x = left + c.column * w,
      y = bottom - (c.row + 1) * h
    const fill = mix(theme.ground, theme.ink, INK.low + share * (INK.high - INK.low))
    const ink = share > 0.62 ? theme.ground : theme.ink
    marks.push({
      mark: 'rect',
      x: x + 1,
      y: y + 1,
      w: w - 2,
      h: h - 2,
      fill,
      radius: 2,
      title: `${rows[c.row] ?? ''}, ${columns[c.column] ?? ''}: ${c.text}${c.note === undefined ? '' : `, ${c.note}`}`,
      ...(c.isMarked === true && { stroke: theme.ink }),
    })
    texts.push({
      mark: 'text',
      x: x + w / 2,
      y: y + h / 2 + (c.note === undefined ? 4 : -1),
      text: c.text,
      fill: ink,
      size: 12,
      anchor: 'middle',
      weight: c.isMarked === true ? 700 : 500,
    })
    if (c.note !== undefined)
      texts.push({ mark: 'text', x: x + w / 2, y: y + h / 2 + 13, text: c.note, fill: ink, size: 10, anchor: 'middle' })
  }
  const values = new Map(finite.map((c) => [`${c.column} ${c.row}`, position(c.value)]))
  for (const iso of isoLines) {
    if (isLog && !(iso.value > 0)) continue
    const pieces = isoSegments(
      (column, row) => values.get(`${column} ${row}`) ?? NaN,
      columns.length,
      rows.length,
      position(iso.value),
    )
    if (pieces.length === 0) continue
    const px = (x: number): number => left + (x + 0.5) * w,
      py = (y: number): number => bottom - (y + 0.5) * h
    const d = pieces.map((p) => `M${px(p.x0)},${py(p.y0)}L${px(p.x1)},${py(p.y1)}`).join('')
    // a light rim keeps the line and its text readable on dark cells
    marks.push({ mark: 'path', d, stroke: theme.ground, width: 4, opacity: 0.75 })
    marks.push({ mark: 'path', d, stroke: theme.ink, width: 1.5, dash: '6 3', title: iso.text })
    const end = pieces
      .flatMap((p) => [
        { x: p.x0, y: p.y0 },
        { x: p.x1, y: p.y1 },
      ])
      .reduce((a, b) => (b.y > a.y ? b : a))
    const at = { x: px(end.x), y: py(end.y) - 5, w: iso.text.length * 6 + 8 }
    marks.push(
      { mark: 'rect', x: at.x - at.w / 2, y: at.y - 11, w: at.w, h: 15, fill: theme.ground, radius: 3 },
      { mark: 'text', x: at.x, y: at.y, text: iso.text, fill: theme.ink, size: 11, anchor: 'middle' },
    )
  }
  marks.push(...texts)
  const quiet = { mark: 'text', fill: theme.quiet, size: 11 } as const
  marks.push(
    ...columns.map((text, i): Mark => ({ ...quiet, x: left + (i + 0.5) * w, y: bottom + 16, text, anchor: 'middle' })),
    ...rows.map((text, i): Mark => ({ ...quiet, x: left - 8, y: bottom - (i + 0.5) * h + 4, text, anchor: 'end' })),
    { mark: 'text', x: (left + right) / 2, y: height - 12, text: xLabel, fill: theme.ink, size: 12, anchor: 'middle' },
    {
      mark: 'text',
      x: 14,
      y: (top + bottom) / 2,
      text: yLabel,
      fill: theme.ink,
      size: 12,
      anchor: 'middle',
      rotate: -90,
    },
    { ...quiet, x: left, y: 18, text: valueLabel },
  )
  return {
    width,
    height,
    marks,
    description: `${valueLabel} over ${xLabel} and ${yLabel}: ${finite.map((c) => `${rows[c.row] ?? ''} by ${columns[c.column] ?? ''} ${c.text}`).join('; ')}`,
  }
}

/** A share of one colour on another, both #rrggbb, mixed in linear light of cube-root lightness (as CIE L* does). */
export function mix(from: string, to: string, share: number): string {
  const channel = (color: string, i: number): number =>
    linear(Number.parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16) / 255)
  return `#${[0, 1, 2]
    .map((i) => {
      const cube = (1 - share) * Math.cbrt(channel(from, i)) + share * Math.cbrt(channel(to, i))
      return Math.round(255 * encoded(cube ** 3))
        .toString(16)
        .padStart(2, '0')
    })
    .join('')}`
}

const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
const encoded = (v: number): number => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055)
