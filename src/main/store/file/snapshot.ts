// Reading a project that SQLite cannot open in place: in a folder that cannot be written SQLite has no room for its
// shared memory, and an old schema cannot be upgraded there. Both are read from a copy in memory.

import { readFileSync, statSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { storeError } from './errors.ts'
import { connect } from './sql.ts'
import type { Sql } from './sql.ts'

const LARGEST_BYTES = 2 ** 31 - 1

/** Whether a database left changes in its write-ahead log that the file itself does not hold. */
export function hasPendingLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}

/** Opens a copy of a file in memory. Only for files that no process on this machine can write. */
export function openCopy(path: string): Sql {
  if (hasPendingLog(path))
    throw new HeddleError('store-readonly', `${path} has changes in ${path}-wal that cannot be read in this folder`, {
      path,
      hint: 'copy both files and the blob folder to a folder that can be written',
    })
  if (statSync(path).size > LARGEST_BYTES)
    throw new HeddleError('store-readonly', `${path} is larger than 2 GiB and in a folder that cannot be written`, {
      path,
      hint: 'copy the project to a folder that can be written',
    })
  try {
    return openBytes(readFileSync(path), path)
  } catch (error) {
    throw storeError(error, path)
  }
}

/** Opens a database in memory from its bytes; they may be changed. */
export function openBytes(bytes: Buffer, path: string): Sql {
  // bytes 18 and 19 of the header ask for a write-ahead log, which a database in memory cannot have
  if (bytes.length > 19) bytes.fill(1, 18, 20)
  return connect(bytes, { shownAs: path })
}
