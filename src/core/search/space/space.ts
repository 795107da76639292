// The search space: what candidates may look like. Derived from its config and the registry of blocks; what a genome
// means, and how it varies, is the business of its encoding.

import { HeddleError } from '../../errors.ts'
import { isGroup, MODEL_PARAMS, parseSpec, SPEC_VERSION } from '../../model/spec.ts'
import type { ArchSpec } from '../../model/spec.ts'
import { parseSpecText, printPattern } from '../../model/text.ts'
import type { Rng } from '../../rng.ts'
import { parseSpaceConfig } from './config.ts'
import type { SpaceConfig } from './config.ts'
import { freeEncoding } from './encoding-free.ts'
import { strictEncoding } from './encoding-strict.ts'
import type { Encoding, SpaceSize } from './encoding.ts'
import type { Genome } from './genome.ts'
import { integerFrom, objectFrom, refuse, wordFrom } from './json.ts'
import { familiesOf } from './operators.ts'
import type { Family } from './operators.ts'

/** The encodings, in display order. */
export const encodings: readonly Encoding[] = [strictEncoding, freeEncoding]

/** Latency of a spec in ms, from a table or a formula. Pure and the same for the whole study, or it cannot be resumed. */
export type Predict = (spec: ArchSpec) => number

/** A checked space, ready to sample. */
export interface Space {
  /** In canonical form: what a study stores. */
  readonly config: SpaceConfig
  readonly encoding: Encoding
  readonly mixers: readonly Family[]
  readonly channelMixers: readonly Family[]
  /** The designs that a search starts from. */
  readonly seeds: readonly Genome[]
  readonly predict: Predict | undefined
}

/**
 * Reads a space from JSON. `predict` is needed where the config chooses widths by `widthTargetMs`.
 * @throws HeddleError `param-invalid`, `spec-invalid`, `spec-syntax` or `usage`, with a path like `space.seeds[0]`.
 */
export function makeSpace(json: unknown, predict?: Predict): Space {
  const config = parseSpaceConfig(json)
  if (config.widthTargetMs !== undefined && predict === undefined)
    throw new HeddleError('usage', 'a space with widthTargetMs needs latencies to choose widths by', {
      path: 'space.widthTargetMs',
      hint: 'measure a latency table first, or leave widthTargetMs out',
    })
  const space: Space = {
    config,
    encoding: encodings.find(({ kind }) => kind === config.encoding)!,
    mixers: familiesOf(config.mixers, config.dModels, 'space.mixers'),
    channelMixers: familiesOf(config.channelMixers, config.dModels, 'space.channelMixers'),
    seeds: [],
    predict,
  }
  if (space.encoding.size(space).count === 0)
    refuse(
      'space.maxBlocks',
      `no stack has ${config.minBlocks} to ${config.maxBlocks} blocks with ${config.channelCounts.join(' or ')} channel mixers after each mixer`,
      'widen minBlocks, maxBlocks or channelCounts',
    )
  return { ...space, seeds: config.seeds.map((text, i) => seedFrom(text, space, `space.seeds[${i}]`)) }
}

function seedFrom(text: string, space: Space, path: string): Genome {
  try {
    // a block may refuse the default width of a spec
    const withWidth = text.trimStart().startsWith('{') ? text : `{dModel: ${middleWidth(space)}} ${text}`
    return encodeSpec(parseSpecText(withWidth), space)
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    throw new HeddleError(error.code, error.message, {
      path: `${path} ${error.path ?? ''}`.trimEnd(),
      hint: error.hint,
    })
  }
}

function middleWidth({ config: { dModels } }: Space): number {
  return dModels[dModels.length >> 1]!
}

/** Number of genomes: the encoding's, times the widths where they are searched. */
export function sizeOfSpace(space: Space): SpaceSize {
  const { count, of } = space.encoding.size(space)
  return { count: count * (space.config.widthTargetMs === undefined ? space.config.dModels.length : 1), of }
}

/** A random genome. */
export function sampleGenome(space: Space, rng: Rng): Genome {
  return fitWidth(space.encoding.sample(space, rng.pick(space.config.dModels), rng), space)
}

/** The spec of a genome, in labelled groups. */
export function specOf(genome: Genome, space: Space): ArchSpec {
  return {
    heddle: SPEC_VERSION,
    model: { dModel: genome.dModel, ...space.config.model },
    blocks: space.encoding.items(genome),
  }
}

/** A text that is equal for genomes of a space that mean the same network: its width and its blocks one by one. */
export function keyOf(genome: Genome, space: Space): string {
  const texts = space.encoding
    .items(genome)
    .map((item) => (isGroup(item) ? `${printPattern(item.blocks)} `.repeat(item.repeat) : printPattern([item])))
  return `${genome.dModel} ${texts.join('')}`.trimEnd()
}

/**
 * The genome at the largest width whose predicted latency meets the target; at the smallest where none does, or the
 * prediction is not a number. Where the space has no target the width is part of the genome and stays.
 */
export function fitWidth<G extends Genome>(genome: G, space: Space): G {
  const { dModels, widthTargetMs } = space.config
  if (widthTargetMs === undefined || space.predict === undefined) return genome
  for (let i = dModels.length - 1; i > 0; i--) {
    const wider = { ...genome, dModel: dModels[i]! }
    if (space.predict(specOf(wider, space)) <= widthTargetMs) return wider
  }
  return { ...genome, dModel: dModels[0]! }
}

/**
 * The genome of a spec. A width that the spec leaves open is the space's middle one, or what meets its target.
 * @throws HeddleError `spec-invalid` naming what the space or its encoding cannot express.
 */
export function encodeSpec(spec: ArchSpec, space: Space): Genome {
  const checked = parseSpec(spec)
  const { dModels, widthTargetMs } = space.config
  const given = checked.model.dModel ?? middleWidth(space)
  const isCandidate = dModels.includes(given)
  if (!isCandidate && widthTargetMs === undefined)
    throw new HeddleError('spec-invalid', `dModel (${given}) is not in the search space`, {
      path: 'model.dModel',
      hint: `it offers ${dModels.join(', ')}`,
    })
  return fitWidth(space.encoding.encode(checked, space, isCandidate ? given : middleWidth(space)), space)
}

/**
 * Reads a genome from JSON, as stored with a trial.
 * @throws HeddleError `param-invalid` naming the part that is malformed, or not in the space.
 */
export function parseGenome(json: unknown, space: Space, path = 'genome'): Genome {
  const fields = objectFrom(json, undefined, path)
  wordFrom(fields['encoding'], [space.config.encoding], `${path}.encoding`)
  const dModel = integerFrom(fields['dModel'], MODEL_PARAMS.dModel.min, MODEL_PARAMS.dModel.max, `${path}.dModel`)
  if (!space.config.dModels.includes(dModel))
    refuse(
      `${path}.dModel`,
      `dModel (${dModel}) is not in the search space`,
      `it offers ${space.config.dModels.join(', ')}`,
    )
  const genome = space.encoding.parse(fields, space, dModel, path)
  const { minBlocks, maxBlocks } = space.config
  const depth = depthOf(genome, space)
  if (depth < minBlocks || depth > maxBlocks)
    refuse(path, `the genome has ${depth} blocks; the space allows ${minBlocks} to ${maxBlocks}`)
  return genome
}

/** Blocks of the unrolled stack. */
export function depthOf(genome: Genome, space: Space): number {
  let depth = 0
  for (const { unit, count } of space.encoding.units(genome)) depth += count * (1 + unit.channels.length)
  return depth
}
