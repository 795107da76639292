import type { ErrorRecord } from '#core/errors.ts'
import { errorRecord, HeddleError } from '#core/errors.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { readEnvironment } from '#main/runtime/environment.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import type { TrainAnswer, TrainPayload } from '#main/runtime/train/job.ts'
import type { MetricPoint } from '#main/runtime/train/train.ts'
import type { Project } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { finishRun, startRun } from '#main/store/runs.ts'
import { recordEnvironment, recordSpec } from './record.ts'

export interface TrainRequest extends TrainPayload {
  /** Where the run is stored; nowhere without it. */
  readonly project?: Project | undefined
  readonly name?: string | undefined
  readonly gitRevision?: string | undefined
  /** The study and the trial (ids in the project) that the run belongs to. */
  readonly study?: number | undefined
  readonly trial?: number | undefined
}

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
  { project, name, gitRevision, study, trial, ...payload }: TrainRequest,
  handlers: TrainHandlers = {},
): Promise<TrainOutcome> {
  const { config } = payload
  const run = project === undefined ? null : begin(project, config, { name, gitRevision, study, trial })
  const writer = project === undefined || run === null ? undefined : openMetrics(project, run)
  if (run !== null) handlers.onStart?.(run)
  const end = (state: 'done' | 'failed' | 'cancelled', error?: ErrorRecord): void => {
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
    const isCancelled = error instanceof HeddleError && error.code === 'job-cancelled'
    end(isCancelled ? 'cancelled' : 'failed', errorRecord(error))
    throw error
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
    readEnvironment({ threads: config.threads ?? undefined }),
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
