import type { Column } from './column.ts'

/** Rows as tab-separated text for a spreadsheet: a line of titles with units, then every value with all its digits. */
export function toTsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const clean = (text: string): string => {
    const line = text.replace(/[\t\r\n]+/g, ' ')
    // a text that begins like a formula must not run in a spreadsheet
    return /^[=@]|^[+-](?![\d.])/.test(line) ? `'${line}` : line
  }
  const head = columns.map(({ title, unit }) => clean(unit === undefined || unit === '' ? title : `${title} (${unit})`))
  const lines = rows.map((row) => columns.map((column) => clean(String(column.value(row) ?? ''))))
  return [head, ...lines].map((line) => line.join('\t')).join('\n')
}
