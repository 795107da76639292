// The flags of `heddle search` as the configuration of a study.

import { readFileSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { RUN_PARAMS } from '#core/optim/train-config.ts'
import { choice } from '#core/params.ts'
import type { Param, ParamSchema, ParamValues } from '#core/params.ts'
import { searchers } from '#core/search/index.ts'
import { STUDY_PARAMS } from '#main/api/search.ts'
import type { SearchConfig } from '#main/api/search.ts'
import { EVALUATION_PARAMS, searchConfig, SMALL_RUN } from '#main/api/search-run.ts'
import type { CommandInput } from '../command.ts'

/** Parameters of all searchers, once each; those that `searcherParams` fits to the budget print no default. */
const SEARCHER_FLAGS: ParamSchema = Object.fromEntries(
  searchers
    .flatMap(({ params }) => Object.entries(params))
    .reverse()
    .map(([name, param]): [string, Param] => [
      name,
      param.type === 'integer'
        ? { ...param, doc: `${param.doc} By default fits the trials.`, default: () => 0 }
        : param,
    ]),
)

const { seed: _seed, ...RUN_FLAGS } = RUN_PARAMS
/** Defaults of a run in a search, where they differ from those of a single run. */
const SMALL_FLAGS = Object.fromEntries(
  Object.entries(RUN_FLAGS).map(([name, param]) => [
    name,
    name in SMALL_RUN ? { ...param, default: SMALL_RUN[name as keyof typeof SMALL_RUN] } : param,
  ]),
) as ParamSchema

/** The probe has more choices than fit a line of help: it is a text flag. */
const { probe, ...EVALUATION_FLAGS } = EVALUATION_PARAMS
export const PROBE_FLAG = { type: 'text', value: 'TASK', doc: `${probe.doc} [${String(probe.default)}]` } as const

export const SEARCH_PARAMS: ParamSchema = {
  ...STUDY_PARAMS,
  searcher: choice({ doc: 'Search algorithm.', choices: searchers.map((s) => s.kind), default: searchers[0]!.kind }),
  ...SEARCHER_FLAGS,
  ...EVALUATION_FLAGS,
  ...SMALL_FLAGS,
}

/** `{objectives, constraints}` of the flags that were given, as `parseGoal` reads it. */
export function goalFlags(text: CommandInput['text']): { objectives?: string[]; constraints?: object[] } {
  const bounds = (name: 'max' | 'min'): object[] =>
    listOf(text[name] ?? '').map((part) => {
      const [, metric, value = ''] = /^([A-Za-z]+)=(.+)$/.exec(part) ?? []
      if (metric === undefined || !Number.isFinite(Number(value)) || value.trim() === '')
        throw new HeddleError('usage', `--${name} (${JSON.stringify(part)}) must be METRIC=VALUE`, {
          path: `--${name}`,
          hint: `for example --${name} tpotMs=0.6,params=2e6`,
        })
      return { metric, [name]: Number(value) }
    })
  const constraints = [...bounds('max'), ...bounds('min')]
  return {
    ...(text['objectives'] !== undefined && { objectives: listOf(text['objectives']) }),
    ...(constraints.length > 0 && { constraints }),
  }
}

/** The study that the flags describe. Throws HeddleError for what cannot be. */
export function configOf({ text, params, switches }: CommandInput): SearchConfig {
  const given = (schema: ParamSchema): ParamValues =>
    Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(schema, name)))
  const file = text['evaluation'] === undefined ? {} : readJson(text['evaluation'], 'evaluation')
  const train = (file['train'] ?? {}) as Readonly<Record<string, unknown>>
  const run = { ...(train['run'] as object | undefined), ...given(SMALL_FLAGS) }
  return searchConfig({
    searcher: params['searcher'] as string | undefined,
    params: given(SEARCHER_FLAGS),
    space: text['space'] === undefined ? undefined : readJson(text['space'], 'search space'),
    ...goalFlags(text),
    isWidest: switches.has('widest'),
    evaluation: {
      ...file,
      ...given(EVALUATION_FLAGS),
      ...(text['probe'] !== undefined && { probe: text['probe'] }),
      train: { ...train, run },
    },
    budget: given(STUDY_PARAMS),
  })
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

function readJson(path: string, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
    throw new Error('it is not an object')
  } catch (error) {
    throw new HeddleError('file-invalid', `the ${what} cannot be read: ${(error as Error).message}`, { path })
  }
}
