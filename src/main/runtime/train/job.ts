import { HeddleError } from '#core/errors.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import type { Job } from '../jobs.ts'
import { targetOf } from '../targets/index.ts'
import { corpusBatches } from './corpus-source.ts'
import { taskSource } from './source.ts'
import type { BatchSource } from './source.ts'
import { train } from './train.ts'
import type { MetricPoint, TrainResult } from './train.ts'

export interface TrainPayload {
  readonly config: TrainConfig
  readonly checkpoint?: string | undefined
  readonly resume?: string | undefined
}

/** What the job answers: the result without the weights, which are in the checkpoint. */
export type TrainAnswer = Omit<TrainResult, 'weights'>

/** Points are sent together, this often. */
const EMIT_MS = 250

export function parseTrainPayload(input: unknown): TrainPayload {
  const json = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>
  const { config, checkpoint, resume } = json
  for (const [name, path] of Object.entries({ checkpoint, resume }))
    if (path !== undefined && typeof path !== 'string')
      throw new HeddleError('usage', `${name} must be a path`, { path: name })
  return {
    config: parseTrainConfig(config),
    checkpoint: checkpoint as string | undefined,
    resume: resume as string | undefined,
  }
}

/** Emits arrays of MetricPoint; answers a TrainAnswer. */
export const trainJob: Job = async (payload, { progress, emit, signal }) => {
  const { config, checkpoint, resume } = parseTrainPayload(payload)
  const target = targetOf(config.target)
  target.wake?.()
  const source = await openSource(config, progress, signal)
  let waiting: MetricPoint[] = []
  let sentAt = performance.now()
  const send = (): void => {
    if (waiting.length > 0) emit(waiting)
    waiting = []
    sentAt = performance.now()
  }
  try {
    const { weights: _, ...answer } = await train(config, source, target, {
      signal,
      onProgress: progress,
      onPoint: (point) => {
        waiting.push(point)
        if (performance.now() - sentAt > EMIT_MS) send()
      },
      ...(checkpoint !== undefined && { checkpoint }),
      ...(resume !== undefined && { resume }),
    })
    return answer satisfies TrainAnswer
  } finally {
    send()
    source.close()
  }
}

async function openSource(
  config: TrainConfig,
  progress: (value: unknown) => void,
  signal: AbortSignal,
): Promise<BatchSource> {
  const { data, run } = config
  return data.kind === 'task'
    ? taskSource(data.task, data.params, run)
    : corpusBatches(data, run, { onProgress: progress, signal })
}
