// A thin layer over better-sqlite3: prepared statements kept by their text, and every error told to a user.

import Database from 'better-sqlite3'
import { HeddleError } from '#core/errors.ts'
import { storeError } from './errors.ts'

export type SqlValue = number | string | Uint8Array | null
export type SqlRow = Readonly<Record<string, SqlValue>>

/** Rows of a query as lists, in the order of its columns. */
export interface SqlPage {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
  /** Whether there were more rows. */
  readonly isCut: boolean
}

/** One connection. Every function throws HeddleErrors as `storeError` forms them. */
export interface Sql {
  all(text: string, ...values: readonly SqlValue[]): SqlRow[]
  /**
   * The first `most` rows of one statement of a user, as lists. Throws `usage` for what is not a single SELECT.
   */
  read(text: string, most: number): SqlPage
  get(text: string, ...values: readonly SqlValue[]): SqlRow | undefined
  /** Runs a statement that writes; `id` is the last row id inserted on this connection. */
  run(text: string, ...values: readonly SqlValue[]): { readonly changes: number; readonly id: number }
  /** Runs several statements without values. */
  exec(text: string): void
  /** The first value of a pragma: `pragma('user_version')`. */
  pragma(text: string): SqlValue | undefined
  /** Runs `work` in one transaction (a savepoint inside another one); rolls back if it throws. No `await` inside. */
  transaction<T>(work: () => T): T
  /** The database as the bytes of a file. */
  serialize(): Buffer
  /** Lets statements change the schema by hand: for reading what is left of a damaged file. */
  unsafe(): void
  close(): void
}

export interface ConnectOptions {
  readonly readonly?: boolean
  /** How long a statement waits for another connection's lock. */
  readonly timeoutMs?: number
  /** The name in messages, where it differs from the file. */
  readonly shownAs?: string
}

/** Opens one connection to a file, `:memory:`, or the bytes of a database. */
export function connect(source: string | Buffer, options: ConnectOptions = {}): Sql {
  const path = options.shownAs ?? (typeof source === 'string' ? source : 'memory')
  const told = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw storeError(error, path)
    }
  }
  const db = told(() => open(source, options))
  const statements = new Map<string, Database.Statement<unknown[], SqlRow>>()
  const prepare = (text: string): Database.Statement<unknown[], SqlRow> => {
    let statement = statements.get(text)
    if (statement === undefined) statements.set(text, (statement = db.prepare<unknown[], SqlRow>(text)))
    return statement
  }
  return {
    all: (text, ...values) => told(() => prepare(text).all(...values)),
    get: (text, ...values) => told(() => prepare(text).get(...values)),
    read: (text, most) => told(() => readPage(db, text, most)),
    run: (text, ...values) =>
      told(() => {
        const { changes, lastInsertRowid } = prepare(text).run(...values)
        return { changes, id: Number(lastInsertRowid) }
      }),
    exec: (text) => told(() => void db.exec(text)),
    pragma: (text) => told(() => db.pragma(text, { simple: true }) as SqlValue | undefined),
    transaction: (work) => told(() => db.transaction(work).immediate()),
    serialize: () => told(() => db.serialize()),
    unsafe: () => void db.unsafeMode(true),
    close: () => told(() => void db.close()),
  }
}

function readPage(db: Database.Database, text: string, most: number): SqlPage {
  const refuse = (message: string): never => {
    throw new HeddleError('usage', message, { path: 'sql', hint: 'write one SELECT' })
  }
  // a pragma may be a reader too
  if (!/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(SELECT|WITH|VALUES)\b/i.test(text)) refuse('a table is one SELECT')
  let statement: Database.Statement<unknown[], SqlValue[]>
  try {
    statement = db.prepare<unknown[], SqlValue[]>(text)
  } catch (error) {
    return refuse(`the SELECT cannot be read: ${(error as Error).message}`)
  }
  if (!statement.reader || !statement.readonly) refuse('a table only reads')
  const columns = statement.columns().map((column) => column.name)
  const rows: SqlValue[][] = []
  try {
    for (const row of statement.raw().iterate()) {
      if (rows.length === most) return { columns, rows, isCut: true }
      rows.push(row)
    }
  } catch (error) {
    return refuse(`the SELECT failed: ${(error as Error).message}`)
  }
  return { columns, rows, isCut: false }
}

function open(source: string | Buffer, options: ConnectOptions): Database.Database {
  const db = new Database(source, { readonly: options.readonly ?? false, timeout: options.timeoutMs ?? 2000 })
  try {
    // a crafted schema must not call functions, and a damaged page must be noticed before it is used
    db.pragma('trusted_schema = off')
    db.pragma('cell_size_check = on')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
