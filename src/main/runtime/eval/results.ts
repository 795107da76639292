// Result files in the layout of lm-evaluation-harness 0.4: written for other tools, and read from them.

import { HeddleError } from '#core/errors.ts'
import { hashSpec } from '#core/model/spec.ts'
import { printSpecText } from '#core/model/text.ts'
import { show } from '#core/params.ts'
import type { EvalAnswer, EvalPayload } from './job.ts'
import { evalTaskOf } from './tasks.ts'

type Json = Readonly<Record<string, unknown>>

/** Name of the held-out text among the tasks. */
export const HELD_OUT = 'heldout'
const TASK_VERSION = 1

export interface ResultsContext {
  readonly payload: EvalPayload
  readonly answer: EvalAnswer
  /** When the evaluation ended. */
  readonly date: Date
  readonly heddleVersion: string
}

/** A results object as the harness writes it; what only Heddle knows is under `heddle`. */
export function buildResults({ payload, answer, date, heddleVersion }: ResultsContext): Json {
  const text = answer.corpus
  const heldOut = text === null ? [] : [HELD_OUT]
  const kinds = answer.tasks.map(({ task }) => task)
  const each = <T>(value: (task: string) => T): Readonly<Record<string, T>> =>
    Object.fromEntries([...kinds, ...heldOut].map((task) => [task, value(task)]))
  const results: Record<string, Json> = Object.fromEntries(
    answer.tasks.map(({ task, scores }) => [
      task,
      {
        alias: task,
        ...Object.fromEntries(
          scores.flatMap(({ metric, value, standardError }) => [
            [`${metric},none`, finite(value)],
            [`${metric}_stderr,none`, finite(standardError) ?? 'N/A'],
          ]),
        ),
      },
    ]),
  )
  if (text !== null) {
    const bits = text.bitsPerByte
    results[HELD_OUT] = {
      alias: HELD_OUT,
      'perplexity,none': finite(text.perplexity),
      ...(bits !== null && { 'bits_per_byte,none': bits, 'byte_perplexity,none': 2 ** bits }),
    }
  }
  const counts = Object.fromEntries(
    answer.tasks.map(({ task, count }) => [task, { original: count, effective: count }]),
  )
  return {
    results,
    group_subtasks: each(() => []),
    configs: Object.fromEntries(
      answer.tasks.map(({ task, path }) => {
        const { metrics, scoring } = evalTaskOf(task)
        const metric_list = metrics.map((metric) => ({
          metric,
          aggregation: metric === 'perplexity' ? 'perplexity' : 'mean',
          higher_is_better: metric !== 'perplexity',
        }))
        return [
          task,
          {
            task,
            dataset_path: 'json',
            dataset_kwargs: { data_files: path },
            output_type: scoring === 'greedy' ? 'loglikelihood' : 'multiple_choice',
            num_fewshot: 0,
            target_delimiter: ' ',
            metric_list,
          },
        ]
      }),
    ),
    versions: each(() => TASK_VERSION),
    'n-shot': each(() => 0),
    higher_is_better: {
      ...Object.fromEntries(
        answer.tasks.map(({ task, scores }) => [
          task,
          Object.fromEntries(scores.map(({ metric }) => [metric, metric !== 'perplexity'])),
        ]),
      ),
      ...(text !== null && {
        [HELD_OUT]: {
          perplexity: false,
          ...(text.bitsPerByte !== null && { bits_per_byte: false, byte_perplexity: false }),
        },
      }),
    },
    'n-samples': { ...counts, ...(text !== null && { [HELD_OUT]: { original: text.tokens, effective: text.tokens } }) },
    config: {
      model: 'heddle',
      model_args: {
        spec: printSpecText(answer.spec),
        checkpoint: payload.checkpoint,
        tokenizer: payload.tokenizer,
        max_length: payload.options.maxLength,
      },
      batch_size: payload.options.batchSize,
      device: payload.target,
      limit: payload.options.limit,
    },
    date: date.getTime() / 1000,
    model_source: 'heddle',
    model_name: answer.spec.name ?? printSpecText(answer.spec),
    total_evaluation_time_seconds: String(answer.seconds),
    heddle: {
      version: heddleVersion,
      specHash: hashSpec(answer.spec),
      truncated: Object.fromEntries(answer.tasks.map(({ task, truncated }) => [task, truncated])),
      corpus: payload.corpus,
    },
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** `results_2026-01-31T12-00-00.123000.json`, as the harness names its files. */
export function resultsFileName(date: Date): string {
  return `results_${date.toISOString().replace('Z', '000').replaceAll(':', '-')}.json`
}

/** One number of a results file. */
export interface ImportedScore {
  readonly task: string
  /** Without the filter: `acc_norm`; a filter other than `none` follows after a comma. */
  readonly metric: string
  readonly value: number
  readonly standardError: number | null
  /** Absent where the file does not say. */
  readonly higherIsBetter: boolean | undefined
}

const MOST_TASKS = 10_000

/**
 * Reads the scores of a results object, of version 0.4 (`acc,none`) or older (`acc`).
 * @throws HeddleError `file-invalid` naming the place
 */
export function parseResults(input: unknown, path: string): ImportedScore[] {
  const fail = (where: string, value: unknown, rule: string): never => {
    throw new HeddleError('file-invalid', `${where} (${show(value)}) must be ${rule}`, {
      path,
      hint: 'a results file of lm-evaluation-harness is an object with "results": {task: {metric: number}}',
    })
  }
  const record = (where: string, value: unknown): Json =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Json)
      : fail(where, value, 'an object')
  const file = record('the file', input)
  const results = record('results', file['results'])
  const better = file['higher_is_better'] === undefined ? {} : record('higher_is_better', file['higher_is_better'])
  const tasks = Object.entries(results)
  if (tasks.length === 0 || tasks.length > MOST_TASKS)
    fail('results', tasks.length, `an object of 1 to ${MOST_TASKS} tasks`)
  const scores = tasks.flatMap(([task, given]) => {
    if (task === '' || task.length > 150) fail('results', task, 'an object whose keys are names of tasks')
    const metrics = record(`results.${task}`, given)
    const directions = better[task] === undefined ? {} : record(`higher_is_better.${task}`, better[task])
    return Object.entries(metrics).flatMap(([key, value]): ImportedScore[] => {
      const [metric, filter] = splitKey(key)
      // deviations, names and notes stand among the numbers
      if (
        metric.endsWith('_stderr') ||
        key === 'alias' ||
        key === 'samples' ||
        typeof value === 'string' ||
        value === null
      )
        return []
      if (typeof value !== 'number' || !Number.isFinite(value))
        return fail(`results.${task}.${key}`, value, 'a finite number')
      const deviation = metrics[filter === undefined ? `${metric}_stderr` : `${metric}_stderr,${filter}`]
      const direction = directions[metric]
      return [
        {
          task,
          metric: filter === undefined || filter === 'none' ? metric : key,
          value,
          standardError:
            typeof deviation === 'number' && Number.isFinite(deviation) && deviation >= 0 ? deviation : null,
          higherIsBetter: typeof direction === 'boolean' ? direction : undefined,
        },
      ]
    })
  })
  if (scores.length === 0) throw new HeddleError('file-invalid', 'the results hold no number', { path })
  return scores
}

function splitKey(key: string): [metric: string, filter: string | undefined] {
  const comma = key.indexOf(',')
  return comma < 0 ? [key, undefined] : [key.slice(0, comma), key.slice(comma + 1)]
}
