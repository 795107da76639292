// What screens show of the open project, and what it holds.

import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { countTables } from '#main/store/counts.ts'
import type { Project } from '#main/store/db.ts'

export interface ProjectInfo {
  /** Real path of the SQLite file. */
  readonly path: string
  readonly name: string
  readonly readonly: boolean
  readonly schemaVersion: number
  readonly bytes: number
  /** Rows by table: specs, runs, studies, trials, measurements, lut_entries ... */
  readonly counts: Readonly<Record<string, number>>
}

/** The name of a project by its file. */
export const projectName = (path: string): string => basename(path).replace(/\.(heddle|db|sqlite)$/, '')

/** What an open project is and holds now. */
export function projectInfo(project: Project): ProjectInfo {
  const { path, readonly, schemaVersion } = project
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return { path, name: projectName(path), readonly, schemaVersion, bytes, counts: countTables(project) }
}
