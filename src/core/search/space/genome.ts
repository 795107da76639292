// Genomes: what searchers vary. Plain JSON, stored with each trial. A genome of either encoding stands for a stack of
// units, each a sequence mixer with the channel mixers that follow it, at one model width.

import { canonicalJson } from '../../model/spec.ts'
import type { StackItem } from '../../model/spec.ts'
import { printPattern } from '../../model/text.ts'
import type { ParamValues } from '../../params.ts'

/** A kind of block with the parameters that the space fixes or searches; others keep their defaults. */
export interface Operator {
  readonly kind: string
  readonly params?: ParamValues
}

/** A sequence mixer and the channel mixers after it. */
export interface Unit {
  readonly mixer: Operator
  readonly channels: readonly Operator[]
}

/** Units of the first mixer to units of the second in one block type; 0:1 is a block of one mixer alone. */
export const RATIOS = ['0:1', '1:1', '1:2', '1:3'] as const
export type Ratio = (typeof RATIOS)[number]

/** A block type, repeated. */
export interface Stage {
  /** One mixer where the ratio is 0:1, else two different ones. */
  readonly mixers: readonly Operator[]
  readonly ratio: Ratio
  /** What follows every mixer of the stage. */
  readonly channels: readonly Operator[]
  /** 0: the stage is absent, and the rest of it repeats the stage before. */
  readonly repeat: number
}

/** The template of arXiv 2511.18890: early, middle and late stage. */
export interface StrictGenome {
  readonly encoding: 'strict'
  readonly dModel: number
  readonly stages: readonly Stage[]
}

/** Units in order, repeated together. */
export interface Segment {
  readonly units: readonly Unit[]
  readonly repeat: number
}

/** Any stack of units. */
export interface FreeGenome {
  readonly encoding: 'free'
  readonly dModel: number
  readonly segments: readonly Segment[]
}

export type Genome = StrictGenome | FreeGenome

/** Equal for operators that are the same. */
export const operatorKey = (operator: Operator): string =>
  operator.params === undefined ? operator.kind : `${operator.kind} ${canonicalJson(operator.params)}`

export const isSameOperator = (a: Operator, b: Operator): boolean =>
  a.kind === b.kind && (a.params === b.params || operatorKey(a) === operatorKey(b))

/** Equal for units that are the same. */
export const unitKey = (unit: Unit): string => [unit.mixer, ...unit.channels].map(operatorKey).join('+')

/** The blocks of units, one after the other. */
export const blocksOf = (units: readonly Unit[]): Operator[] =>
  units.flatMap(({ mixer, channels }) => [mixer, ...channels])

/** How an operator prints: `m2`, `a{window: 512}`. */
export const operatorText = (operator: Operator): string => printPattern([operator])

/** A group of the spec; undefined for none. */
export const groupOf = (label: string, units: readonly Unit[], repeat: number): StackItem[] =>
  repeat === 0 ? [] : [{ repeat, blocks: blocksOf(units), label }]
