import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ErrorCode, ErrorRecord } from '#core/errors.ts'
import { errorRecord, HeddleError } from '#core/errors.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { readEnvironment } from '#main/runtime/environment.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import { runtimesOf } from '#main/runtime/targets/index.ts'
import type { TrainAnswer, TrainPayload } from '#main/runtime/train/job.ts'
import type { MetricPoint } from '#main/runtime/train/train.ts'
import type { Project } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { finishRun, isUnwritable, resumeRun, startRun } from '#main/store/runs.ts'
import { recordEnvironment, recordSpec } from './record.ts'

export interface TrainRequest extends TrainPayload {
  /** Where the run is stored; nowhere without it. */
  readonly project?: Project | undefined
  readonly name?: string | undefined
  readonly gitRevision?: string | undefined
  /** The study and the trial (ids in the project) that the run belongs to. */
  readonly study?: number | undefined
  readonly trial?: number | undefined
  /** An interrupted or cancelled run of the project that goes on: from its checkpoint, else from its beginning. */
  readonly interrupted?: number | undefined
  /** Keeps checkpoints beside the project, if the configuration asks for any. */
  readonly isKept?: boolean | undefined
}

/** Where the checkpoint of a run is kept. */
export const checkpointOf = (project: Project, run: number): string =>
  `${project.path}.checkpoints/run-${run}.safetensors`

export interface TrainHandlers {
  /** The run in the project, before its first point. */
  readonly onStart?: (run: number) => void
  readonly onProgress?: (event: ProgressEvent) => void
  readonly onPoints?: (points: readonly MetricPoint[]) => void
  readonly signal?: AbortSignal
}

/** Number of the run in the project, when there is one, and its outcome. */
export type TrainOutcome = TrainAnswer & { readonly run: number | null }

/** Trains in the runner process; every point is in the project before the caller hears of it. */
export async function runTraining(
  runner: Runner,
  { project, name, gitRevision, study, trial, interrupted, isKept, ...given }: TrainRequest,
  handlers: TrainHandlers = {},
): Promise<TrainOutcome> {
  const { config } = given
  if (project !== undefined && interrupted !== undefined) resumeRun(project, interrupted)
  const run =
    project === undefined ? null : (interrupted ?? begin(project, config, { name, gitRevision, study, trial }))
  const kept = project !== undefined && run !== null && isKept === true ? checkpointOf(project, run) : undefined
  const payload = { ...given, ...(kept !== undefined && checkpointsAt(kept, config, interrupted !== undefined)) }
  const writer = project === undefined || run === null ? undefined : openMetrics(project, run)
  if (run !== null) handlers.onStart?.(run)
  const end = (state: 'done' | 'failed' | 'cancelled' | 'interrupted', error?: ErrorRecord): void => {
    if (project !== undefined && run !== null) finishRun(project, run, { state, ...(error !== undefined && { error }) })
  }
  try {
    const answer = await runner.submit<TrainAnswer>('train', payload, {
      ...(handlers.signal !== undefined && { signal: handlers.signal }),
      onProgress: (value) => {
        const event = parseProgressEvent(value)
        if (event !== undefined) handlers.onProgress?.(event)
      },
      onEvent: (value) => {
        const points = value as readonly MetricPoint[]
        for (const { step, values } of points)
          for (const [metric, y] of Object.entries(values)) writer?.append(metric, step, y)
        handlers.onPoints?.(points)
      },
    })
    end(answer.state, answer.error)
    return { ...answer, run }
  } catch (error) {
    const code = error instanceof HeddleError ? error.code : undefined
    try {
      end((code !== undefined && STOPPED[code]) || 'failed', errorRecord(error))
    } catch (second) {
      // the project still cannot be written: that is said already
      if (!isUnwritable(second)) throw second
    }
    throw error
  }
}

/** Errors after which a run can go on; all others are its own. */
const STOPPED: Partial<Record<ErrorCode, 'cancelled' | 'interrupted'>> = {
  'job-cancelled': 'cancelled',
  'job-crashed': 'interrupted',
  'checkpoint-invalid': 'interrupted',
  'store-full': 'interrupted',
  'store-busy': 'interrupted',
}

/** Where to write checkpoints, if any are asked for, and the one to go on from, if there is one. */
function checkpointsAt(
  path: string,
  { run }: TrainConfig,
  goesOn: boolean,
): Pick<TrainPayload, 'checkpoint' | 'resume'> {
  if (run.checkpointEvery !== null) mkdirSync(dirname(path), { recursive: true })
  return {
    ...(run.checkpointEvery !== null && { checkpoint: path }),
    ...(goesOn && existsSync(path) && { resume: path }),
  }
}

function begin(
  project: Project,
  config: TrainConfig,
  { name, gitRevision, study, trial }: Pick<TrainRequest, 'name' | 'gitRevision' | 'study' | 'trial'>,
): number {
  const spec = recordSpec(project, config.spec)
  const environment = recordEnvironment(
    project,
    config.target,
    readEnvironment({ threads: config.threads ?? undefined, runtimes: runtimesOf(config.target) }),
  )
  return startRun(project, {
    spec,
    config: JSON.parse(JSON.stringify(config)) as Record<string, never>,
    seed: config.run.seed,
    name: name ?? '',
    environment,
    gitRevision: gitRevision ?? null,
    study: study ?? null,
    trial: trial ?? null,
  })
}
