import type { Column } from './column.ts'

/** Rows as CSV (RFC 4180): numbers with all their digits, quotes where a text needs them; missing values are empty. */
export function toCsv(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [header, ...rows].map((row) => row.map(cellOf).join(',')).join('\n')
}

/** The rows of a table as CSV, with units in the titles. */
export function tableCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return toCsv(
    columns.map(({ title, unit }) => (unit === undefined || unit === '' ? title : `${title} (${unit})`)),
    rows.map((row) => columns.map((column) => column.value(row))),
  )
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return ''
  const text = String(value)
  // a text that begins like a formula must not run in a spreadsheet
  const safe = typeof value === 'string' && /^[=@\t\r]|^[+-](?![\d.])/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
