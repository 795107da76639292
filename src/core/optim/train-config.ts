// The configuration of a training run: plain JSON, validated by the same schemas as every form and flag. "Run again" needs
// nothing else.

import { HeddleError } from '../errors.ts'
import { parseSpec } from '../model/spec.ts'
import type { ArchSpec } from '../model/spec.ts'
import { flag, integer, optionalInteger, resolveParams, show } from '../params.ts'
import type { ParamSchema, ValuesOf } from '../params.ts'
import { adamw } from './adamw.ts'
import { SCHEDULE_PARAMS } from './schedule.ts'

export const RUN_PARAMS = {
  steps: integer({ doc: 'Optimiser steps.', unit: 'steps', min: 1, max: 1e9, default: 200 }),
  batchSize: integer({ doc: 'Sequences per batch.', min: 1, max: 65536, default: 8 }),
  seqLen: integer({ doc: 'Text tokens per sequence.', unit: 'tokens', min: 2, max: 1 << 20, default: 256 }),
  accumulation: integer({
    doc: 'Batches whose gradients are averaged before each step.',
    min: 1,
    max: 65536,
    default: 1,
  }),
  seed: integer({ doc: 'Seed of initial weights and data order.', min: 0, max: 2 ** 31 - 1, default: 1 }),
  validationEvery: integer({
    doc: 'Steps between validations; the last step is always validated.',
    unit: 'steps',
    min: 1,
    max: 1e9,
    default: 50,
  }),
  validationTokens: integer({
    doc: 'Held-out tokens that a validation scores, at most.',
    unit: 'tokens',
    min: 1,
    max: 1e12,
    default: 16384,
  }),
  checkpointEvery: optionalInteger({
    doc: 'Steps between checkpoints; none: only after the last step.',
    unit: 'steps',
    min: 1,
    max: 1e9,
    default: null,
  }),
  rescaleResidual: flag({
    doc: 'Initial matrices that write the residual stream are divided by the square root of the number of blocks.',
    default: false,
  }),
} as const satisfies ParamSchema

/** What a run learns from. */
export type DataConfig =
  | {
      readonly kind: 'corpus'
      readonly path: string | null
      readonly field?: string | undefined
      readonly tokenizer: string
      readonly dtype?: 'uint16' | 'uint32' | undefined
    }
  | { readonly kind: 'task'; readonly task: string; readonly params: Readonly<Record<string, unknown>> }

export interface TrainConfig {
  readonly spec: ArchSpec
  readonly data: DataConfig
  readonly run: ValuesOf<typeof RUN_PARAMS>
  readonly optimiser: ValuesOf<typeof adamw.params>
  readonly schedule: ValuesOf<typeof SCHEDULE_PARAMS>
  readonly target: string
  readonly threads: number | null
}

const KEYS = ['spec', 'data', 'run', 'optimiser', 'schedule', 'target', 'threads']

/**
 * Checks a configuration and fills in defaults.
 * @throws HeddleError with the path of the offending value
 */
export function parseTrainConfig(input: unknown): TrainConfig {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new HeddleError('param-invalid', `a training configuration must be an object, got ${show(input)}`, {
      path: 'config',
    })
  const json = input as Readonly<Record<string, unknown>>
  for (const key of Object.keys(json))
    if (!KEYS.includes(key))
      throw new HeddleError('param-invalid', `unknown field ${show(key)}`, {
        path: key,
        hint: `known fields: ${KEYS.join(', ')}`,
      })
  const dims = { dModel: 0 }
  const { target = 'ort-cpu', threads = null } = json
  if (typeof target !== 'string')
    throw new HeddleError('param-invalid', `target (${show(target)}) must be text`, { path: 'target' })
  if (
    threads !== null &&
    !(typeof threads === 'number' && Number.isInteger(threads) && threads >= 1 && threads <= 1024)
  )
    throw new HeddleError('param-invalid', `threads (${show(threads)}) must be an integer from 1 to 1024, or none`, {
      path: 'threads',
    })
  const run = resolveParams(RUN_PARAMS, json['run'], dims, 'run')
  return {
    spec: parseSpec(json['spec']),
    data: parseData(json['data'] ?? { kind: 'corpus' }),
    run,
    optimiser: resolveParams(adamw.params, json['optimiser'], dims, 'optimiser'),
    schedule: resolveParams(SCHEDULE_PARAMS, json['schedule'], dims, 'schedule'),
    target,
    threads: threads as number | null,
  }
}

function parseData(input: unknown): DataConfig {
  const fail = (rule: string, path: string): never => {
    throw new HeddleError('param-invalid', rule, { path })
  }
  if (typeof input !== 'object' || input === null) return fail(`data must be an object, got ${show(input)}`, 'data')
  const json = input as Readonly<Record<string, unknown>>
  const known = json['kind'] === 'task' ? ['kind', 'task', 'params'] : ['kind', 'path', 'field', 'tokenizer', 'dtype']
  const text = (key: string, otherwise?: string): string => {
    const value = json[key] ?? otherwise
    return typeof value === 'string' && value.length > 0 && value.length <= 4096
      ? value
      : fail(`${key} (${show(value)}) must be text`, `data.${key}`)
  }
  if (json['kind'] !== 'corpus' && json['kind'] !== 'task')
    fail(`kind (${show(json['kind'])}) must be corpus or task`, 'data.kind')
  for (const key of Object.keys(json))
    if (!known.includes(key))
      throw new HeddleError('param-invalid', `unknown field ${show(key)}`, {
        path: `data.${key}`,
        hint: `known fields: ${known.join(', ')}`,
      })
  if (json['kind'] === 'task') {
    const params = json['params'] ?? {}
    if (typeof params !== 'object' || params === null || Array.isArray(params))
      fail('params must be an object', 'data.params')
    return { kind: 'task', task: text('task'), params: params as Readonly<Record<string, unknown>> }
  }
  const { path = null, field, dtype } = json
  if (dtype !== undefined && dtype !== 'uint16' && dtype !== 'uint32')
    fail(`dtype (${show(dtype)}) must be uint16 or uint32`, 'data.dtype')
  return {
    kind: 'corpus',
    path: path === null ? null : text('path'),
    tokenizer: text('tokenizer', 'sotu-4096'),
    ...(field !== undefined && { field: text('field') }),
    ...(dtype !== undefined && { dtype: dtype as 'uint16' | 'uint32' }),
  }
}
