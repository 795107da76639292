// What a trial of a search is worth: short training in the runner, latency measured alone, counts derived.

import { HeddleError } from '#core/errors.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProfilePayload } from '#main/runtime/profile/job.ts'
import type { Project } from '#main/store/db.ts'
import type { Lane } from './lane.ts'
import { runProfile } from './profile.ts'
import { runTraining } from './train.ts'

export interface StackEvaluation {
  readonly project: Project
  readonly lane: Lane
  /** Of the candidate, with its spec replaced. */
  readonly train: Omit<TrainConfig, 'spec'>
  readonly profile: Omit<ProfilePayload, 'specs'>
  readonly signal?: AbortSignal
}

/** Trains and measures one stack; metrics by the names of core/metrics. Throws the HeddleError of what went wrong. */
export async function evaluateStack(
  runner: Runner,
  spec: ArchSpec,
  { project, lane, train, profile, signal }: StackEvaluation,
): Promise<Record<string, number>> {
  const cancel = signal === undefined ? {} : { signal }
  const config = { ...train, spec }
  const outcome = await lane.shared(() => runTraining(runner, { config, project, name: 'trial' }, cancel))
  if (outcome.state !== 'done') {
    const { code = 'train-diverged', message = outcome.state, path, hint } = outcome.error ?? {}
    throw new HeddleError(code, message, { path, hint })
  }
  const measured = await lane.exclusive(() => runProfile(runner, { ...profile, specs: [spec] }, { project, ...cancel }))
  const counts = countSpec(resolveSpec(spec), profile.options.context)
  const { params, decoderParams, trainFlopsPerToken, decodeFlopsPerToken, stateBytes } = counts
  const phases = measured.stacks[0]!.phases.map(({ phase, latency }) => [
    phase === 'prefill' ? 'ttftMs' : 'tpotMs',
    latency.p50Ms,
  ])
  return {
    ...outcome.final,
    tokensPerSecond: outcome.tokensPerSecond,
    params,
    decoderParams,
    trainFlopsPerToken,
    decodeFlopsPerToken,
    stateBytes,
    ...(Object.fromEntries(phases) as Record<string, number>),
  }
}
