// The work that the runner process can do, by name. A job runs alone in that process; it may block it and may crash it.

import { evaluateJob } from './eval/job.ts'
import { generateJob } from './generate/job.ts'
import { profileJob } from './profile/job.ts'
import { lutJob } from './profile/lut-job.ts'
import { trainJob } from './train/job.ts'

/** What a job gets besides its payload. */
export interface JobContext {
  /** Reports plain data to the parent; at most ten per second arrive, and the last always does. */
  progress(value: unknown): void
  /** Sends plain data to the parent that must not be lost: every event arrives, in order. */
  emit(value: unknown): void
  /** Aborts when the job is cancelled; a job that does not end within half a second is killed. */
  readonly signal: AbortSignal
}

/** Takes plain data and gives plain data; what it throws reaches the caller as a HeddleError. */
export type Job = (payload: unknown, context: JobContext) => Promise<unknown>

export const jobs: Readonly<Record<string, Job>> = {
  ping: async (payload) => ({ payload, pid: process.pid, node: process.versions.node }),
  train: trainJob,
  profile: profileJob,
  lut: lutJob,
  evaluate: evaluateJob,
  generate: generateJob,
}
