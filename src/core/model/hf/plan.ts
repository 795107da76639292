// What an importer of one model family says: the spec, and where each of its weights is found in the checkpoint.

import type { Block } from '../../blocks/index.ts'
import { defaultOf } from '../../params.ts'
import type { ParamSchema, ParamValues } from '../../params.ts'
import type { BlockItem, ModelSettings, StackItem } from '../spec.ts'

/** A tensor in row-major order. */
export interface HfTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Where a weight comes from: a name in the checkpoint, behind the plan's prefix, and what is done to the tensor. */
export interface Source {
  readonly name: string
  readonly transform?: Transform
}

export interface Transform {
  /** Shape that the tensor must have. */
  readonly shape: readonly number[]
  readonly apply: (tensor: HfTensor) => HfTensor
}

/** A block with its sources; `weights` is keyed by the block's own names. */
export interface ImportedBlock {
  readonly item: BlockItem
  readonly norm: Source
  readonly weights: ReadonlyMap<string, Source>
}

export interface ImportPlan {
  readonly settings: Partial<ModelSettings>
  readonly blocks: readonly ImportedBlock[]
  /** Prefixes that the names of a checkpoint may have; the first whose embedding exists is taken. */
  readonly prefixes: readonly string[]
  readonly embedding: Source
  readonly finalNorm: Source
  readonly metaTokens?: Source
  /** Tensors that mean nothing for the model. */
  readonly ignored?: RegExp
}

/** A block of the spec, without the parameters that have their defaults. */
export function blockItem(block: Block, dModel: number, params: ParamValues): BlockItem {
  const told = withoutDefaults(block.params, params, dModel)
  return Object.keys(told).length === 0 ? { kind: block.kind } : { kind: block.kind, params: told }
}

/** The values that differ from the schema's defaults. */
export function withoutDefaults(schema: ParamSchema, values: ParamValues, dModel: number): ParamValues {
  const told = Object.entries(values).filter(([name, value]) => {
    const param = schema[name]
    if (param === undefined) throw new Error(`there is no parameter ${name}`)
    return value !== defaultOf(param, { dModel })
  })
  return Object.fromEntries(told)
}

/** Sources whose names are those of the block, behind a prefix. */
export const sameNames = (prefix: string, names: readonly string[]): Map<string, Source> =>
  new Map(names.map((name) => [name, { name: prefix + name }]))

/** Longest run of blocks that a group is made of. */
const MAX_PERIOD = 16

/** Puts repetitions into groups, taking at each place the group that saves most. */
export function grouped(items: readonly BlockItem[]): StackItem[] {
  const keys = items.map((item) => JSON.stringify(item))
  const result: StackItem[] = []
  for (let at = 0; at < items.length;) {
    let best = { period: 1, repeat: 1 }
    for (let period = 1; period <= MAX_PERIOD && at + 2 * period <= items.length; period++) {
      let end = at + period
      while (end < items.length && keys[end] === keys[end - period]) end++
      const repeat = Math.floor((end - at) / period)
      if (period * (repeat - 1) > best.period * (best.repeat - 1)) best = { period, repeat }
    }
    const blocks = items.slice(at, at + best.period)
    result.push(...(best.repeat > 1 ? [{ repeat: best.repeat, blocks }] : blocks))
    at += best.period * best.repeat
  }
  return result
}

/** Rows `from` to `to` (exclusive) of the first axis. */
export function rows({ shape, data }: HfTensor, from: number, to: number): HfTensor {
  const width = shape.slice(1).reduce((product, n) => product * n, 1)
  return { shape: [to - from, ...shape.slice(1)], data: data.subarray(from * width, to * width) }
}

/** Puts tensors one after another along the first axis. */
export function joinRows(parts: readonly HfTensor[]): HfTensor {
  const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return { shape: [parts.reduce((height, part) => height + part.shape[0]!, 0), ...parts[0]!.shape.slice(1)], data }
}
