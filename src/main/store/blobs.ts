// Large things beside the SQLite file: checkpoints and traces, named by the sha-256 of their bytes
// (`<project>.blobs/ab/cdef...`). A blob is written whole under another name, then renamed, then recorded.

import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { Project } from './db.ts'
import { hash, integer, optional, text } from './file/columns.ts'
import { damaged, storeError } from './file/errors.ts'
import { insert, insertOnce, select, table, where } from './file/table.ts'
import type { RowOf } from './file/table.ts'

export const blobs = table('blobs', 'The files of the blob folder, by the sha-256 of their bytes.', {
  hash,
  bytes: integer(),
  createdAt: integer(),
})

export const artifacts = table(
  'artifacts',
  'What blobs are: the checkpoints and traces of runs, trials and measurements.',
  {
    id: integer(),
    /** checkpoint, trace, graph, report ... */
    kind: text(),
    name: text(200, 0),
    blob: hash,
    run: optional(integer()),
    trial: optional(integer()),
    measurement: optional(integer()),
    step: optional(integer()),
    createdAt: integer(),
  },
)

export type BlobRow = RowOf<typeof blobs.columns>
export type ArtifactRow = RowOf<typeof artifacts.columns>

/** Where the bytes of a blob are. */
export function blobPath(blobsPath: string, hash: string): string {
  return join(blobsPath, hash.slice(0, 2), hash.slice(2))
}

function partialPath(project: Project): string {
  if (project.readonly)
    throw new HeddleError('store-readonly', `${project.path} is open for reading only`, { path: project.path })
  return join(project.blobsPath, `${randomUUID()}.partial`)
}

function keep(project: Project, partial: string, hash: string, bytes: number): string {
  const target = blobPath(project.blobsPath, hash)
  mkdirSync(dirname(target), { recursive: true })
  // over a file of the same name too: its content is the same, or it is damaged
  renameSync(partial, target)
  insertOnce(project.sql, blobs, { hash, bytes, createdAt: Date.now() })
  return hash
}

/** Stores bytes and returns their hash. Throws `store-readonly` on a full disk, with nothing left behind. */
export function putBlob(project: Project, bytes: Uint8Array): string {
  const partial = partialPath(project)
  try {
    const file = openSync(partial, 'wx')
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return keep(project, partial, createHash('sha256').update(bytes).digest('hex'), bytes.length)
  } catch (error) {
    throw storeError(error, project.path)
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Stores a copy of a file of any size and returns its hash. */
export async function putBlobFile(project: Project, path: string): Promise<string> {
  const partial = partialPath(project)
  const digest = createHash('sha256')
  let bytes = 0
  try {
    const file = await open(partial, 'wx')
    try {
      for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
        digest.update(piece)
        bytes += piece.length
        await file.writeFile(piece)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    return keep(project, partial, digest.digest('hex'), bytes)
  } catch (error) {
    throw storeError(error, (error as NodeJS.ErrnoException).path === path ? path : project.path)
  } finally {
    rmSync(partial, { force: true })
  }
}

/**
 * The bytes of a blob, compared with their hash.
 * @throws HeddleError `store-invalid` if the file is missing or has other content.
 */
export function getBlob(project: Project, hash: string): Buffer {
  const bytes = readBlob(project, hash)
  if (createHash('sha256').update(bytes).digest('hex') !== hash)
    throw damaged(project.path, `blob ${hash} has other content`)
  return bytes
}

function readBlob(project: Project, hash: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(hash))
    throw new HeddleError('usage', `${JSON.stringify(hash)} is not a sha-256`, { path: 'hash' })
  const path = blobPath(project.blobsPath, hash)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw damaged(project.path, `blob ${hash} is missing`)
  try {
    return readFileSync(path)
  } catch (error) {
    throw storeError(error, path)
  }
}

/** What an artifact is recorded with; what is left out is null. */
export type ArtifactStart = Pick<ArtifactRow, 'kind' | 'blob'> &
  Partial<Pick<ArtifactRow, 'name' | 'run' | 'trial' | 'measurement' | 'step'>>

/** Says what a blob is and where it belongs; returns the artifact's number. Throws `usage` on an unknown blob or owner. */
export function addArtifact(project: Project, start: ArtifactStart): number {
  const blank = { name: '', run: null, trial: null, measurement: null, step: null }
  return insert(project.sql, artifacts, { ...blank, ...start, createdAt: Date.now() })
}

/** Artifacts in the order in which they were added. */
export function listArtifacts(
  project: Project,
  filter: {
    readonly kind?: string
    readonly run?: number
    readonly trial?: number
    readonly measurement?: number
  } = {},
): ArtifactRow[] {
  const { text, values } = where({
    kind: filter.kind,
    run: filter.run,
    trial: filter.trial,
    measurement: filter.measurement,
  })
  return select(project.sql, artifacts, project.path, `${text} ORDER BY id`, ...values)
}

/** Forgets an artifact and deletes its blob if no other artifact has it: for checkpoints that newer ones replace. */
export function removeArtifact(project: Project, artifact: number): void {
  const row = select(project.sql, artifacts, project.path, 'WHERE id = ?', artifact)[0]
  if (row === undefined)
    throw new HeddleError('usage', `no artifact ${artifact} in ${project.path}`, { path: 'artifact' })
  const isLast = project.sql.transaction(() => {
    project.sql.run('DELETE FROM artifacts WHERE id = ?', artifact)
    return (
      project.sql.run('DELETE FROM blobs WHERE hash = ? AND hash NOT IN (SELECT blob FROM artifacts)', row.blob)
        .changes > 0
    )
  })
  // the row goes first: a kill between the two leaves a file that no row names, which the check reports
  if (isLast) rmSync(blobPath(project.blobsPath, row.blob), { force: true })
}
