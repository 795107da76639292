// The evaluation of one checkpoint, in the runner process: questions from files, and held-out text.

import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { DataConfig } from '#core/optim/train-config.ts'
import { integer, optionalInteger, resolveParams, show } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { loadTokenizer } from '../data/tokenizer.ts'
import type { Job } from '../jobs.ts'
import { targetOf } from '../targets/index.ts'
import { encodeRequest } from './encode.ts'
import { readExamples } from './examples.ts'
import { likelihoods } from './likelihood.ts'
import type { LikelihoodOptions } from './likelihood.ts'
import { checkVocabulary, loadModel } from './model.ts'
import type { EvalModel } from './model.ts'
import { corpusPerplexity } from './perplexity.ts'
import type { CorpusPerplexity } from './perplexity.ts'
import { scoreTask } from './score.ts'
import type { Score } from './score.ts'
import { evalTaskOf } from './tasks.ts'

export const EVAL_PARAMS = {
  batchSize: integer({ doc: 'Sequences per batch.', min: 1, max: 65536, default: 8 }),
  maxLength: integer({
    doc: 'Tokens that the model is given at most; longer contexts lose their beginning.',
    unit: 'tokens',
    min: 2,
    max: 1 << 20,
    default: 512,
  }),
  limit: optionalInteger({ doc: 'Questions of each task, at most; none: all.', min: 1, max: 1e6, default: null }),
  seqLen: integer({ doc: 'Tokens of a window of held-out text.', unit: 'tokens', min: 2, max: 1 << 20, default: 256 }),
  maxTokens: integer({ doc: 'Held-out tokens to score, at most.', unit: 'tokens', min: 1, max: 1e12, default: 1e6 }),
  threads: optionalInteger({ doc: 'Threads; none: one for each core.', min: 1, max: 1024, default: null }),
} as const

export interface TaskFile {
  /** Kind of an evaluation task. */
  readonly task: string
  readonly path: string
}

export interface EvalPayload {
  /** By default the architecture that the checkpoint names. */
  readonly spec: ArchSpec | null
  readonly checkpoint: string
  readonly tokenizer: string
  readonly tasks: readonly TaskFile[]
  /** Held-out text to score; null for none. */
  readonly corpus: Extract<DataConfig, { kind: 'corpus' }> | null
  readonly target: string
  readonly options: ValuesOf<typeof EVAL_PARAMS>
}

export interface TaskAnswer extends TaskFile {
  readonly scores: readonly Score[]
  readonly count: number
  /** Questions of which a context was cut on the left. */
  readonly truncated: number
}

export interface EvalAnswer {
  readonly spec: ArchSpec
  readonly tasks: readonly TaskAnswer[]
  readonly corpus: CorpusPerplexity | null
  readonly seconds: number
}

/** Checks a payload from outside. Throws HeddleError with the path of the bad value. */
export function parseEvalPayload(input: unknown): EvalPayload {
  const json = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>
  const text = (name: string, value: unknown): string => {
    if (typeof value === 'string' && value !== '' && value.length <= 4096) return value
    throw new HeddleError('usage', `${name} (${show(value)}) must be text`, { path: name })
  }
  const { spec = null, tasks = [], corpus = null, target = 'ort-cpu' } = json
  if (!Array.isArray(tasks)) throw new HeddleError('usage', `tasks (${show(tasks)}) must be a list`, { path: 'tasks' })
  if (tasks.length === 0 && corpus === null)
    throw new HeddleError('usage', 'nothing to evaluate: give tasks, a corpus, or both', { path: 'tasks' })
  const tokenizer = text('tokenizer', json['tokenizer'] ?? 'sotu-4096')
  const files = tasks.map((entry: unknown, i): TaskFile => {
    const { task, path } = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
      Record<string, unknown>
    >
    return { task: evalTaskOf(text(`tasks[${i}].task`, task)).kind, path: text(`tasks[${i}].path`, path) }
  })
  const twice = files.find(({ task }, i) => files.findIndex((other) => other.task === task) < i)
  if (twice !== undefined) throw new HeddleError('usage', `the task ${twice.task} is given twice`, { path: 'tasks' })
  return {
    spec: spec === null ? null : parseSpec(spec),
    checkpoint: text('checkpoint', json['checkpoint']),
    tokenizer,
    tasks: files,
    corpus: corpus === null ? null : parseCorpus(corpus, tokenizer),
    target: text('target', target),
    options: resolveParams(EVAL_PARAMS, json['options'], { dModel: 0 }, 'options'),
  }
}

function parseCorpus(given: unknown, tokenizer: string): Extract<DataConfig, { kind: 'corpus' }> {
  const spec = { heddle: 1, model: {}, blocks: [] }
  const { data } = parseTrainConfig({ spec, data: { kind: 'corpus', tokenizer, ...(given as object) } })
  if (data.kind === 'corpus') return data
  throw new HeddleError('usage', 'perplexity is that of a corpus', { path: 'corpus.kind' })
}

/** Answers an EvalAnswer. Throws `job-cancelled` when it was cancelled. */
export const evaluateJob: Job = async (payload, { progress, signal }) => {
  const started = performance.now()
  const { spec, checkpoint, tokenizer: name, tasks, corpus, target: kind, options } = parseEvalPayload(payload)
  const target = targetOf(kind)
  const model = loadModel(checkpoint, spec)
  const shared = { batchSize: options.batchSize, threads: options.threads, onProgress: progress, signal }
  const done = <T>(value: T | undefined): T => {
    if (value === undefined) throw new HeddleError('job-cancelled', 'the evaluation was cancelled')
    return value
  }
  const answers: TaskAnswer[] = []
  for (const file of tasks)
    answers.push(done(await evaluateTask(model, file, name, options, target, { ...shared, phase: file.task })))
  const text =
    corpus === null
      ? null
      : done(
          await corpusPerplexity(model, target, corpus, {
            ...shared,
            phase: 'held-out text',
            seqLen: options.seqLen,
            maxTokens: options.maxTokens,
          }),
        )
  return {
    spec: model.spec,
    tasks: answers,
    corpus: text,
    seconds: (performance.now() - started) / 1000,
  } satisfies EvalAnswer
}

/** Scores the questions of one file; undefined when cancelled. Throws what reading and encoding throw. */
export async function evaluateTask(
  model: EvalModel,
  { task: kind, path }: TaskFile,
  tokenizerName: string,
  { limit, maxLength }: Pick<EvalPayload['options'], 'limit' | 'maxLength'>,
  target: ReturnType<typeof targetOf>,
  options: LikelihoodOptions,
): Promise<TaskAnswer | undefined> {
  const task = evalTaskOf(kind)
  const tokenizer = await loadTokenizer(tokenizerName)
  checkVocabulary(model, tokenizer.vocabSize)
  const examples = await readExamples(path, task, limit)
  const encoded = examples.map(({ requests, line }) =>
    requests.map((request) => encodeRequest(request, tokenizer, maxLength, `${path}:${line}`)),
  )
  const likely = await likelihoods(model, target, encoded.flat(), options)
  if (likely === undefined) return undefined
  let at = 0
  const grouped = encoded.map((requests) => likely.slice(at, (at += requests.length)))
  return {
    task: kind,
    path,
    scores: scoreTask(task, examples, grouped),
    count: examples.length,
    truncated: encoded.filter((requests) => requests.some((r) => r.isTruncated)).length,
  }
}
