// Shapes of a sweep where they are: depth across, width up, shaded by a value. Lines of equal latency run between the
// measured shapes; thin links join the shapes that have the same number of parameters.

import { frame, paddedDomain } from '../axes.ts'
import { isoSegments } from '../geometry/iso-lines.ts'
import { mix } from '../heat-map.ts'
import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'

export interface ShapeCell {
  readonly key: string
  readonly depth: number
  readonly width: number
  /** Budget of parameters that its width was solved for. */
  readonly budget: number
  /** NaN where there is none: the shape is marked with a cross. */
  readonly value: number
  readonly latencyMs: number
  /** Drawn with a frame: the chosen one. */
  readonly isMarked?: boolean
}

export interface DepthWidthOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  /** What the shade says, with its unit. */
  readonly valueLabel: string
  /** How a value is printed in its cell. */
  readonly text: (value: number) => string
  /** Latencies that get a line, ms. */
  readonly levels: readonly number[]
}

const CELL = { w: 46, h: 22 }
const INK = { low: 0.05, high: 0.62 }

/** Both axes are linear in depth and logarithmic in width. Lines of equal latency are drawn in the logarithm of latency. */
export function depthWidthScene(cells: readonly ShapeCell[], options: DepthWidthOptions): Scene {
  const { width, height, theme, valueLabel, text, levels } = options
  const depths = distinct(cells.map((c) => c.depth)),
    budgets = distinct(cells.map((c) => c.budget)),
    widths = cells.map((c) => Math.log10(c.width))
  const [low, high] = paddedDomain(widths, 0.12)
  const f = frame({
    width,
    height,
    theme,
    margin: { top: 34, right: 40 },
    x: { domain: paddedDomain(depths, 0.12), label: 'Depth, blocks', ticks: depths },
    y: { domain: [10 ** low, 10 ** high], label: 'Model width', log: true, ticks: distinct(cells.map((c) => c.width)) },
  })
  const at = new Map(cells.map((c) => [`${depths.indexOf(c.depth)} ${budgets.indexOf(c.budget)}`, c]))
  const links = budgets.map((budget): Mark => {
    const row = cells.filter((c) => c.budget === budget).sort((a, b) => a.depth - b.depth)
    const d = row.map((c, i) => `${i === 0 ? 'M' : 'L'}${f.x(c.depth)},${f.y(c.width)}`).join('')
    return { mark: 'path', d, stroke: theme.line, width: 1, title: `${budget.toLocaleString('en')} parameters` }
  })
  const isos = levels.flatMap((level) => isoMarks(level))

  function isoMarks(level: number): Mark[] {
    if (!(level > 0)) return []
    const pieces = isoSegments(
      (column, row) => Math.log(at.get(`${column} ${row}`)?.latencyMs ?? NaN),
      depths.length,
      budgets.length,
      Math.log(level),
    ).map((p) => [place(p.x0, p.y0), place(p.x1, p.y1)] as const)
    if (pieces.length === 0) return []
    const d = pieces.map(([from, to]) => `M${from.x},${from.y}L${to.x},${to.y}`).join('')
    const label = `${Number(level.toPrecision(2))} ms`
    // the middle of a piece that is farthest from all shapes
    const middles = pieces.map(([from, to]) => ({ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }))
    const freedom = (m: { x: number; y: number }): number =>
      Math.min(...cells.map((c) => Math.hypot(m.x - f.x(c.depth), 2 * (m.y - f.y(c.width)))))
    const top = middles.reduce((a, b) => (freedom(b) > freedom(a) ? b : a))
    const room = { w: label.length * 6 + 8, y: top.y - 8 }
    return [
      { mark: 'path', d, stroke: theme.ground, width: 4, opacity: 0.75 },
      { mark: 'path', d, stroke: theme.ink, width: 1.5, dash: '6 3', title: `${label}: equal latency` },
      { mark: 'rect', x: top.x - room.w / 2, y: room.y, w: room.w, h: 15, fill: theme.ground, radius: 3 },
      { mark: 'text', x: top.x, y: room.y + 11, text: label, fill: theme.ink, size: 11, anchor: 'middle' },
    ]
  }

  /** A place between measured shapes: one of the two numbers is whole, so two shapes suffice. */
  function place(column: number, row: number): { readonly x: number; readonly y: number } {
    const corner = (c: number, r: number): ShapeCell => at.get(`${c} ${r}`)!
    const one = corner(Math.floor(column), Math.floor(row)),
      other = corner(Math.ceil(column), Math.ceil(row))
    const share = column - Math.floor(column) + (row - Math.floor(row))
    const mixed = (a: number, b: number): number => a + share * (b - a)
    return { x: mixed(f.x(one.depth), f.x(other.depth)), y: mixed(f.y(one.width), f.y(other.width)) }
  }

  const values = cells.map((c) => c.value).filter(Number.isFinite)
  const least = values.reduce((a, b) => Math.min(a, b), Infinity),
    most = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const shapes = cells.flatMap((c): Mark[] => {
    const x = f.x(c.depth),
      y = f.y(c.width)
    const isKnown = Number.isFinite(c.value)
    const share = isKnown && most > least ? (c.value - least) / (most - least) : 0
    const title = `${c.depth} blocks × ${c.width}: ${isKnown ? text(c.value) : 'failed'}, ${c.latencyMs.toPrecision(3)} ms`
    const cell: Mark = {
      mark: 'rect',
      key: c.key,
      x: x - CELL.w / 2,
      y: y - CELL.h / 2,
      w: CELL.w,
      h: CELL.h,
      radius: 3,
      fill: isKnown ? mix(theme.ground, theme.ink, INK.low + share * (INK.high - INK.low)) : theme.ground,
      title,
      stroke: c.isMarked === true ? theme.ink : theme.line,
    }
    const frameMark: Mark[] =
      c.isMarked === true
        ? [
            {
              mark: 'path',
              d: `M${cell.x - 3},${cell.y - 3}h${CELL.w + 6}v${CELL.h + 6}h${-CELL.w - 6}z`,
              stroke: theme.ink,
              width: 1.5,
            },
          ]
        : []
    if (!isKnown)
      return [
        cell,
        ...frameMark,
        { mark: 'path', d: `M${x - 4},${y - 4}l8,8m0,-8l-8,8`, stroke: theme.quiet, width: 1.5 },
      ]
    const fill = share > 0.62 ? theme.ground : theme.ink
    return [
      cell,
      ...frameMark,
      { mark: 'text', x, y: y + 4, text: text(c.value), fill, size: 11, anchor: 'middle', weight: 500 },
    ]
  })
  return {
    width,
    height,
    marks: [
      ...f.marks,
      ...links,
      // the lines go under the shapes, their texts over everything
      ...isos.filter(({ mark }) => mark === 'path'),
      ...shapes,
      ...isos.filter(({ mark }) => mark !== 'path'),
      { mark: 'text', x: f.inner.left, y: 18, text: valueLabel, fill: theme.quiet, size: 12 },
    ],
    description: `${valueLabel} over depth and width: ${cells.map((c) => `${c.depth} by ${c.width} ${Number.isFinite(c.value) ? text(c.value) : 'failed'}`).join('; ')}`,
  }
}

const distinct = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b)
