// The experiments of the Nemotron-Flash paper as lists of training configurations (arXiv 2511.18890, sections 3.2 to 3.4).
// A plan is pure: the same settings give the same runs, so that a study that was interrupted finds what it has done.

import { gla } from '#core/blocks/gla.ts'
import { HeddleError } from '#core/errors.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import type { TrainConfig } from '#core/optim/train-config.ts'
import { choice, optionalInteger, optionalReal } from '#core/params.ts'
import type { ValuesOf } from '#core/params.ts'
import { matchWidth, paramsOf } from './match-width.ts'
import type { StackAt } from './match-width.ts'

const size = { min: 1, max: 1 << 20, default: null }

export const STUDY_PARAMS = {
  preset: choice({
    doc: 'small: minutes on two cores. paper: the sizes of the paper, for a GPU; data and tokenizer are yours.',
    choices: ['small', 'paper'],
    default: 'small',
  }),
  dModel: optionalInteger({
    doc: 'Width of the first stack; others are widened to as many parameters; none: of the preset.',
    ...size,
  }),
  operators: optionalInteger({
    doc: 'Mixers and FFNs of a stack, a multiple of 6; none: of the preset.',
    min: 6,
    max: 960,
    default: null,
  }),
  metaTokens: optionalInteger({
    doc: 'Meta tokens of the arm that has them; none: of the preset.',
    min: 1,
    max: 4096,
    default: null,
  }),
  seeds: optionalInteger({
    doc: 'Training seeds of each configuration; none: of the preset.',
    min: 1,
    max: 100,
    default: null,
  }),
  steps: optionalInteger({ doc: 'Optimiser steps; none: of the preset.', min: 1, max: 1e9, default: null }),
  batchSize: optionalInteger({ doc: 'Sequences per batch; none: of the preset.', min: 1, max: 65536, default: null }),
  seqLen: optionalInteger({ doc: 'Tokens per sequence; none: of the preset.', min: 2, max: 1 << 20, default: null }),
  accumulation: optionalInteger({
    doc: 'Batches per optimiser step; none: of the preset.',
    min: 1,
    max: 65536,
    default: null,
  }),
  validationTokens: optionalInteger({
    doc: 'Held-out tokens that a validation scores, at most; none: of the preset.',
    min: 1,
    max: 1e12,
    default: null,
  }),
  lr: optionalReal({ doc: 'Highest learning rate; none: of the preset.', min: 0, max: 10, default: null }),
  mode: choice({
    doc: 'proxy-trust: short runs as prefixes of the long ones, as runs with their own schedule, or both.',
    choices: ['both', 'prefix', 'scheduled'],
    default: 'both',
  }),
} as const

/** What a study is made from: plain data, stored with it. */
export interface StudySettings extends ValuesOf<typeof STUDY_PARAMS> {
  readonly data: object
  /** Entries of the tokenizer of the data. */
  readonly vocabSize: number
  readonly target: string
  readonly threads: number | null
}

/** One training run and its place in the study's table. */
export interface PlannedRun {
  readonly row: string
  readonly column: string
  readonly seed: number
  readonly config: TrainConfig
}

export interface StudyPlan {
  readonly kind: string
  readonly title: string
  readonly doc: string
  /** Metrics whose curves the report draws. */
  readonly curves: readonly string[]
  /** Throws HeddleError `param-invalid` for settings that do not fit. */
  runs(settings: StudySettings): PlannedRun[]
}

const PRESETS = {
  // a few seconds a run on two cores
  small: {
    dModel: 96,
    widthStep: 8,
    headDim: 16,
    operators: 6,
    metaTokens: 16,
    steps: 120,
    batchSize: 4,
    seqLen: 128,
    accumulation: 1,
    validationTokens: 8192,
    lr: 3e-3,
    window: null,
    dState: 16,
    tieEmbeddings: true,
  },
  // 500 M parameters with a vocabulary of 32,000; 100 B tokens of about a million a step
  paper: {
    dModel: 1600,
    widthStep: 64,
    headDim: 64,
    operators: 24,
    metaTokens: 256,
    steps: 95_000,
    batchSize: 8,
    seqLen: 4096,
    accumulation: 32,
    validationTokens: 1 << 22,
    lr: 5e-4,
    window: 512,
    dState: 16,
    tieEmbeddings: false,
  },
} as const

type Sizes = ReturnType<typeof sizesOf>

function sizesOf(settings: StudySettings) {
  const preset = PRESETS[settings.preset]
  const given = Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => value !== null && Object.hasOwn(preset, name)),
  )
  const sizes = { ...preset, ...given } as {
    readonly [K in keyof typeof preset]: K extends 'window'
      ? number | null
      : K extends 'tieEmbeddings'
        ? boolean
        : number
  }
  if (sizes.operators % 6 !== 0)
    throw new HeddleError(
      'param-invalid',
      `operators (${sizes.operators}) must be a multiple of 6, so that pairs and single mixers have as many`,
      { path: 'operators' },
    )
  return sizes
}

/** The mixers of the paper's table, in its order, with the symbols that stand for them at a width. */
function mixersOf({ window, dState, headDim }: Sizes, dModel: number) {
  return {
    Attention: `a{headDim: ${headDim}${window === null ? '' : `, window: ${window}`}}`,
    GLA: gla.symbol,
    DeltaNet: `d{nHeads: ${dModel / headDim}}`,
    'Gated DeltaNet': `gdn{headDim: ${headDim}}`,
    RWKV7: `r7{headDim: ${headDim}}`,
    Mamba: 'm',
    Mamba2: `m2{headDim: ${headDim}, dState: ${dState}}`,
  } as const
}

type Mixer = keyof ReturnType<typeof mixersOf>
type Symbols = Readonly<Record<Mixer, string>>

/** A named pattern of mixers, at any width. */
function stackAt(
  name: string,
  pattern: (symbols: Symbols) => string,
  sizes: Sizes,
  { vocabSize }: StudySettings,
): StackAt {
  return (dModel) =>
    parseSpecText(
      `{name: ${JSON.stringify(name)}, dModel: ${dModel}, vocabSize: ${vocabSize}, tieEmbeddings: ${sizes.tieEmbeddings}} ${pattern(mixersOf(sizes, dModel))}`,
    )
}

/** Stacks widened to the parameters of the first one. */
function matched(stacks: readonly StackAt[], { dModel, widthStep }: Sizes): ArchSpec[] {
  const first = stacks[0]!(dModel)
  const budget = paramsOf(first)
  return [first, ...stacks.slice(1).map((stack) => matchWidth(stack, dModel, budget, widthStep))]
}

interface Arm {
  readonly row: string
  readonly column: string
  readonly spec: ArchSpec
  readonly optimiser?: object
  readonly steps?: number
}

function trained(
  arms: readonly Arm[],
  settings: StudySettings,
  defaults: { readonly seeds?: number; readonly lr?: number; readonly validations?: number } = {},
): PlannedRun[] {
  const sizes = sizesOf(settings)
  const seeds = settings.seeds ?? defaults.seeds ?? 1
  return arms.flatMap(({ row, column, spec, optimiser = {}, steps = sizes.steps }) =>
    Array.from({ length: seeds }, (_, i): PlannedRun => ({
      row,
      column,
      seed: i + 1,
      config: parseTrainConfig({
        spec,
        data: settings.data,
        run: {
          steps,
          batchSize: sizes.batchSize,
          seqLen: sizes.seqLen,
          accumulation: sizes.accumulation,
          seed: i + 1,
          validationEvery: Math.max(1, Math.floor(sizes.steps / (defaults.validations ?? 6))),
          validationTokens: sizes.validationTokens,
        },
        optimiser,
        schedule: { lr: settings.lr ?? defaults.lr ?? sizes.lr, warmup: Math.max(1, Math.round(steps / 20)) },
        target: settings.target,
        threads: settings.threads,
      }),
    })),
  )
}

const ALONE = 'alone'

const operatorAblation: StudyPlan = {
  kind: 'operator-ablation',
  title: 'Operator ablation',
  doc: 'Each mixer alone, and paired with attention and with Mamba2, at equal depth and parameters.',
  curves: ['loss', 'bitsPerByte'],
  runs: (settings) => {
    const sizes = sizesOf(settings)
    const { operators } = sizes
    const names = Object.keys(mixersOf(sizes, sizes.dModel)) as Mixer[]
    interface Cell {
      readonly row: Mixer
      readonly column: string
      readonly pattern: (symbols: Symbols) => string
    }
    // the state-space models of the paper stand without FFNs
    const pure = names.map((row): Cell => ({
      row,
      column: ALONE,
      pattern: (s) => (row.startsWith('Mamba') ? `(${s[row]})x${operators}` : `(${s[row]} f)x${operators / 2}`),
    }))
    const pair = (row: Mixer, other: Mixer): Cell => ({
      row,
      column: `+ ${other}`,
      pattern: (s) => `(${s[row]} ${s[other]} f)x${operators / 3}`,
    })
    const linear = ['DeltaNet', 'Gated DeltaNet', 'GLA'] as const
    const all = [
      ...pure,
      ...linear.map((name) => pair(name, 'Attention')),
      ...(['Attention', ...linear] as const).map((name) => pair(name, 'Mamba2')),
    ]
    const specs = matched(
      all.map(({ row, column, pattern }) =>
        stackAt(column === ALONE ? row : `${row} ${column}`, pattern, sizes, settings),
      ),
      sizes,
    )
    return trained(
      all.map(({ row, column }, i) => ({ row, column, spec: specs[i]! })),
      settings,
    )
  },
}

/** The three models of the paper's tables 4 and 5, and the order of its latency optimum. */
function models(sizes: Sizes, settings: StudySettings): ArchSpec[] {
  const n = sizes.operators
  const patterns: readonly (readonly [string, (symbols: Symbols) => string])[] = [
    ['Attention', (s) => `(${s.Attention} f)x${n / 2}`],
    ['DeltaNet', (s) => `(${s.DeltaNet} f)x${n / 2}`],
    ['Mamba2', (s) => `(${s.Mamba2})x${n}`],
    ['Hybrid', (s) => `(${s.DeltaNet} f ${s.Mamba2} f ${s.Attention} f)x${n / 6}`],
  ]
  return matched(
    patterns.map(([name, pattern]) => stackAt(name, pattern, sizes, settings)),
    sizes,
  )
}

const weightNorm: StudyPlan = {
  kind: 'weight-norm',
  title: 'Weight normalisation',
  doc: 'The same stacks with and without projecting matrices to unit norms after every step; nothing else differs. The third arm of the paper, nGPT, is not here.',
  curves: ['loss', 'valLoss', 'weightNorm', 'gradNorm'],
  runs: (settings) => {
    const sizes = sizesOf(settings)
    const arms = models(sizes, settings).flatMap((spec) =>
      [false, true].map((isOn): Arm => ({
        row: spec.name ?? '',
        column: isOn ? 'with' : 'without',
        spec,
        optimiser: { weightNorm: isOn },
      })),
    )
    return trained(arms, settings, settings.preset === 'paper' ? { lr: 1e-3 } : {})
  },
}

const metaTokens: StudyPlan = {
  kind: 'meta-tokens',
  title: 'Meta tokens',
  doc: 'The same stacks with and without learned vectors in front of every sequence.',
  curves: ['loss', 'bitsPerByte'],
  runs: (settings) => {
    const sizes = sizesOf(settings)
    const arms = models(sizes, settings).flatMap((spec) =>
      [0, sizes.metaTokens].map((count): Arm => ({
        row: spec.name ?? '',
        column: count === 0 ? 'without' : `${count} meta tokens`,
        spec:
          count === 0
            ? spec
            : { ...spec, name: `${spec.name}, ${count} meta tokens`, model: { ...spec.model, metaTokens: count } },
      })),
    )
    return trained(arms, settings)
  },
}

const proxyTrust: StudyPlan = {
  kind: 'proxy-trust',
  title: 'Proxy trust',
  doc: 'Eight stacks trained long, and short by runs whose own schedule ends at a quarter of the steps: a prefix of a long run is read while its learning rate is still high, which a search that trains short runs never sees.',
  curves: ['loss', 'bitsPerByte'],
  runs: (settings) => {
    const sizes = sizesOf(settings)
    const n = sizes.operators
    const { Attention: a, GLA: gla, DeltaNet: d, 'Gated DeltaNet': gdn, Mamba2: m2 } = mixersOf(sizes, sizes.dModel)
    const patterns = [
      `(${a} f)x${n / 2}`,
      `(${d} f)x${n / 2}`,
      `(${m2} f)x${n / 2}`,
      `(${gla} f)x${n / 2}`,
      `(${d} ${m2} f)x${n / 3}`,
      `(${gdn} ${a} f)x${n / 3}`,
      `(${d} f ${m2} f ${a} f)x${n / 6}`,
      `(f)x${n / 3} (${m2})x${(2 * n) / 3}`,
    ]
    const specs = patterns.map((pattern) =>
      stackAt(pattern.replace(/\{[^}]*\}/g, ''), () => pattern, sizes, settings)(sizes.dModel),
    )
    const short = Math.max(1, Math.floor(sizes.steps / 4))
    const arms = specs.flatMap((spec): Arm[] => [
      { row: spec.name ?? '', column: `${sizes.steps} steps`, spec },
      ...(settings.mode === 'prefix' ? [] : [{ row: spec.name ?? '', column: `${short} steps`, spec, steps: short }]),
    ])
    return trained(arms, settings, { seeds: settings.preset === 'small' ? 2 : 1, validations: 12 })
  },
}

export const studyPlans: readonly StudyPlan[] = [operatorAblation, weightNorm, metaTokens, proxyTrust]

/** The plan of a kind. Throws HeddleError `usage` with the known kinds. */
export function studyPlanOf(kind: string): StudyPlan {
  const plan = studyPlans.find((p) => p.kind === kind)
  if (plan !== undefined) return plan
  throw new HeddleError('usage', `unknown study ${JSON.stringify(kind)}`, {
    hint: `studies: ${studyPlans.map((p) => p.kind).join(', ')}`,
  })
}
