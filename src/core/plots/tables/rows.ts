// Plain rows as a table for a paper: what columns are called says their units, intervals and which values are best.

import { metrics } from '../../metrics.ts'
import type { PaperColumn, PaperTable, PaperValue } from './table.ts'

export interface NamedRows {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/**
 * The table of some rows. A column whose two neighbours are called `low` and `high` (`X low`, `X high`) has intervals; the
 * unit of `X, ms` and `X (ms)` is ms; the best value of a metric is known by its name.
 */
export function paperTableOf({ name, columns, rows }: NamedRows): PaperTable {
  const isEnd = (i: number, end: 'low' | 'high'): boolean =>
    new RegExp(`(^|\\s)${end}\\s*$`, 'i').test(columns[i] ?? '')
  const kept = columns.flatMap((title, i) => {
    if (isEnd(i, 'low') && isEnd(i + 1, 'high') && i > 0) return []
    if (isEnd(i, 'high') && isEnd(i - 1, 'low') && i > 1) return []
    return [{ i, hasInterval: isEnd(i + 1, 'low') && isEnd(i + 2, 'high'), ...columnOf(title) }]
  })
  return {
    caption: name,
    columns: kept.map(({ i: _, hasInterval: __, ...column }) => column),
    rows: rows.map((row) =>
      kept.map(({ i, hasInterval }): PaperValue => {
        const value = row[i] ?? undefined
        const [low, high] = [row[i + 1], row[i + 2]]
        const isWhole = typeof value === 'number' && typeof low === 'number' && typeof high === 'number'
        return hasInterval && isWhole ? { value, low, high } : value
      }),
    ),
  }
}

function columnOf(text: string): PaperColumn {
  const [, title = text, unit] =
    /^(.*?)(?:,\s*([^,()]+)|\s*\(([^()]+)\))$/.exec(text)?.filter((part) => part !== undefined) ?? []
  const known = metrics.find((metric) => metric.kind === title || metric.title.toLowerCase() === title.toLowerCase())
  const used = unit ?? known?.unit
  return {
    title,
    ...(used !== undefined && used !== '' && { unit: used }),
    ...(known?.better !== undefined && { better: known.better }),
  }
}
