import { existsSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { lastValues, listMetrics, readCurve } from '#main/store/metrics.ts'
import { getRun, listRuns } from '#main/store/runs.ts'
import { checkpointOf, runTraining } from '../train.ts'
import type { TrainOutcome } from '../train.ts'
import type { Context } from './context.ts'
import { call } from './door.ts'
import type { JobRow } from './jobs.ts'
import { ownData } from './library.ts'
import { integer, listOf, object, optional, text } from './readers.ts'

interface Training {
  readonly config: TrainConfig
  readonly name: string
  /** A run that goes on. */
  readonly interrupted?: number
}

/** A job that trains; its run and points arrive as events. */
function startJob(context: Context, { config: given, name, interrupted }: Training): JobRow {
  const project = context.writable()
  const config = { ...given, data: ownData(context.library, given.data) }
  const title = `${interrupted === undefined ? 'Train' : 'Go on with'} ${name}`
  return context.jobs.start({ kind: 'train', title }, ({ signal, onProgress, refer }) =>
    context.lane.shared(async () => {
      let run: number | undefined
      const tell = (): void => {
        if (run !== undefined) context.emit({ type: 'run', run: getRun(project, run) })
      }
      try {
        const outcome = await context.withRunner((runner) =>
          runTraining(
            runner,
            { config, project, name, isKept: true, ...(interrupted !== undefined && { interrupted }) },
            {
              signal,
              onProgress,
              onStart(id) {
                run = id
                refer({ run: id })
                tell()
              },
              onPoints: (points) => context.emit({ type: 'points', run: run!, points }),
            },
          ),
        )
        return resultOf(outcome)
      } finally {
        tell()
      }
    }),
  )
}

/** What a job says when its run ended well. Throws HeddleError if it did not. */
function resultOf({ state, error, final, steps, tokensPerSecond }: TrainOutcome): string {
  if (state !== 'done') {
    const { code = 'train-diverged', message = state, path, hint } = error ?? {}
    throw new HeddleError(code, message, { path, hint })
  }
  const { bitsPerByte, valLoss } = final
  const quality =
    bitsPerByte !== undefined
      ? `${bitsPerByte.toFixed(3)} bits/byte`
      : valLoss !== undefined
        ? `${valLoss.toFixed(3)} nats/token`
        : `${steps} steps`
  return `${quality}, ${Math.round(tokensPerSecond)} tokens/s`
}

const RESUMABLE: readonly string[] = ['interrupted', 'cancelled']

export const training = {
  /** Trains one stack. */
  start: call({ config: object, name: optional(text()) }, (context, args) => {
    const config = parseTrainConfig(args.config)
    return startJob(context, { config, name: args.name ?? config.spec.name ?? 'run' })
  }),
  /** Goes on with an interrupted or cancelled run: from its checkpoint, else from its beginning. */
  resume: call({ id: integer(1) }, (context, { id }) => {
    const run = getRun(context.writable(), id)
    if (!RESUMABLE.includes(run.state))
      throw new HeddleError('usage', `run ${id} is ${run.state}: only interrupted and cancelled runs go on`, {
        path: 'id',
      })
    if (run.study !== null)
      throw new HeddleError('usage', `run ${id} belongs to study ${run.study}, which goes on as a whole`, {
        path: 'id',
      })
    return startJob(context, {
      config: parseTrainConfig(run.config),
      name: run.name === '' ? `run ${id}` : run.name,
      interrupted: id,
    })
  }),
  /** All runs, or those of a study; trials of searches are runs too. */
  runs: call({ study: optional(integer(1)) }, (context, { study }) =>
    listRuns(context.project(), study === undefined ? {} : { study }),
  ),
  /** One run with its metrics, and whether a checkpoint of it is kept. */
  run: call({ id: integer(1) }, (context, { id }) => ({
    run: getRun(context.project(), id),
    metrics: listMetrics(context.project(), id),
    hasCheckpoint: existsSync(checkpointOf(context.project(), id)),
  })),
  /** The last value of some metrics in every run that has them, without reading the curves. */
  finals: call({ metrics: listOf(text(60), 20) }, (context, { metrics }) =>
    metrics.map((metric) => {
      const values = lastValues(context.project(), metric)
      return { metric, runs: [...values.keys()], values: Float64Array.from(values.values()) }
    }),
  ),
  /** Whole curves of one metric: every point that was stored. */
  curves: call({ runs: listOf(integer(1), 200), metric: text(60) }, (context, { runs, metric }) =>
    runs.map((run) => ({ run, ...readCurve(context.project(), run, metric, { latest: true }) })),
  ),
}
