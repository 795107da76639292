// Saving what can be read of a damaged project into another one.

import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { blobPath } from '../blobs.ts'
import { blobsPathOf, closeProject, openProject } from '../db.ts'
import type { Project } from '../db.ts'
import { migrations } from '../migrations/index.ts'
import { metricChunks } from '../metrics.ts'
import { readVersion } from './schema.ts'
import { connect } from './sql.ts'
import type { Sql, SqlRow, SqlValue } from './sql.ts'
import { decodeRow } from './table.ts'
import type { Table } from './table.ts'
import { TABLES } from './tables.ts'

/** What was saved. */
export interface RecoverReport {
  /** For each table, how many rows were copied. */
  readonly copied: Readonly<Record<string, number>>
  /** For each table, how many rows could be read and not kept: damaged themselves, or without what they refer to. */
  readonly refused: Readonly<Record<string, number>>
  /** Tables that could not be read to their end. */
  readonly cut: readonly string[]
  /** Hashes of blobs whose files are gone. */
  readonly missingBlobs: readonly string[]
}

/**
 * Copies every row that can still be read into a project at `out`, with the blobs; a curve is kept up to its first gap.
 * The damaged project is not changed.
 * @throws HeddleError `store-invalid` if not even its first page can be read; `usage` if `out` exists.
 */
export function recoverProject(path: string, out: string): RecoverReport {
  if (existsSync(out))
    throw new HeddleError('usage', `${out} exists`, { path: 'out', hint: 'name a project that does not exist yet' })
  if (!existsSync(path)) throw new HeddleError('file-missing', `no project at ${path}`, { path })
  const from = connect(path, { readonly: true })
  try {
    from.unsafe()
    // makes SQLite read a file that is shorter than its header says
    from.pragma('writable_schema = on')
    const version = readVersion(from, path, migrations.at(-1)!.version)
    if (version < migrations.at(-1)!.version)
      throw new HeddleError('store-invalid', `${path} has the older schema version ${version}`, {
        path,
        hint: 'recover it with the Heddle that wrote it',
      })
    const into = openProject(out, { create: true })
    try {
      const report = copyTables(from, into, path)
      closeProject(into)
      return report
    } catch (error) {
      closeProject(into, { discard: true })
      for (const rest of ['', '-wal', '-shm']) rmSync(out + rest, { force: true })
      throw error
    }
  } finally {
    from.close()
  }
}

function copyTables(from: Sql, into: Project, path: string): RecoverReport {
  const copied: Record<string, number> = {}
  const refused: Record<string, number> = {}
  const cut: string[] = []
  for (const table of TABLES) {
    copied[table.name] = 0
    refused[table.name] = 0
    const isNext = table.name === metricChunks.name ? curveGuard() : () => true
    into.sql.transaction(() => {
      const isWhole = readRows(from, table, (row) => {
        const isKept = isNext(row) && keepRow(into, table, row, path)
        ;(isKept ? copied : refused)[table.name]!++
      })
      if (!isWhole) cut.push(table.name)
    })
  }
  return { copied, refused, cut, missingBlobs: copyBlobs(into, blobsPathOf(path)) }
}

function isDamage(error: unknown): boolean {
  return error instanceof HeddleError && error.code === 'store-invalid'
}

// upwards to the first page that cannot be read, then downwards from the end to the same place; the rows of the second
// walk are kept until they are in order, because a row may refer to earlier ones
function readRows(from: Sql, table: Table, take: (row: SqlRow) => void): boolean {
  const query = `SELECT rowid AS "rowid", ${table.select} FROM ${table.name}`
  const walk = (start: number, direction: 'up' | 'down', visit: (row: SqlRow) => boolean): number | undefined => {
    const condition = direction === 'up' ? '> ? ORDER BY rowid' : '< ? ORDER BY rowid DESC'
    let last = start
    try {
      for (;;) {
        const row = from.get(`${query} WHERE rowid ${condition} LIMIT 1`, last)
        if (row === undefined) return undefined
        const rowid = Number(row['rowid'])
        // a damaged tree can lead in circles
        if (direction === 'up' ? !(rowid > last) : !(rowid < last)) return last
        if (!visit(row)) return undefined
        last = rowid
      }
    } catch (error) {
      if (!isDamage(error)) throw error
      return last
    }
  }
  const reached = walk(-1, 'up', (row) => {
    take(row)
    return true
  })
  if (reached === undefined) return true
  const rest: SqlRow[] = []
  walk(Number.MAX_SAFE_INTEGER, 'down', (row) => Number(row['rowid']) > reached && rest.push(row) > 0)
  rest.reverse().forEach(take)
  return false
}

function keepRow(into: Project, table: Table, row: SqlRow, path: string): boolean {
  const names = Object.keys(table.columns)
  try {
    decodeRow(table, { ...row }, path)
    const values = names.map((name) => row[name] as SqlValue)
    into.sql.run(
      `INSERT INTO ${table.name} (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...values,
    )
    return true
  } catch (error) {
    // `usage`: the project refuses a row whose references or earlier states are lost
    if (error instanceof HeddleError && ['store-invalid', 'usage'].includes(error.code)) return false
    throw error
  }
}

// passes the chunks of each curve that follow the ones before without a gap
function curveGuard(): (row: SqlRow) => boolean {
  const ends = new Map<string, { blocks: number; points: number }>()
  return (row) => {
    const key = JSON.stringify([row['run'], row['metric']])
    const end = ends.get(key) ?? { blocks: 0, points: 0 }
    ends.set(key, end)
    const first = Number(row['first'])
    const after = first + Number(row['count'])
    if (row['level'] === 1 ? first !== end.blocks : first > end.points) return false
    if (row['level'] === 1) end.blocks = after
    end.points = Math.max(end.points, after)
    return true
  }
}

function copyBlobs(into: Project, blobsPath: string): string[] {
  const missing: string[] = []
  for (const row of into.sql.all('SELECT hash FROM blobs')) {
    const hash = String(row['hash'])
    const target = blobPath(into.blobsPath, hash)
    if (!existsSync(blobPath(blobsPath, hash))) missing.push(hash)
    else {
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(blobPath(blobsPath, hash), target)
    }
  }
  return missing
}
