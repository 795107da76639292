// What a trial of a study takes: a training, how its latency is known, what else is measured. Kept as JSON with the study.

import { HeddleError } from '#core/errors.ts'
import { SPEC_VERSION } from '#core/model/spec.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { choice, integer, real, resolveParams, show } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { tasks } from '#core/tasks/index.ts'
import { PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import type { ProfilePayload } from '#main/runtime/profile/job.ts'

/** Settings of an evaluation beside its training and its profile; flags and forms are made from it. */
export const EVALUATION_PARAMS = {
  latency: choice({
    doc: 'Latencies of trials: measured, each alone on the device; or predicted from a look-up table that is filled first. Finalists are always measured.',
    choices: ['measured', 'predicted'],
    default: 'measured',
  }),
  tableSeconds: real({
    doc: 'Longest measurement of the look-up table, for each width and phase.',
    unit: 's',
    min: 0.1,
    max: 3600,
    default: 10,
  }),
  finalists: integer({
    doc: 'Most members of the front that are measured again, whole, at the end.',
    min: 1,
    max: 64,
    default: 8,
  }),
  probe: choice({
    doc: 'Task of the metric probeAccuracy: each stack is also trained on it, with default parameters.',
    choices: tasks.map(({ kind }) => kind),
    default: tasks[0]!.kind,
  }),
  probeSteps: integer({
    doc: 'Optimiser steps on the probe task.',
    unit: 'steps',
    min: 1,
    max: 1e9,
    default: 200,
  }),
  memoryMib: integer({
    doc: 'Memory for weights and states where decodeTokensPerSecond is measured.',
    unit: 'MiB',
    min: 1,
    max: 1 << 24,
    default: 256,
  }),
} as const

/** Small enough for two cores: a minute of training on bytes of the demo corpus. */
export const SMALL_RUN = { steps: 60, seqLen: 128, validationTokens: 8192, validationEvery: 20 } as const
const SMALL_DATA = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const
const SMALL_PROFILE = { phases: 'decode', maxSeconds: 3, trace: false } as const

export interface Evaluation extends ValuesOf<typeof EVALUATION_PARAMS> {
  /** Of the candidate, with its spec left out. */
  readonly train: Omit<TrainConfig, 'spec'>
  readonly profile: Omit<ProfilePayload, 'specs'>
}

/**
 * Reads an evaluation from JSON: `{train: {data, run, optimiser ...}, profile: {target, options}, latency ...}`. What is
 * absent has small defaults.
 * @throws HeddleError `param-invalid` with the path of the offending value.
 */
export function parseEvaluation(json: unknown): Evaluation {
  const { train, profile, ...rest } = objectOf(json, 'evaluation')
  const { run, ...training } = objectOf(train, 'evaluation.train')
  const { spec: _, ...config } = parseTrainConfig({
    data: SMALL_DATA,
    ...training,
    run: { ...SMALL_RUN, ...objectOf(run, 'evaluation.train.run') },
    spec: { heddle: SPEC_VERSION, blocks: [] },
  })
  const { target = config.target, options, ...unknown } = objectOf(profile, 'evaluation.profile')
  if (typeof target !== 'string' || Object.keys(unknown).length > 0)
    throw new HeddleError('param-invalid', 'profile takes target, as text, and options', { path: 'evaluation.profile' })
  return {
    ...resolveParams(EVALUATION_PARAMS, rest, { dModel: 0 }, 'evaluation'),
    train: config,
    profile: {
      target,
      options: resolveParams(
        PROFILE_PARAMS,
        { ...SMALL_PROFILE, ...objectOf(options, 'evaluation.profile.options') },
        { dModel: 0 },
        'evaluation.profile.options',
      ),
    },
  }
}

function objectOf(json: unknown, path: string): Readonly<Record<string, unknown>> {
  if (json === undefined) return {}
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Readonly<Record<string, unknown>>
  throw new HeddleError('param-invalid', `${path} must be an object, got ${show(json)}`, { path })
}
