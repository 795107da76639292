// What a trial of a search is worth: short training in the runner, latency measured alone or predicted, counts derived,
// and whatever else the goal of the study looks at.

import { HeddleError } from '#core/errors.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { taskOf } from '#core/tasks/index.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { Project } from '#main/store/db.ts'
import type { Lane } from './lane.ts'
import { runProfile } from './profile.ts'
import type { Evaluation } from './search/evaluation.ts'
import { predictedMetrics } from './search/table.ts'
import type { tablePredictor } from './search/table.ts'
import { measureThroughput } from './search/throughput.ts'
import { runTraining } from './train.ts'

export interface StackEvaluation {
  readonly project: Project
  readonly lane: Lane
  readonly evaluation: Evaluation
  /** Names of the metrics that the study looks at; some are taken only where they are wanted. */
  readonly wanted: ReadonlySet<string>
  /** From the table of the study; needed where latencies are predicted. */
  readonly predict?: ReturnType<typeof tablePredictor> | undefined
  /** The study and the trial (ids in the project) that the runs belong to. */
  readonly study?: number
  readonly trial?: number
  readonly signal?: AbortSignal
}

/** Trains and measures one stack; metrics by the names of core/metrics. Throws the HeddleError of what went wrong. */
export async function evaluateStack(
  runner: Runner,
  spec: ArchSpec,
  options: StackEvaluation,
): Promise<Record<string, number>> {
  const { project, lane, evaluation, wanted, predict } = options
  const cancel = options.signal === undefined ? {} : { signal: options.signal }
  const { train, profile } = evaluation
  // before anything runs: a stack that the table cannot predict fails at once
  const predicted = predict === undefined ? {} : predictedMetrics(predict, spec)
  const trained = await trainStack(runner, { ...train, spec }, 'trial', options)
  const probed = wanted.has('probeAccuracy')
    ? { probeAccuracy: (await trainStack(runner, probeConfig(spec, evaluation), 'probe', options)).final['accuracy']! }
    : {}
  const latencies =
    evaluation.latency === 'predicted'
      ? {}
      : await lane.exclusive(async () => {
          const phases = wanted.has('ttftMs') ? 'both' : profile.options.phases
          const payload = { ...profile, options: { ...profile.options, phases }, specs: [spec] }
          return latenciesOf(await runProfile(runner, payload, { project, ...cancel }))
        })
  const throughput =
    wanted.has('decodeTokensPerSecond') || wanted.has('decodeBatch')
      ? await lane.exclusive(() => measureThroughput(runner, spec, evaluation, { project, ...cancel }))
      : {}
  const counts = countSpec(resolveSpec(spec), profile.options.context)
  const { params, decoderParams, trainFlopsPerToken, decodeFlopsPerToken, stateBytes } = counts
  return {
    ...trained.final,
    tokensPerSecond: trained.tokensPerSecond,
    ...probed,
    params,
    decoderParams,
    trainFlopsPerToken,
    decodeFlopsPerToken,
    stateBytes,
    ...predicted,
    ...latencies,
    ...throughput,
  }
}

function latenciesOf({ stacks }: Awaited<ReturnType<typeof runProfile>>): Record<string, number> {
  return Object.fromEntries(
    stacks[0]!.phases.map(({ phase, latency }) => [phase === 'prefill' ? 'ttftMs' : 'tpotMs', latency.p50Ms]),
  )
}

/** A training on the probe task in the place of the study's own. */
function probeConfig(spec: ArchSpec, { train, probe, probeSteps }: Evaluation): TrainConfig {
  const { defaultSeqLen } = taskOf(probe)
  return {
    ...train,
    spec,
    data: { kind: 'task', task: probe, params: {} },
    run: {
      ...train.run,
      steps: probeSteps,
      seqLen: defaultSeqLen,
      validationEvery: probeSteps,
      checkpointEvery: null,
    },
  }
}

async function trainStack(
  runner: Runner,
  config: TrainConfig,
  name: string,
  { project, lane, study, trial, signal }: StackEvaluation,
): Promise<Awaited<ReturnType<typeof runTraining>>> {
  const outcome = await lane.shared(() =>
    runTraining(runner, { config, project, name, study, trial }, signal === undefined ? {} : { signal }),
  )
  if (outcome.state === 'done') return outcome
  const { code = 'train-diverged', message = outcome.state, path, hint } = outcome.error ?? {}
  throw new HeddleError(outcome.state === 'cancelled' ? 'job-cancelled' : code, message, { path, hint })
}
