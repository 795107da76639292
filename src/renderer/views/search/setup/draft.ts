// A new search as its form holds it, and the configuration that it stands for. Pure.

import { isGroup, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, BlockItem, StackItem } from '#core/model/spec.ts'
import { printSpecText } from '#core/model/text.ts'
import { blockOf } from '#core/blocks/index.ts'
import { measuredOf, predictionOf } from '#core/metrics.ts'
import type { ParamValues } from '#core/params.ts'
import { DEFAULT_SPACE, encodings, makeSpace, searchers } from '#core/search/index.ts'
import type { SpaceConfig } from '#core/search/index.ts'

/** A bound on a metric, under its measured name. */
export interface Bound {
  readonly metric: string
  readonly side: 'max' | 'min'
  readonly value: number | null
}

/** Values that are given; what is absent has its default. Metrics have their measured names. */
export interface Draft {
  readonly name: string
  readonly searcher: string
  readonly params: ParamValues
  readonly space: Omit<SpaceConfig, 'seeds' | 'widthTargetMs'>
  /** One design a line. */
  readonly seeds: string
  /** The width is the largest that keeps the bound on decode latency. */
  readonly isWidest: boolean
  readonly objectives: readonly string[]
  readonly bounds: readonly Bound[]
  readonly budget: ParamValues
  readonly evaluation: ParamValues
  readonly run: ParamValues
  readonly profile: ParamValues
  readonly corpus: string
  readonly tokenizer: string
}

/** Small enough for two cores: stacks of at most eight blocks at two widths, on bytes of the demo corpus. */
export const SMALL_DRAFT: Draft = {
  name: '',
  searcher: searchers[0]!.kind,
  params: {},
  space: { ...DEFAULT_SPACE, dModels: [64, 128], maxBlocks: 8 },
  seeds: '',
  isWidest: false,
  objectives: ['bitsPerByte', 'tpotMs'],
  bounds: [{ metric: 'tpotMs', side: 'max', value: null }],
  budget: {},
  evaluation: {},
  run: {},
  profile: {},
  corpus: '',
  tokenizer: 'bytes',
}

/** Twelve short trials of small stacks: a first search that takes minutes. */
export const FIRST_DRAFT: Draft = {
  ...SMALL_DRAFT,
  name: 'First search',
  space: { ...SMALL_DRAFT.space, dModels: [32, 64], maxBlocks: 6 },
  budget: { trials: 12 },
  run: { steps: 30, validationEvery: 30, batchSize: 4 },
  profile: { maxSeconds: 1.5 },
}

type Json = Readonly<Record<string, unknown>>

/** The configuration of a draft, as the door takes it. */
export function configOf(draft: Draft): Json {
  const { searcher, params, objectives, bounds, budget, evaluation, run, profile, corpus, tokenizer } = draft
  const isPredicted = evaluation['latency'] === 'predicted'
  const rename = (metric: string): string => (isPredicted ? (predictionOf(metric)?.kind ?? metric) : metric)
  return {
    searcher,
    params,
    space: spaceOf(draft),
    goal: {
      objectives: objectives.map(rename),
      constraints: bounds.flatMap(({ metric, side, value }) =>
        value === null ? [] : [{ metric: rename(metric), [side]: value }],
      ),
    },
    ...budget,
    evaluation: {
      ...evaluation,
      train: { data: { kind: 'corpus', path: corpus.trim() === '' ? null : corpus.trim(), tokenizer }, run },
      profile: { options: profile },
    },
  }
}

/** The space of a draft as JSON. */
export function spaceOf({ space, seeds, isWidest, bounds }: Draft): Json {
  const target = bounds.find(({ metric, side }) => metric === 'tpotMs' && side === 'max')?.value
  return { ...space, seeds: lines(seeds), ...(isWidest && { widthTargetMs: target ?? undefined }) }
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** What keeps a draft from being a search, in words; undefined for nothing that is known here. */
export function problemOf({ isWidest, bounds, objectives }: Draft): string | undefined {
  if (objectives.length === 0) return 'choose at least one objective'
  if (isWidest && !bounds.some(({ metric, side, value }) => metric === 'tpotMs' && side === 'max' && value !== null))
    return 'the largest width needs a target of decode latency'
  return undefined
}

/** A draft that repeats a stored search. What the form does not show (optimiser, tasks) keeps its default. */
export function draftOf(name: string, config: Json): Draft {
  const space = config['space'] as SpaceConfig
  const { seeds = [], widthTargetMs, ...rest } = { ...DEFAULT_SPACE, ...space }
  const { train, profile, ...evaluation } = config['evaluation'] as Readonly<Record<string, never>>
  const { run, data } = (train ?? {}) as { readonly run?: ParamValues; readonly data?: Readonly<Record<string, never>> }
  const { objectives, constraints = [] } = config['goal'] as {
    readonly objectives: readonly (string | { readonly metric: string })[]
    readonly constraints?: readonly { readonly metric: string; readonly max?: number; readonly min?: number }[]
  }
  const { trials, parallel, seed } = config as Readonly<Record<string, number>>
  return {
    name: `${name}, again`,
    searcher: String(config['searcher']),
    params: config['params'] as ParamValues,
    space: rest,
    seeds: seeds.join('\n'),
    isWidest: widthTargetMs !== undefined,
    objectives: objectives.map((o) => measuredOf(typeof o === 'string' ? o : o.metric)),
    bounds: constraints.flatMap(({ metric, max, min }): Bound[] => [
      ...(max === undefined ? [] : [{ metric: measuredOf(metric), side: 'max', value: max } as const]),
      ...(min === undefined ? [] : [{ metric: measuredOf(metric), side: 'min', value: min } as const]),
    ]),
    budget: { trials: trials!, parallel: parallel!, seed: seed! },
    evaluation,
    run: run ?? {},
    profile: ((profile as { readonly options?: ParamValues } | undefined)?.options ?? {}) as ParamValues,
    corpus: data?.['path'] ?? '',
    tokenizer: data?.['tokenizer'] ?? 'bytes',
  }
}

/** A draft whose space holds a stack, and which starts from it. */
export function draftAround(spec: ArchSpec, draft: Draft): Draft {
  const flat = flatten(spec.blocks)
  const { settings, blocks } = resolveSpec(spec)
  const { dModel } = settings
  // the vocabulary is that of the corpus
  const { dModel: _width, vocabSize: _vocabulary, ...model } = spec.model
  const of = (category: string, known: SpaceConfig['mixers']): SpaceConfig['mixers'] => {
    const own = flat
      .filter(({ kind }) => blockOf(kind, 'kind').category === category)
      .map(({ kind, params }) => ({ kind, ...(params !== undefined && { params }) }))
    const seen = new Set<string>()
    const all = [...own, ...known.filter(({ kind }) => !own.some((o) => o.kind === kind))]
    return all.filter((one) => !seen.has(JSON.stringify(one)) && seen.add(JSON.stringify(one)) !== undefined)
  }
  const space = {
    ...draft.space,
    mixers: of('sequence mixer', draft.space.mixers),
    channelMixers: of('channel mixer', draft.space.channelMixers),
    dModels: [...new Set([...draft.space.dModels, dModel])].sort((a, b) => a - b),
    maxBlocks: Math.max(draft.space.maxBlocks, blocks.length),
    model,
  }
  const { name: _, ...unnamed } = spec
  const seeds = printSpecText({ ...unnamed, model: { dModel } })
  const encoding = encodings.find(({ kind }) => canHold({ ...space, encoding: kind, seeds: [seeds] }))
  return {
    ...draft,
    name: `Around ${spec.name ?? 'a stack'}`,
    seeds,
    space: { ...space, ...(encoding && { encoding: encoding.kind }) },
  }
}

function canHold(space: Json): boolean {
  try {
    makeSpace(space)
    return true
  } catch {
    return false
  }
}

const flatten = (items: readonly StackItem[]): BlockItem[] =>
  items.flatMap((item) => (isGroup(item) ? flatten(item.blocks) : item.disabled === true ? [] : [item]))
