import { availableParallelism } from 'node:os'
import { HeddleError } from '#core/errors.ts'
import { parseSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { BlockItem } from '#core/model/spec.ts'
import { choice, integer, optionalInteger, real, resolveParams } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { readEnvironment } from '../environment.ts'
import type { Environment } from '../environment.ts'
import type { Job } from '../jobs.ts'
import { PROTOCOL_VERSION } from '../measure.ts'
import { targetOf } from '../targets/index.ts'
import { measureLut } from './lut.ts'
import type { LutMeasurement, LutRequest } from './lut.ts'

/** How costs are measured; flags are made from it. */
export const LUT_PARAMS = {
  phase: choice({ doc: 'Which program.', choices: ['decode', 'prefill'], default: 'decode' }),
  batchSize: integer({ doc: 'Sequences at once.', min: 1, max: 65536, default: 1 }),
  context: integer({
    doc: 'Text tokens in the caches (decode) or in the prompt (prefill).',
    unit: 'tokens',
    min: 1,
    max: 1 << 20,
    default: 256,
  }),
  threads: optionalInteger({ doc: 'Threads; by default one for each core.', min: 1, max: 1024, default: null }),
  seed: integer({ doc: 'Seed of weights, order of samples and random stacks.', min: 0, max: 2 ** 31 - 1, default: 1 }),
  maxRelativeWidth: real({
    doc: 'Wanted width of the 95 % interval of each median, relative to it.',
    min: 0.001,
    max: 1,
    default: 0.03,
  }),
  maxSeconds: real({ doc: 'Longest measurement of one width.', unit: 's', min: 0.1, max: 3600, default: 30 }),
} as const

export interface LutPayload {
  readonly target: string
  readonly request: LutRequest
  readonly options: ValuesOf<typeof LUT_PARAMS>
}

export interface LutAnswer extends LutMeasurement {
  readonly environment: Environment
  readonly runtimeVersion: string
}

/** Where entries of a table hold, known before anything is measured. */
export function lutPlace(
  target: string,
  threads: number | null,
): {
  readonly environment: Environment
  readonly runtimeVersion: string
  readonly protocol: number
  readonly threads: number
} {
  const used = threads ?? Math.min(16, availableParallelism())
  const availability = targetOf(target).probe()
  const runtimeVersion = availability.isAvailable ? availability.version : 'none'
  return {
    environment: readEnvironment({ threads: used, runtimes: { [target]: runtimeVersion } }),
    runtimeVersion,
    protocol: PROTOCOL_VERSION,
    threads: used,
  }
}

/** Checks what crossed the process boundary. */
export function parseLutPayload(input: unknown): LutPayload {
  const json = (typeof input === 'object' && input !== null ? input : {}) as Partial<LutPayload>
  const options = resolveParams(LUT_PARAMS, json.options, { dModel: 0 }, 'options')
  const {
    model = {},
    operators = [],
    copies = [],
    stacks = [],
    hasBase = false,
  } = json.request ?? ({} as Partial<LutRequest>)
  if (typeof json.target !== 'string') throw new HeddleError('usage', 'target must be text', { path: 'target' })
  if (!Array.isArray(operators) || !Array.isArray(stacks) || operators.length > 256 || stacks.length > 256)
    throw new HeddleError('usage', 'operators and stacks must be lists of at most 256', { path: 'operators' })
  return {
    target: json.target,
    options,
    request: {
      model,
      phase: options.phase,
      batchSize: options.batchSize,
      context: options.context,
      operators: parseSpec({ heddle: SPEC_VERSION, model, blocks: operators }).blocks as readonly BlockItem[],
      hasBase: hasBase === true,
      copies: checkCopies(copies),
      stacks: stacks.map(parseSpec),
    },
  }
}

/** Two to eight different numbers of copies, ascending. */
export function checkCopies(copies: unknown): number[] {
  const isList =
    Array.isArray(copies) && copies.length <= 8 && copies.every((n) => Number.isInteger(n) && n >= 1 && n <= 64)
  const distinct = isList ? [...new Set(copies as number[])].sort((a, b) => a - b) : []
  if (distinct.length < 2)
    throw new HeddleError(
      'param-invalid',
      `copies (${String(copies)}) must be two to eight different integers from 1 to 64`,
      { path: 'copies' },
    )
  return distinct
}

export const lutJob: Job = async (payload, { progress, signal }) => {
  const { target, request, options } = parseLutPayload(payload)
  const { environment, runtimeVersion, threads } = lutPlace(target, options.threads)
  const { maxSeconds, maxRelativeWidth, seed } = options
  const measurement = await measureLut(request, {
    target: targetOf(target),
    seed,
    threads,
    limits: { maxRelativeWidth, maxMs: maxSeconds * 1000, minMs: Math.min(200, maxSeconds * 1000) },
    signal,
    onProgress: progress,
  })
  return { ...measurement, environment, runtimeVersion } satisfies LutAnswer
}
