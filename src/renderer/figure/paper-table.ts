import type { PaperTable, PaperValue } from '#core/plots/tables/table.ts'
import { cellText } from '../ui/table/column.ts'
import type { Column } from '../ui/table/column.ts'

export interface PaperOptions<Row> {
  /** Which values of a column are best, by its key. */
  readonly better?: Readonly<Record<string, 'higher' | 'lower'>>
  /** Interval of a column's value, by its key. */
  readonly interval?: Readonly<Record<string, (row: Row) => readonly [low: number, high: number] | undefined>>
}

/** The table on the screen as one for a paper: numbers as numbers, everything else as the text that is shown. */
export function paperTable<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { better = {}, interval = {} }: PaperOptions<Row>,
): PaperTable {
  return {
    caption,
    columns: columns.map(({ key, title, unit }) => ({
      title,
      ...(unit !== undefined && { unit }),
      ...(better[key] !== undefined && { better: better[key] }),
    })),
    rows: rows.map((row) =>
      columns.map((column): PaperValue => {
        const value = column.value(row)
        // a number whose shown text is another, as a date, is told by that text
        if (typeof value !== 'number' || column.text !== undefined)
          return value === null || value === undefined ? undefined : cellText(column, row)
        const ends = interval[column.key]?.(row)
        return ends === undefined ? value : { value, low: ends[0], high: ends[1] }
      }),
    ),
  }
}
