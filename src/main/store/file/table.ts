// A table as a list of columns: its row type, its insertion and its reading follow from the one description.

import { HeddleError } from '#core/errors.ts'
import { shown } from './columns.ts'
import type { Column } from './columns.ts'
import { damaged } from './errors.ts'
import type { Sql, SqlRow, SqlValue } from './sql.ts'

export type Columns = Readonly<Record<string, Column>>

/** The row that columns describe: `{readonly id: number, readonly metrics: ... | null}`. */
export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never }

/** What an insertion gives: everything but the number that SQLite assigns. */
export type InsertOf<C extends Columns> = Omit<RowOf<C>, 'id'>

export interface Table<C extends Columns = Columns> {
  readonly name: string
  readonly columns: C
  /** One sentence for the docs of the project file. */
  readonly doc: string
  /** The column that identifies a row and orders the table. */
  readonly key: string
  /** The names for a SELECT. */
  readonly select: string
  readonly entries: readonly (readonly [string, Column])[]
}

/** Describes a table or view; its first column is its key. */
export function table<const C extends Columns>(name: string, doc: string, columns: C): Table<C> {
  const names = Object.keys(columns)
  return {
    name,
    doc,
    columns,
    key: names[0]!,
    select: names.map((column) => `"${column}"`).join(', '),
    entries: Object.entries(columns),
  }
}

/**
 * Inserts one row and returns its number.
 * @throws HeddleError `usage` naming the column, the value and the rule; whatever the database refuses.
 */
export function insert<C extends Columns>(sql: Sql, into: Table<C>, row: InsertOf<C>, clause = ''): number {
  return sql.run(...insertion(into, row, clause)).id
}

/** Inserts one row unless its key is there already. */
export function insertOnce<C extends Columns>(sql: Sql, into: Table<C>, row: InsertOf<C>): void {
  sql.run(...insertion(into, row, ` ON CONFLICT ("${into.key}") DO NOTHING`))
}

function insertion(into: Table, row: object, clause: string): [string, ...SqlValue[]] {
  const names = Object.keys(into.columns).filter((name) => name !== 'id')
  const values = names.map((name) => encode(into, name, (row as Readonly<Record<string, unknown>>)[name]))
  const text = `INSERT INTO ${into.name} (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
  return [text + clause, ...values]
}

/**
 * The stored form of one value of a column.
 * @throws HeddleError `usage` naming the column, the value and the rule.
 */
export function encode(into: Table, name: string, value: unknown): SqlValue {
  const column = into.columns[name]!
  const stored = column.encode(value)
  if (stored !== undefined) return stored
  const path = `${into.name}.${name}`
  throw new HeddleError('usage', `${path} (${shown(value)}) must be ${column.rule}`, { path })
}

/** A condition on columns: `where({study: 3, state: undefined})` is `WHERE "study" = ?` with `[3]`. */
export function where(filter: Readonly<Record<string, SqlValue | undefined>>): {
  readonly text: string
  readonly values: SqlValue[]
} {
  const given = Object.entries(filter).filter((entry): entry is [string, SqlValue] => entry[1] !== undefined)
  const text = given.map(([name]) => `"${name}" = ?`).join(' AND ')
  return { text: text === '' ? '' : `WHERE ${text}`, values: given.map(([, value]) => value) }
}

/** The decoded rows of a query on one table; `rest` follows the table's name. Throws `store-invalid` on a damaged row. */
export function select<C extends Columns>(
  sql: Sql,
  from: Table<C>,
  path: string,
  rest: string,
  ...values: readonly SqlValue[]
): RowOf<C>[] {
  return sql.all(`SELECT ${from.select} FROM ${from.name} ${rest}`, ...values).map((row) => decodeRow(from, row, path))
}

/** Decodes one stored row, in its place. Throws `store-invalid` naming table, row and column. */
export function decodeRow<C extends Columns>(from: Table<C>, stored: SqlRow, path: string): RowOf<C> {
  // a list of 20,000 trials must not build every row twice
  const row = stored as Record<string, unknown>
  for (const [name, column] of from.entries) {
    const value = stored[name]!
    const decoded = column.decode(value)
    if (decoded === undefined) throw damaged(path, faultOf(from, stored, name))
    if (decoded !== value) row[name] = decoded
  }
  return row as RowOf<C>
}

/** Says in words which stored value of a row breaks the rule of its column. */
export function faultOf(from: Table, stored: SqlRow, name: string): string {
  return `${from.name} row ${shown(stored[from.key])}: ${name} (${shown(stored[name])}) must be ${from.columns[name]!.rule}`
}
