// The search space as JSON: what a study stores and a user edits. Reading it checks everything that needs no other part.

import { attention } from '../../blocks/attention.ts'
import { deltanet } from '../../blocks/deltanet.ts'
import { ffn } from '../../blocks/ffn.ts'
import { mamba2 } from '../../blocks/mamba2.ts'
import { MODEL_PARAMS } from '../../model/spec.ts'
import type { ModelSettings } from '../../model/spec.ts'
import { resolveParams } from '../../params.ts'
import type { Genome } from './genome.ts'
import { integerFrom, listFrom, numberFrom, objectFrom, refuse, textFrom, wordFrom } from './json.ts'
import { parseOperators } from './operators.ts'
import type { OperatorConfig } from './operators.ts'

export interface SpaceConfig {
  readonly encoding: Genome['encoding']
  /** Sequence mixers that may appear. */
  readonly mixers: readonly OperatorConfig[]
  /** Channel mixers that may follow them. */
  readonly channelMixers: readonly OperatorConfig[]
  /** How many channel mixers may follow one sequence mixer; ascending. */
  readonly channelCounts: readonly number[]
  /** Candidate widths of the residual stream; ascending. */
  readonly dModels: readonly number[]
  /** Given: the width is the largest candidate whose predicted latency is at most this. Absent: the width is searched. */
  readonly widthTargetMs?: number
  /** Fewest and most blocks of the stack; every mixer counts as one, sequence or channel. */
  readonly minBlocks: number
  readonly maxBlocks: number
  /** Settings of the model that all candidates share. */
  readonly model: Readonly<Partial<Omit<ModelSettings, 'dModel'>>>
  /** Known designs that a search starts from, as text: `(d f m2 f)x6`. */
  readonly seeds: readonly string[]
}

/** More than the paper's 30, so that deeper stacks can be searched; sampling and mutation cost grows with it. */
const MAX_DEPTH = 256
const MAX_CHANNELS = 4

/** The space of arXiv 2511.18890: three mixers, up to two feed-forward blocks after each, at most 30 blocks. */
export const DEFAULT_SPACE: SpaceConfig = {
  encoding: 'strict',
  mixers: [attention, mamba2, deltanet].map(({ kind }) => ({ kind })),
  channelMixers: [{ kind: ffn.kind }],
  channelCounts: [0, 1, 2],
  dModels: MODEL_PARAMS.dModel.search ?? [],
  minBlocks: 1,
  maxBlocks: 30,
  model: {},
  seeds: [],
}

/** What each field of a space means: docs and the check for unknown fields read it. */
export const SPACE_FIELDS: Readonly<Record<keyof SpaceConfig, string>> = {
  encoding: 'How stacks are written and varied: the kind of an encoding.',
  mixers:
    'Sequence mixers that may appear: kinds, or {kind, params, search} with fixed parameters and names of parameters whose searched values are all offered.',
  channelMixers: 'Channel mixers that may follow them, in the same form.',
  channelCounts: 'How many channel mixers may follow one sequence mixer.',
  dModels: 'Candidate widths of the residual stream.',
  widthTargetMs:
    'When given, the width is not searched: it is the largest candidate whose predicted decode latency is at most this, in ms/token (Algorithm 1 of arXiv 2511.18890).',
  minBlocks: 'Fewest blocks of a stack; every mixer counts as one.',
  maxBlocks: 'Most blocks of a stack; what exceeds it is cut at the end.',
  model: 'Settings of the model that all candidates share, as in a spec: vocabSize, metaTokens ...',
  seeds: 'Known designs that a search starts from, as text: `(d f m2 f)x6`.',
}

/**
 * Reads a space from JSON; absent fields have their defaults, except for those of the default's mixers.
 * @throws HeddleError `param-invalid` or `spec-invalid` with the path of the offending value: `space.mixers[1].kind`.
 */
export function parseSpaceConfig(json: unknown, path = 'space'): SpaceConfig {
  const fields = objectFrom(json, Object.keys(SPACE_FIELDS), path)
  const at = (name: string): string => `${path}.${name}`
  const or = <T>(name: keyof SpaceConfig, read: (value: unknown, path: string) => T): T =>
    read(fields[name] ?? DEFAULT_SPACE[name], at(name))

  const { min: narrowest, max: widest } = MODEL_PARAMS.dModel
  const minBlocks = or('minBlocks', (value, p) => integerFrom(value, 1, MAX_DEPTH, p))
  const maxBlocks = or('maxBlocks', (value, p) => integerFrom(value, 1, MAX_DEPTH, p))
  if (minBlocks > maxBlocks)
    refuse(at('minBlocks'), `minBlocks (${minBlocks}) must not exceed maxBlocks (${maxBlocks})`)
  const target =
    fields['widthTargetMs'] === undefined ? undefined : numberFrom(fields['widthTargetMs'], at('widthTargetMs'))
  if (target !== undefined && target <= 0) refuse(at('widthTargetMs'), `widthTargetMs (${target}) must be positive`)
  return {
    encoding: or('encoding', (value, p) => wordFrom(value, ['strict', 'free'], p)),
    mixers: or('mixers', (value, p) => parseOperators(value, 'sequence mixer', p)),
    channelMixers: or('channelMixers', (value, p) => parseOperators(value, 'channel mixer', p)),
    channelCounts: or('channelCounts', (value, p) => ascending(value, 0, MAX_CHANNELS, MAX_CHANNELS + 1, p)),
    dModels: or('dModels', (value, p) => ascending(value, narrowest, widest, 64, p)),
    ...(target !== undefined && { widthTargetMs: target }),
    minBlocks,
    maxBlocks,
    model: or('model', parseModel),
    seeds: or('seeds', (value, p) => listFrom(value, 0, 1000, p).map((seed, i) => textFrom(seed, `${p}[${i}]`))),
  }
}

/** Distinct whole numbers in [min, max], sorted. */
function ascending(json: unknown, min: number, max: number, most: number, path: string): number[] {
  const values = listFrom(json, 1, most, path).map((value, i) => integerFrom(value, min, max, `${path}[${i}]`))
  return [...new Set(values)].sort((a, b) => a - b)
}

function parseModel(json: unknown, path: string): SpaceConfig['model'] {
  const { dModel: _searched, ...schema } = MODEL_PARAMS
  const model = objectFrom(json, Object.keys(schema), path)
  resolveParams(schema, model, { dModel: 0 }, path)
  return { ...model }
}
