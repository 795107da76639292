// Observable Plot as code gets it: figures take the size that a page of print asks for, and remember the rows that they draw.

import * as Plot from '@observablehq/plot'
import type { Layout } from './program.ts'

type Drawn = ReturnType<typeof Plot.plot>
type Row = Readonly<Record<string, unknown>>

const rows = new WeakMap<object, readonly Row[]>()

/** Width of the column that cells are in. */
const WIDTH = 760

/** The library, with plots of the given size where there is one. */
export function openPlot(layout: Layout | null): typeof Plot {
  const plot = (options: Plot.PlotOptions = {}): Drawn => {
    const figure = Plot.plot(layout === null ? { width: WIDTH, ...options } : { ...options, ...layout })
    rows.set(figure, rowsOf(options.marks))
    return figure
  }
  // `mark.plot(options)` is the short form for a single mark
  Plot.Mark.prototype.plot = function (this: Plot.Mark, { marks = [], ...options }: Plot.PlotOptions = {}): Drawn {
    return plot({ ...options, marks: [...marks, this as Plot.Markish] })
  }
  return { ...Plot, plot }
}

/** The rows that a figure was drawn from; empty for one that Plot did not draw. */
export const rowsBehind = (figure: object): readonly Row[] => rows.get(figure) ?? []

/** Rows of all marks, each list once. */
function rowsOf(marks: unknown): readonly Row[] {
  const lists = new Set<readonly unknown[]>()
  const walk = (one: unknown): void => {
    if (Array.isArray(one)) one.forEach(walk)
    else if (one instanceof Plot.Mark) {
      const { data } = one as Plot.Mark & { readonly data?: unknown }
      if (Array.isArray(data)) lists.add(data)
    }
  }
  walk(marks)
  return [...lists].flatMap((list) => list.map(rowOf)).filter((row) => row !== undefined)
}

/** A row of named values; a point given as [x, y] has these names, a number is a `value`. */
function rowOf(one: unknown): Row | undefined {
  if (Array.isArray(one)) return Object.fromEntries(one.map((value: unknown, i) => ['xyz'[i] ?? String(i), value]))
  if (typeof one === 'object' && one !== null) return one as Row
  return typeof one === 'number' || typeof one === 'string' ? { value: one } : undefined
}
