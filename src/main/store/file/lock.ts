// One writer for each project. The lock is SQLite's own lock on a small file in the blob folder, held as long as the
// project is open: the operating system lets go of it when a process ends in any way, so a lock is never stale.

import { hostname } from 'node:os'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { isSqlite } from './errors.ts'
import { connect } from './sql.ts'
import type { Sql, SqlRow } from './sql.ts'

// a lock that nothing refers to any more would be let go by the garbage collector
const held = new Set<Sql>()

/**
 * Takes the writer's lock of a project; call the result to release it.
 * @throws HeddleError `store-busy` naming the process that holds it.
 */
export function lockProject(path: string, blobsPath: string): () => void {
  const file = join(blobsPath, '.lock')
  const lock = connect(file, { timeoutMs: 200 })
  const owner = { process: process.pid, host: hostname(), since: new Date().toISOString() }
  try {
    lock.pragma('journal_mode = memory')
    lock.exec('BEGIN IMMEDIATE')
    lock.exec('CREATE TABLE IF NOT EXISTS owner (process INTEGER, host TEXT, since TEXT) STRICT; DELETE FROM owner')
    lock.run('INSERT INTO owner VALUES (?, ?, ?)', owner.process, owner.host, owner.since)
    lock.exec('COMMIT; BEGIN IMMEDIATE')
    // between the two transactions another process may have come first
    if (!isOwner(readOwner(lock), owner)) throw busy(path, readOwner(lock))
    held.add(lock)
    return () => {
      held.delete(lock)
      lock.close()
    }
  } catch (error) {
    const holder = isHeld(error) ? readOwner(lock) : undefined
    lock.close()
    throw isHeld(error) ? busy(path, holder) : error
  }
}

function isHeld(error: unknown): boolean {
  return isSqlite(error, 'BUSY', 'LOCKED') || (error instanceof HeddleError && error.code === 'store-busy')
}

function isOwner(row: SqlRow | undefined, owner: SqlRow): boolean {
  return row !== undefined && Object.entries(owner).every(([name, value]) => row[name] === value)
}

function readOwner(lock: Sql): SqlRow | undefined {
  try {
    return lock.get('SELECT process, host, since FROM owner')
  } catch {
    return undefined
  }
}

function busy(path: string, holder: SqlRow | undefined): HeddleError {
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder['process']} on ${holder['host']}, since ${holder['since']},`
  return new HeddleError('store-busy', `${who} has ${path} open for writing`, {
    path,
    hint: 'open the project for reading only, or close it there first',
  })
}
