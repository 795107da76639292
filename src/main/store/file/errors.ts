// What SQLite and the file system say, told to a user: which project, what is wrong, what to do.

import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { HeddleError } from '#core/errors.ts'

interface CodedError extends Error {
  readonly code: string
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string'
}

/** Whether an error comes from SQLite with a code that begins with one of the given ones. */
export function isSqlite(error: unknown, ...codes: readonly string[]): boolean {
  return isCoded(error) && codes.some((code) => error.code.startsWith(`SQLITE_${code}`))
}

// SQLite reports a full disk as an I/O error where it cannot write its shared memory or its temporary files
function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < 65536
  } catch {
    return false
  }
}

function diskFull(path: string): HeddleError {
  return new HeddleError('store-full', `the disk is full: nothing more can be written to ${path}`, {
    path,
    hint: 'free some space on that disk and try again; everything that was stored before is intact',
  })
}

/** The error for a damaged project. */
export function damaged(path: string, what: string): HeddleError {
  return new HeddleError('store-invalid', `the project file ${path} is damaged: ${what}`, {
    path,
    hint: 'heddle project check lists what is wrong, heddle project recover copies what can be read into another project',
  })
}

/**
 * The error to show for anything thrown while a project was used.
 * HeddleErrors and programming errors come back unchanged.
 */
export function storeError(error: unknown, path: string): unknown {
  if (error instanceof HeddleError || !isCoded(error)) return error
  if (isSqlite(error, 'FULL') || ['ENOSPC', 'EDQUOT'].includes(error.code)) return diskFull(path)
  if (['EROFS', 'EACCES', 'EPERM'].includes(error.code))
    return new HeddleError('store-readonly', `no permission to open or write ${path}: ${error.message}`, {
      path,
      hint: 'open the project for reading only, or copy it to a folder that can be written',
    })
  if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG'].includes(error.code))
    return new HeddleError('file-missing', `cannot open ${path}: ${error.message}`, { path })
  if (error.code.startsWith('SQLITE_')) return sqliteError(error, path)
  return error
}

function sqliteError(error: CodedError, path: string): unknown {
  if (isSqlite(error, 'BUSY', 'LOCKED'))
    return new HeddleError('store-busy', `another program keeps ${path} locked`, {
      path,
      hint: 'close the other program, or open the project for reading only',
    })
  if (isSqlite(error, 'READONLY'))
    return new HeddleError('store-readonly', `${path} is open for reading only`, { path })
  if (isSqlite(error, 'IOERR') && isDiskFull(path)) return diskFull(path)
  if (isSqlite(error, 'NOTADB'))
    return new HeddleError('store-invalid', `${path} is not a Heddle project: it is not an SQLite file`, { path })
  if (isSqlite(error, 'CANTOPEN'))
    return new HeddleError('file-missing', `cannot open ${path}: ${error.message}`, { path })
  if (isSqlite(error, 'CONSTRAINT'))
    return new HeddleError('usage', `the project refuses this row: ${error.message}`, { path })
  if (isSqlite(error, 'CORRUPT', 'FORMAT', 'IOERR', 'TOOBIG', 'NOMEM', 'PROTOCOL', 'INTERNAL'))
    return damaged(path, error.message)
  // a table or column that every project has is gone: the file, not the statement, is at fault
  if (/no such (table|column|index|view)|has no column|malformed|unknown/.test(error.message))
    return damaged(path, error.message)
  return error
}
