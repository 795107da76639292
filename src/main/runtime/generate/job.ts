// Text from a checkpoint, in the runner process.

import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { integer, optionalInteger, real, resolveParams, show } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { loadTokenizer } from '../data/tokenizer.ts'
import { checkVocabulary, loadModel } from '../eval/model.ts'
import type { Job } from '../jobs.ts'
import { targetOf } from '../targets/index.ts'
import { generate } from './generate.ts'

export const GENERATE_PARAMS = {
  tokens: integer({ doc: 'Tokens to draw, at most.', unit: 'tokens', min: 1, max: 1 << 20, default: 64 }),
  temperature: real({
    doc: 'Divides the logits before the softmax that tokens are drawn from; 0 takes the likeliest token.',
    min: 0,
    max: 100,
    default: 1,
  }),
  seed: integer({ doc: 'Seed of the draws.', min: 0, max: 2 ** 31 - 1, default: 1 }),
  samples: integer({ doc: 'Continuations, drawn together.', min: 1, max: 1024, default: 1 }),
  threads: optionalInteger({ doc: 'Threads; none: one for each core.', min: 1, max: 1024, default: null }),
} as const

export interface GeneratePayload {
  /** By default the architecture that the checkpoint names. */
  readonly spec: ArchSpec | null
  readonly checkpoint: string
  readonly tokenizer: string
  readonly prompt: string
  readonly target: string
  readonly options: ValuesOf<typeof GENERATE_PARAMS>
}

export interface GenerateAnswer {
  readonly prompt: string
  /** What follows the prompt, for each sample. */
  readonly texts: readonly string[]
  readonly tokens: readonly (readonly number[])[]
}

/** Checks a payload from outside. Throws HeddleError with the path of the bad value. */
export function parseGeneratePayload(input: unknown): GeneratePayload {
  const json = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>
  const text = (name: string, value: unknown): string => {
    if (typeof value === 'string' && value !== '' && value.length <= 1 << 20) return value
    throw new HeddleError('usage', `${name} (${show(value)}) must be text`, { path: name })
  }
  const { spec = null } = json
  return {
    spec: spec === null ? null : parseSpec(spec),
    checkpoint: text('checkpoint', json['checkpoint']),
    tokenizer: text('tokenizer', json['tokenizer'] ?? 'sotu-4096'),
    prompt: text('prompt', json['prompt']),
    target: text('target', json['target'] ?? 'ort-cpu'),
    options: resolveParams(GENERATE_PARAMS, json['options'], { dModel: 0 }, 'options'),
  }
}

/** Answers a GenerateAnswer. Throws `job-cancelled` when it was cancelled. */
export const generateJob: Job = async (payload, { progress, signal }) => {
  const { spec, checkpoint, tokenizer: name, prompt, target, options } = parseGeneratePayload(payload)
  const place = targetOf(target)
  const model = loadModel(checkpoint, spec)
  const tokenizer = await loadTokenizer(name)
  checkVocabulary(model, tokenizer.vocabSize)
  const ids = Int32Array.from(tokenizer.encode(prompt))
  const { tokens: count, temperature, seed, samples, threads } = options
  const tokens = await generate(model, new Array<Int32Array>(samples).fill(ids), place, {
    temperature,
    seed,
    count,
    end: tokenizer.endOfDocument ?? undefined,
    threads: threads ?? undefined,
    signal,
    onToken: (done) => progress({ phase: 'generate', done, total: count, unit: 'tokens' }),
  })
  return { prompt, tokens, texts: tokens.map((own) => tokenizer.decode(own)) } satisfies GenerateAnswer
}
