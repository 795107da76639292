import type { Runner } from '#main/runtime/link.ts'
import type { ProfilePayload, ProfileResult } from '#main/runtime/profile/job.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import type { Project } from '#main/store/db.ts'
import { recordProfile } from './record.ts'

/** Measures stacks in the runner process and stores the latencies when a project is given. */
export async function runProfile(
  runner: Runner,
  payload: ProfilePayload,
  {
    project,
    onProgress,
    signal,
  }: { project?: Project | undefined; onProgress?: (event: ProgressEvent) => void; signal?: AbortSignal } = {},
): Promise<ProfileResult> {
  const result = await runner.submit<ProfileResult>('profile', payload, {
    ...(signal !== undefined && { signal }),
    onProgress: (value) => {
      const event = parseProgressEvent(value)
      if (event !== undefined) onProgress?.(event)
    },
  })
  if (project !== undefined) recordProfile(project, payload.specs, result)
  return result
}
