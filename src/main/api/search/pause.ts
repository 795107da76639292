// A wish of another process that a running study pause: a file in the blob folder, since only the process that runs the
// study may write to the project. It ends in `.partial` so that opening the project for writing removes a stale one.

import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { Project } from '#main/store/db.ts'
import { getStudy } from '#main/store/studies.ts'

const requestOf = ({ blobsPath }: Project, study: number): string => join(blobsPath, `pause-${study}.partial`)

/** Asks whoever runs a study to stop after the trials in flight. Throws HeddleError `usage` where nobody runs it. */
export function requestPause(project: Project, study: number): void {
  const { state } = getStudy(project, study)
  if (state !== 'running') throw new HeddleError('usage', `study ${study} is ${state}, not running`, { path: 'study' })
  writeFileSync(requestOf(project, study), '')
}

/** Whether somebody asked a study to pause. */
export const isPauseRequested = (project: Project, study: number): boolean => existsSync(requestOf(project, study))

/** Forgets a wish: when the study begins, and when it has paused. */
export const clearPauseRequest = (project: Project, study: number): void =>
  rmSync(requestOf(project, study), { force: true })
