import { HeddleError } from '#core/errors.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { listMetrics, readCurve } from '#main/store/metrics.ts'
import { getRun, listRuns } from '#main/store/runs.ts'
import { runTraining } from '../train.ts'
import { call } from './door.ts'
import { integer, listOf, object, optional, text } from './readers.ts'

export const training = {
  /** Trains one stack; its run and points arrive as events. */
  start: call({ config: object, name: optional(text()) }, (context, args) => {
    const project = context.writable()
    const config = parseTrainConfig(args.config)
    const name = args.name ?? config.spec.name ?? 'run'
    return context.jobs.start({ kind: 'train', title: `Train ${name}` }, ({ signal, onProgress, refer }) =>
      context.lane.shared(async () => {
        let run: number | undefined
        const tell = (): void => {
          if (run !== undefined) context.emit({ type: 'run', run: getRun(project, run) })
        }
        try {
          const outcome = await context.withRunner((runner) =>
            runTraining(
              runner,
              { config, project, name },
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
          if (outcome.state !== 'done') {
            const { code = 'train-diverged', message = outcome.state, path, hint } = outcome.error ?? {}
            throw new HeddleError(code, message, { path, hint })
          }
          const { bitsPerByte, valLoss } = outcome.final
          const quality =
            bitsPerByte !== undefined
              ? `${bitsPerByte.toFixed(3)} bits/byte`
              : valLoss !== undefined
                ? `${valLoss.toFixed(3)} nats/token`
                : `${outcome.steps} steps`
          return `${quality}, ${Math.round(outcome.tokensPerSecond)} tokens/s`
        } finally {
          tell()
        }
      }),
    )
  }),
  /** All runs, or those of a study; trials of searches are runs too. */
  runs: call({ study: optional(integer(1)) }, (context, { study }) =>
    listRuns(context.project(), study === undefined ? {} : { study }),
  ),
  run: call({ id: integer(1) }, (context, { id }) => ({
    run: getRun(context.project(), id),
    metrics: listMetrics(context.project(), id),
  })),
  /** Whole curves of one metric: every point that was stored. */
  curves: call({ runs: listOf(integer(1), 200), metric: text(60) }, (context, { runs, metric }) =>
    runs.map((run) => ({ run, ...readCurve(context.project(), run, metric, { latest: true }) })),
  ),
}
