// Folders and projects that live as long as one test.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { onTestFinished } from 'vitest'

/** A folder that is deleted after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A project in a scratch folder, closed after the test. */
export function scratchProject(): Project {
  const project = openProject(join(scratch(), 'test.heddle'), { create: true })
  onTestFinished(() => closeProject(project, { discard: true }))
  return project
}
