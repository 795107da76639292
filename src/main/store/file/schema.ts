// The identity and version of a project file: SQLite's application_id and user_version, and the way between versions.

import { existsSync, renameSync, rmSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import type { Migration } from '../migrations/index.ts'
import { damaged } from './errors.ts'
import { connect } from './sql.ts'
import type { Sql } from './sql.ts'

/** The application_id of every project file: the four bytes `HDDL`. */
export const APPLICATION_ID = 0x4844444c

/**
 * Reads the version of a file and makes sure that it is a project.
 * @throws HeddleError `store-invalid` for other SQLite files and for newer versions.
 */
export function readVersion(sql: Sql, path: string, newest: number): number {
  const id = Number(sql.pragma('application_id'))
  const version = Number(sql.pragma('user_version'))
  if (id !== APPLICATION_ID)
    throw new HeddleError('store-invalid', `${path} is an SQLite file of another program (application_id ${id})`, {
      path,
      hint: 'choose a project that Heddle made, or another name for a new one',
    })
  if (version > newest)
    throw new HeddleError(
      'store-invalid',
      `${path} was written by a newer Heddle: version ${version}, this one reads up to ${newest}`,
      {
        path,
        hint: 'update Heddle; the file was not changed',
      },
    )
  if (version < 1) throw damaged(path, `it names schema version ${version}, and the first is 1`)
  return version
}

/** Applies the migrations after `version` in one transaction: all of them or, on any error, none. */
export function migrate(sql: Sql, version: number, migrations: readonly Migration[]): void {
  const steps = migrations.filter((step) => step.version > version)
  if (steps.length === 0) return
  sql.transaction(() => {
    for (const step of steps) {
      sql.exec(step.sql)
      sql.pragma(`user_version = ${step.version}`)
    }
    sql.pragma(`application_id = ${APPLICATION_ID}`)
    if (sql.all('PRAGMA foreign_key_check').length > 0)
      throw new Error(`the migrations to version ${steps.at(-1)!.version} left rows that refer to nothing`)
  })
}

/** Keeps a whole copy of a project beside it before it is migrated; returns the copy's path. */
export function backUp(sql: Sql, path: string, version: number): string {
  const name = `${path}.v${version}.backup`
  let copy = name
  for (let i = 2; existsSync(copy); i++) copy = `${name}-${i}`
  copyDatabase(sql, copy)
  return copy
}

/** Writes a compact copy of a database, complete or not at all. */
export function copyDatabase(sql: Sql, to: string): void {
  const partial = `${to}.partial`
  rmSync(partial, { force: true })
  const guard = sql.pragma('query_only')
  try {
    // a vacuum counts as a write, although this one only reads
    sql.pragma('query_only = off')
    sql.run('VACUUM INTO ?', partial)
    renameSync(partial, to)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  } finally {
    sql.pragma(`query_only = ${guard}`)
  }
}

const objectsOf = (sql: Sql): Map<string, string> =>
  new Map(
    sql
      .all("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
      .map((row) => [`${row['type']} ${row['name']}`, String(row['sql'])]),
  )

/** Makes sure that every table, view, index and trigger of the newest version is there, and as it should be. */
export function checkSchema(sql: Sql, path: string, migrations: readonly Migration[]): void {
  const found = objectsOf(sql)
  for (const [name, text] of expectedObjects(migrations)) {
    const given = found.get(name)
    if (given === undefined) throw damaged(path, `the ${name} is missing`)
    if (given !== text) throw damaged(path, `the ${name} was changed by another program`)
  }
}

const expected = new Map<readonly Migration[], ReadonlyMap<string, string>>()

function expectedObjects(migrations: readonly Migration[]): ReadonlyMap<string, string> {
  const known = expected.get(migrations)
  if (known !== undefined) return known
  const sql = connect(':memory:')
  migrate(sql, 0, migrations)
  const objects = objectsOf(sql)
  sql.close()
  expected.set(migrations, objects)
  return objects
}
