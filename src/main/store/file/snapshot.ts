// Reading a project that SQLite cannot open in place: in a folder that cannot be written SQLite has no room for its
// shared memory, and an old schema cannot be upgraded there. Both are read from a copy in memory.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { storeError } from './errors.ts'
import { connect } from './sql.ts'
import type { Sql } from './sql.ts'

const LARGEST_BYTES = 2 ** 31 - 1

/** Whether a database left changes in its write-ahead log that the file itself does not hold. */
export function hasPendingLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}

/**
 * Opens a copy of a file in memory. Only for files that no process on this machine can write.
 * @throws HeddleError `store-readonly` if it is too large for that.
 */
export function openCopy(path: string): Sql {
  if (statSync(path).size > LARGEST_BYTES)
    throw new HeddleError('store-readonly', `${path} is larger than 2 GiB and in a folder that cannot be written`, {
      path,
      hint: 'copy the project to a folder that can be written',
    })
  try {
    return openBytes(hasPendingLog(path) ? bytesWithLog(path) : readFileSync(path), path)
  } catch (error) {
    throw storeError(error, path)
  }
}

// SQLite takes up a log that a kill left behind only where it can write
function bytesWithLog(path: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  try {
    const copy = join(folder, 'copy.db')
    for (const part of ['', '-wal']) copyFileSync(path + part, copy + part)
    const sql = connect(copy, { shownAs: path })
    const bytes = sql.serialize()
    sql.close()
    return bytes
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Opens a database in memory from its bytes; they may be changed. */
export function openBytes(bytes: Buffer, path: string): Sql {
  // bytes 18 and 19 of the header ask for a write-ahead log, which a database in memory cannot have
  if (bytes.length > 19) bytes.fill(1, 18, 20)
  return connect(bytes, { shownAs: path })
}
