// Opening and closing a project: one SQLite file with a folder of blobs beside it, one writer, any number of readers.
// The write-ahead log with synchronous=normal keeps every committed transaction through a kill of the process; a power
// cut may lose the last ones, and never damages the file.

import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { damaged, storeError } from './file/errors.ts'
import { lockProject } from './file/lock.ts'
import { backUp, checkSchema, migrate, readVersion } from './file/schema.ts'
import { hasPendingLog, openBytes, openCopy } from './file/snapshot.ts'
import { connect } from './file/sql.ts'
import type { Sql } from './file/sql.ts'
import { migrations as released } from './migrations/index.ts'
import type { Migration } from './migrations/index.ts'
import type { RunEnd } from './runs.ts'

/** An open project. Every function of the store takes it first. */
export interface Project {
  /** The real path of the SQLite file. */
  readonly path: string
  /** The folder of the content-addressed blobs. */
  readonly blobsPath: string
  readonly readonly: boolean
  readonly schemaVersion: number
  readonly sql: Sql
  /** What must be written before the project closes: the metric writers that are open, by run. */
  readonly pending: Map<number, { flush(): void; stop(): void }>
  /** Runs that have ended but could not be told so in the file: it is tried again. */
  readonly unended: Map<number, RunEnd>
  readonly unlock: () => void
}

export interface OpenOptions {
  /** Open for reading: also from a read-only disk, beside a writer, and older versions without upgrading the file. */
  readonly readonly?: boolean
  /** Make a project where no file is. */
  readonly create?: boolean
  /** The versions to know; for tests of the upgrade. */
  readonly migrations?: readonly Migration[]
}

/** The blob folder of a project file. */
export function blobsPathOf(path: string): string {
  return `${path}.blobs`
}

/**
 * Opens a project. For writing, it takes the writer's lock, upgrades an older file after keeping a copy beside it
 * (`<project>.v1.backup`), and marks what a dead process left running as interrupted.
 * @throws HeddleError `file-missing`; `store-invalid` for a damaged, foreign or newer file; `store-busy` if another
 * process has it open for writing; `store-readonly` if it cannot be written.
 */
export function openProject(path: string, options: OpenOptions = {}): Project {
  const migrations = options.migrations ?? released
  const file = findFile(path, options)
  if (options.readonly === true) return openForReading(file, migrations)
  const blobsPath = blobsPathOf(file)
  try {
    accessSync(dirname(file), constants.W_OK)
    if (existsSync(file)) {
      accessSync(file, constants.W_OK)
      identify(file, migrations).close()
    }
    mkdirSync(blobsPath, { recursive: true })
  } catch (error) {
    throw storeError(error, file)
  }
  const unlock = lockProject(file, blobsPath)
  try {
    if (!existsSync(file)) create(file, migrations)
    return openForWriting(file, blobsPath, migrations, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/**
 * Writes what is pending, closes the file and releases the lock. If that fails (a full disk) the project stays open
 * and nothing is lost; `discard` closes it all the same.
 */
export function closeProject(project: Project, options: { readonly discard?: boolean } = {}): void {
  const writers = [...project.pending.values()]
  if (options.discard !== true) for (const writer of writers) writer.flush()
  for (const writer of writers) writer.stop()
  project.pending.clear()
  project.sql.close()
  project.unlock()
}

function findFile(path: string, options: OpenOptions): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0') || path !== path.trim())
    throw new HeddleError('usage', `${JSON.stringify(path)} is not a path to a project`, { path: 'path' })
  const absolute = resolve(path)
  const stats = statSync(absolute, { throwIfNoEntry: false })
  if (stats === undefined) {
    if (options.create !== true || options.readonly === true || !existsSync(dirname(absolute)))
      throw new HeddleError('file-missing', `no project at ${absolute}`, {
        path,
        hint: existsSync(dirname(absolute)) ? 'check the name, or create the project' : 'the folder does not exist',
      })
    return join(realpathSync(dirname(absolute)), basename(absolute))
  }
  if (!stats.isFile()) throw new HeddleError('store-invalid', `${absolute} is not a file`, { path })
  // an empty file would pass for an empty database; a write-ahead log beside it would make it a project
  if (stats.size === 0 && !hasPendingLog(absolute))
    throw new HeddleError('store-invalid', `${absolute} is empty (0 bytes)`, { path })
  return realpathSync(absolute)
}

// a read of the identity first, so that a file which is no project is left without locks and folders beside it
function identify(file: string, migrations: readonly Migration[]): Sql {
  let sql: Sql | undefined
  try {
    sql = connect(file, { readonly: true })
    readVersion(sql, file, newestOf(migrations))
    checkLength(sql, file)
    return sql
  } catch (error) {
    sql?.close()
    throw error
  }
}

// SQLite reads a last page that is cut short as if the rest of it were zeros
function checkLength(sql: Sql, file: string): void {
  const bytes = Number(sql.pragma('page_count')) * Number(sql.pragma('page_size'))
  const found = statSync(file).size
  if (found < bytes && !hasPendingLog(file)) throw damaged(file, `it has ${found} bytes of ${bytes}`)
}

function newestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)!.version
}

function openForReading(file: string, migrations: readonly Migration[]): Project {
  let sql: Sql
  try {
    sql = identify(file, migrations)
  } catch (error) {
    if (!(error instanceof HeddleError) || !['file-missing', 'store-readonly'].includes(error.code)) throw error
    sql = openCopy(file)
  }
  try {
    const version = readVersion(sql, file, newestOf(migrations))
    if (version < newestOf(migrations)) {
      const copy = openBytes(sql.serialize(), file)
      sql.close()
      sql = copy
      migrate(sql, version, migrations)
    }
    sql.pragma('query_only = on')
    checkSchema(sql, file, migrations)
    return projectOf(file, true, migrations, sql, () => {})
  } catch (error) {
    sql.close()
    throw error
  }
}

function openForWriting(
  file: string,
  blobsPath: string,
  migrations: readonly Migration[],
  unlock: () => void,
): Project {
  const sql = connect(file)
  try {
    const version = readVersion(sql, file, newestOf(migrations))
    sql.pragma('journal_mode = wal')
    sql.pragma('synchronous = normal')
    sql.pragma('foreign_keys = on')
    sql.pragma('recursive_triggers = on')
    sql.pragma(`journal_size_limit = ${64 << 20}`)
    if (version < newestOf(migrations)) {
      backUp(sql, file, version)
      migrate(sql, version, migrations)
    }
    checkSchema(sql, file, migrations)
    markInterrupted(sql)
    removePartialBlobs(blobsPath)
    return projectOf(file, false, migrations, sql, unlock)
  } catch (error) {
    sql.close()
    throw error
  }
}

function projectOf(
  path: string,
  readonly: boolean,
  migrations: readonly Migration[],
  sql: Sql,
  unlock: () => void,
): Project {
  return {
    path,
    blobsPath: blobsPathOf(path),
    readonly,
    schemaVersion: newestOf(migrations),
    sql,
    pending: new Map(),
    unended: new Map(),
    unlock,
  }
}

// made under another name and then renamed, so that a kill leaves no half-made project
function create(file: string, migrations: readonly Migration[]): void {
  const partial = `${file}.partial`
  for (const rest of ['', '-wal', '-shm', '-journal']) rmSync(partial + rest, { force: true })
  try {
    const sql = connect(partial)
    try {
      migrate(sql, 0, migrations)
      sql.pragma('journal_mode = wal')
    } finally {
      sql.close()
    }
    renameSync(partial, file)
  } catch (error) {
    throw storeError(error, file)
  } finally {
    rmSync(partial, { force: true })
  }
}

// the writer's lock is held, so nothing that is marked running can still run
function markInterrupted(sql: Sql): void {
  const error = JSON.stringify({
    code: 'job-crashed',
    message: 'the process that worked on it ended before it was done',
  })
  const now = Date.now()
  sql.transaction(() => {
    for (const owner of ['run', 'trial'])
      sql.run(
        `INSERT INTO ${owner}_states (${owner}, state, error, at) SELECT id, 'interrupted', ?, ? FROM ${owner}_results WHERE state = 'running'`,
        error,
        now,
      )
    sql.run("UPDATE studies SET state = 'interrupted', error = ?, updatedAt = ? WHERE state = 'running'", error, now)
  })
}

function removePartialBlobs(blobsPath: string): void {
  for (const name of readdirSync(blobsPath)) if (name.endsWith('.partial')) rmSync(join(blobsPath, name))
}
