import { availableParallelism } from 'node:os'
import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { choice, flag, integer, optionalInteger, real, resolveParams } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { readEnvironment } from '../environment.ts'
import type { Environment } from '../environment.ts'
import type { Job } from '../jobs.ts'
import { targetOf } from '../targets/index.ts'
import { MAX_BATCH } from './largest-batch.ts'
import { LARGEST, profileStacks } from './profile.ts'
import type { Profile } from './profile.ts'

/** What a profile is asked to do; flags and forms are made from it. */
export const PROFILE_PARAMS = {
  phases: choice({ doc: 'Which programs to time.', choices: ['both', 'prefill', 'decode'], default: 'both' }),
  batchSize: integer({
    doc: 'Sequences at once; 0: as many as fit in the free memory of a device that plans it (cuda), each stack and phase measured alone.',
    min: LARGEST,
    max: MAX_BATCH,
    default: 1,
  }),
  promptLen: integer({ doc: 'Text tokens of a prefill.', unit: 'tokens', min: 1, max: 1 << 20, default: 128 }),
  context: integer({
    doc: 'Text tokens in the caches when a token is decoded.',
    unit: 'tokens',
    min: 1,
    max: 1 << 22,
    default: 256,
  }),
  threads: optionalInteger({ doc: 'Threads; by default one for each core.', min: 1, max: 1024, default: null }),
  seed: integer({ doc: 'Seed of weights, prompt and order of samples.', min: 0, max: 2 ** 31 - 1, default: 1 }),
  maxRelativeWidth: real({
    doc: 'Wanted width of the 95 % interval of the median, relative to it.',
    min: 0.001,
    max: 1,
    default: 0.03,
  }),
  maxSeconds: real({ doc: 'Longest measurement.', unit: 's', min: 0.1, max: 3600, default: 30 }),
  trace: flag({
    doc: 'Also trace every node once: execution providers, fused or decomposed, time by block.',
    default: true,
  }),
  decomposeAll: flag({ doc: 'Run fused ops as their meaning, to compare.', default: false }),
} as const

export interface ProfilePayload {
  readonly specs: readonly ArchSpec[]
  readonly target: string
  readonly options: ValuesOf<typeof PROFILE_PARAMS>
}

/** A profile with where it ran. */
export interface ProfileResult extends Profile {
  readonly environment: Environment
}

/** Checks what crossed the process boundary or came from a user. */
export function parseProfilePayload(input: unknown): ProfilePayload {
  const json = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>
  const { specs, target = 'ort-cpu', options } = json
  if (!Array.isArray(specs) || specs.length === 0 || specs.length > 256)
    throw new HeddleError('usage', 'profile takes 1 to 256 specs', { path: 'specs' })
  if (typeof target !== 'string') throw new HeddleError('usage', 'target must be text', { path: 'target' })
  return {
    specs: specs.map(parseSpec),
    target,
    options: resolveParams(PROFILE_PARAMS, options, { dModel: 0 }, 'options'),
  }
}

export const profileJob: Job = async (payload, { progress, signal }) => {
  const { specs, target, options } = parseProfilePayload(payload)
  const { phases, batchSize, promptLen, context, threads, seed, maxRelativeWidth, maxSeconds, trace, decomposeAll } =
    options
  const place = targetOf(target)
  const used = threads ?? Math.min(16, availableParallelism())
  const availability = place.probe()
  const environment = readEnvironment({
    threads: used,
    runtimes: availability.isAvailable ? { [target]: availability.version } : {},
  })
  const profile = await profileStacks(specs, {
    target: place,
    phases: phases === 'both' ? ['prefill', 'decode'] : [phases],
    batchSize,
    promptLen,
    context: Math.max(context, promptLen),
    seed,
    threads: used,
    limits: { maxRelativeWidth, maxMs: maxSeconds * 1000, minMs: Math.min(200, maxSeconds * 1000) },
    trace,
    decomposeAll,
    signal,
    onProgress: progress,
  })
  return { ...profile, environment } satisfies ProfileResult
}
