// Whether a project is whole: SQLite's own checks, every row against its columns, every curve, every blob.

import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { blobPath } from './blobs.ts'
import { closeProject, openProject } from './db.ts'
import type { Project } from './db.ts'
import { faultOf } from './file/table.ts'
import { curvesOf, pagesOf, TABLES } from './file/tables.ts'
import { readCurve } from './metrics.ts'

export interface Fault {
  readonly kind: 'file' | 'reference' | 'row' | 'curve' | 'blob'
  /** One sentence that names the place. */
  readonly message: string
}

/** What a check found. */
export interface ProjectReport {
  readonly path: string
  /** No faults. Orphans are no fault: they only take space. */
  readonly ok: boolean
  readonly schemaVersion: number | null
  readonly rows: Readonly<Record<string, number>>
  readonly points: number
  readonly blobs: { readonly count: number; readonly bytes: number }
  readonly faults: readonly Fault[]
  /** Files in the blob folder that the project does not name, as a kill between writing and recording leaves them. */
  readonly orphans: readonly string[]
}

interface Findings {
  readonly faults: Fault[]
  readonly rows: Record<string, number>
  points: number
  readonly blobs: { count: number; bytes: number }
  readonly orphans: string[]
}

/**
 * Checks a project without changing it. A damaged, foreign or newer file is a report with that fault.
 * @throws HeddleError `file-missing`.
 */
export async function checkProject(path: string): Promise<ProjectReport> {
  const found: Findings = { faults: [], rows: {}, points: 0, blobs: { count: 0, bytes: 0 }, orphans: [] }
  const attempt = async (kind: Fault['kind'], work: () => void | Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== 'store-invalid') throw error
      found.faults.push({ kind, message: error.message })
    }
  }
  let project: Project | undefined
  await attempt('file', () => void (project = openProject(path, { readonly: true })))
  const opened = project
  if (opened !== undefined) {
    try {
      await attempt('file', () => checkPages(opened, found))
      await attempt('reference', () => checkReferences(opened, found))
      for (const table of TABLES) await attempt('row', () => checkRows(opened, table, found))
      await attempt('curve', () => checkCurves(opened, found))
      await attempt('blob', () => checkBlobs(opened, found))
    } finally {
      closeProject(opened)
    }
  }
  return { path, ok: found.faults.length === 0, schemaVersion: opened?.schemaVersion ?? null, ...found }
}

function checkPages(project: Project, found: Findings): void {
  for (const row of project.sql.all('PRAGMA integrity_check(100)')) {
    const message = String(Object.values(row)[0])
    if (message !== 'ok') found.faults.push({ kind: 'file', message })
  }
}

function checkReferences(project: Project, found: Findings): void {
  for (const row of project.sql.all('PRAGMA foreign_key_check').slice(0, 100))
    found.faults.push({
      kind: 'reference',
      message: `${row['table']} row ${row['rowid']} refers to a row of ${row['parent']} that is not there`,
    })
}

async function checkRows(project: Project, table: (typeof TABLES)[number], found: Findings): Promise<void> {
  found.rows[table.name] = 0
  for (const page of pagesOf(project.sql, table, 200, project.path)) {
    for (const row of page)
      for (const name in table.columns)
        if (table.columns[name]!.decode(row[name]!) === undefined)
          found.faults.push({ kind: 'row', message: faultOf(table, row, name) })
    found.rows[table.name]! += page.length
    await pause()
  }
}

async function checkCurves(project: Project, found: Findings): Promise<void> {
  for (const { run, metric } of curvesOf(project.sql)) {
    try {
      found.points += readCurve(project, run, metric).steps.length
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      found.faults.push({ kind: 'curve', message: error.message })
    }
    await pause()
  }
}

async function checkBlobs(project: Project, found: Findings): Promise<void> {
  const known = new Set<string>()
  for (const row of project.sql.all('SELECT hash, bytes FROM blobs')) {
    const hash = String(row['hash'])
    known.add(hash)
    const path = blobPath(project.blobsPath, hash)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) found.faults.push({ kind: 'blob', message: `blob ${hash} is missing` })
    else if (stats.size !== row['bytes'] || (await hashOf(path)) !== hash)
      found.faults.push({
        kind: 'blob',
        message: `blob ${hash} has other content (${stats.size} bytes of ${row['bytes']})`,
      })
    found.blobs.count++
    found.blobs.bytes += stats?.size ?? 0
  }
  found.orphans.push(...filesOf(project.blobsPath).filter((name) => !known.has(name.replace('/', ''))))
}

async function hashOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
    digest.update(piece)
  return digest.digest('hex')
}

function filesOf(blobsPath: string): string[] {
  if (!existsSync(blobsPath)) return []
  return readdirSync(blobsPath, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.lock')) return []
    return entry.isDirectory()
      ? readdirSync(join(blobsPath, entry.name)).map((name) => `${entry.name}/${name}`)
      : [entry.name]
  })
}

// lets the process answer while a large project is checked
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
