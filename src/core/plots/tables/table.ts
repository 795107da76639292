// Tables for papers: values with intervals, the best of a column in bold, as LaTeX (booktabs), Markdown and CSV.

import { HeddleError } from '../../errors.ts'
import { texEscape } from './tex.ts'

/** A value of a cell: a text, a number, or a number with the ends of its interval. */
export type PaperValue =
  string | number | { readonly value: number; readonly low: number; readonly high: number } | undefined

export interface PaperColumn {
  readonly title: string
  readonly unit?: string
  /** Which values are best; none without. */
  readonly better?: 'higher' | 'lower'
  /** Digits behind the point; four significant ones without. */
  readonly digits?: number
}

export interface PaperTable {
  readonly caption: string
  readonly columns: readonly PaperColumn[]
  readonly rows: readonly (readonly PaperValue[])[]
}

const numberOf = (value: PaperValue): number | undefined => {
  const number = typeof value === 'object' ? value.value : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** Whether each cell holds the best number of its column; ties all do, a column of one number has none. */
export function bestCells({ columns, rows }: PaperTable): readonly (readonly boolean[])[] {
  const bests = columns.map(({ better }, i) => {
    const values = rows.map((row) => numberOf(row[i])).filter((value) => value !== undefined)
    if (better === undefined || values.length < 2) return undefined
    return values.reduce((a, b) => (better === 'higher' ? Math.max(a, b) : Math.min(a, b)))
  })
  return rows.map((row) => columns.map((_, i) => bests[i] !== undefined && numberOf(row[i]) === bests[i]))
}

function digitsText(value: number, digits: number | undefined): string {
  if (digits !== undefined) return value.toFixed(digits)
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(3) : String(Number(value.toPrecision(4)))
}

/** A cell as plain text: a number, and behind it its interval. */
function cellText(value: PaperValue, { digits }: PaperColumn): { readonly main: string; readonly spread: string } {
  if (typeof value === 'string') return { main: value, spread: '' }
  const number = numberOf(value)
  if (number === undefined) return { main: '–', spread: '' }
  const main = digitsText(number, digits)
  if (typeof value !== 'object' || !Number.isFinite(value.low) || !Number.isFinite(value.high))
    return { main, spread: '' }
  return { main, spread: `[${digitsText(value.low, digits)}, ${digitsText(value.high, digits)}]` }
}

const isNumeric = ({ rows }: PaperTable, column: number): boolean =>
  rows.some((row) => numberOf(row[column]) !== undefined)

function check(table: PaperTable): void {
  const wrong = table.rows.findIndex((row) => row.length !== table.columns.length)
  if (wrong >= 0)
    throw new HeddleError(
      'param-invalid',
      `row ${wrong} has ${table.rows[wrong]!.length} cells where the table has ${table.columns.length} columns`,
      { path: `rows[${wrong}]` },
    )
}

const titleText = ({ title, unit }: PaperColumn): string =>
  unit === undefined || unit === '' ? title : `${title} (${unit})`

/** A floating `table` with booktabs rules. Throws HeddleError `param-invalid` for a row of another length. */
export function tableToLatex(table: PaperTable): string {
  check(table)
  const best = bestCells(table)
  const arrow = ({ better }: PaperColumn): string =>
    better === undefined ? '' : better === 'higher' ? String.raw` $\uparrow$` : String.raw` $\downarrow$`
  const cell = (value: PaperValue, column: PaperColumn, isBest: boolean): string => {
    const { main, spread } = cellText(value, column)
    const text = isNumber(value) ? minus(main) : texEscape(main)
    const bold = isBest ? String.raw`\textbf{${text}}` : text
    return spread === '' ? bold : String.raw`${bold} {\scriptsize ${minus(spread)}}`
  }
  return [
    '% needs \\usepackage{booktabs}',
    String.raw`\begin{table}`,
    String.raw`  \centering`,
    String.raw`  \caption{${texEscape(table.caption)}}`,
    String.raw`  \begin{tabular}{${table.columns.map((_, i) => (isNumeric(table, i) ? 'r' : 'l')).join('')}}`,
    String.raw`    \toprule`,
    String.raw`    ${table.columns.map((column) => texEscape(titleText(column)) + arrow(column)).join(' & ')} \\`,
    String.raw`    \midrule`,
    ...table.rows.map(
      (row, r) =>
        String.raw`    ${table.columns.map((column, c) => cell(row[c], column, best[r]![c]!)).join(' & ')} \\`,
    ),
    String.raw`    \bottomrule`,
    String.raw`  \end{tabular}`,
    String.raw`\end{table}`,
    '',
  ].join('\n')
}

const isNumber = (value: PaperValue): boolean => typeof value !== 'string' && numberOf(value) !== undefined
/** A hyphen in front of digits as a minus sign. */
const minus = (text: string): string => text.replace(/-(?=\d)/g, '$-$')

/** A table of GitHub's Markdown, numbers at the right. Throws as `tableToLatex`. */
export function tableToMarkdown(table: PaperTable): string {
  check(table)
  const best = bestCells(table)
  const escape = (text: string): string => text.replace(/[\\|*_`<>[\]]/g, (c) => `\\${c}`).replace(/\s+/g, ' ')
  const cell = (value: PaperValue, column: PaperColumn, isBest: boolean): string => {
    const { main, spread } = cellText(value, column)
    const text = typeof value === 'string' ? escape(main) : main
    return `${isBest ? `**${text}**` : text}${spread === '' ? '' : ` ${escape(spread)}`}`
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(table.columns.map((column) => escape(titleText(column)))),
    line(table.columns.map((_, i) => (isNumeric(table, i) ? '---:' : '---'))),
    ...table.rows.map((row, r) => line(table.columns.map((column, c) => cell(row[c], column, best[r]![c]!)))),
    '',
  ].join('\n')
}

/** CSV (RFC 4180) with all digits; a column with intervals is followed by its low and high ends. Throws as `tableToLatex`. */
export function tableToCsv(table: PaperTable): string {
  check(table)
  const hasSpread = table.columns.map((_, i) => table.rows.some((row) => typeof row[i] === 'object'))
  const head = table.columns.flatMap((column, i) => {
    const title = titleText(column)
    return hasSpread[i] === true ? [title, `${title} low`, `${title} high`] : [title]
  })
  const body = table.rows.map((row) =>
    row.flatMap((value, i) => {
      const ends = typeof value === 'object' ? [value.low, value.high] : [undefined, undefined]
      const own = typeof value === 'string' ? value : numberOf(value)
      return hasSpread[i] === true ? [own, ...ends] : [own]
    }),
  )
  return [head, ...body].map((row) => row.map(csvCell).join(',')).join('\n')
}

/** One value of a CSV file; texts that a spreadsheet would run as formulas are quoted away. */
export function csvCell(value: string | number | undefined): string {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return ''
  const text = typeof value === 'string' && /^[=@\t\r]|^[+-](?![\d.])/.test(value) ? `'${value}` : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
