// A project as one zip: the SQLite file, compact and complete, and the blobs that it names. Unzipped anywhere, it opens.

import { existsSync, renameSync, rmSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { blobPath } from './blobs.ts'
import { blobsPathOf, closeProject, openProject } from './db.ts'
import { storeError } from './file/errors.ts'
import { copyDatabase } from './file/schema.ts'
import { connect } from './file/sql.ts'
import { writeZip } from './file/zip.ts'

/** What an archive holds. */
export interface PackReport {
  readonly path: string
  readonly bytes: number
  readonly files: number
  /** Hashes of blobs that the project names and that are not there. */
  readonly missing: readonly string[]
}

/**
 * Packs a project, also one that is open for writing elsewhere; the archive is complete or not made at all.
 * @throws HeddleError as `openProject` does for reading; `usage` if the archive would take the place of the project.
 */
export async function packProject(path: string, outZip: string): Promise<PackReport> {
  const out = resolve(outZip)
  const project = openProject(path, { readonly: true })
  const copy = `${out}.db`
  const partial = `${out}.partial`
  try {
    if (out === project.path || out.startsWith(project.blobsPath))
      throw new HeddleError('usage', `${out} is part of the project itself`, { path: 'outZip' })
    if (existsSync(copy))
      throw new HeddleError('usage', `${copy} is in the way of a temporary file`, { path: 'outZip' })
    copyDatabase(project.sql, copy)
    const hashes = blobsOf(copy)
    const name = basename(project.path)
    const missing = hashes.filter((hash) => !existsSync(blobPath(project.blobsPath, hash)))
    const entries = hashes
      .filter((hash) => !missing.includes(hash))
      .map((hash) => ({
        name: `${blobsPathOf(name)}/${hash.slice(0, 2)}/${hash.slice(2)}`,
        path: blobPath(project.blobsPath, hash),
      }))
    const bytes = await writeZip(partial, [{ name, path: copy }, ...entries])
    renameSync(partial, out)
    return { path: out, bytes, files: entries.length + 1, missing }
  } catch (error) {
    throw storeError(error, out)
  } finally {
    rmSync(copy, { force: true })
    rmSync(partial, { force: true })
    closeProject(project)
  }
}

// the copy names what it needs; the project itself may go on while it is packed
function blobsOf(copy: string): string[] {
  const sql = connect(copy, { readonly: true })
  const hashes = sql.all('SELECT hash FROM blobs ORDER BY hash').map((row) => String(row['hash']))
  sql.close()
  return hashes
}
