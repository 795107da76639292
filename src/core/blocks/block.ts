import type { Entry } from '../entry.ts'
import { HeddleError } from '../errors.ts'
import type { Shape, Value } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { Dims, ParamSchema, ValuesOf } from '../params.ts'
import type { Init } from './init.ts'

/** The three programs that a stack is lowered to. */
export type Phase = 'train' | 'prefill' | 'decode'

/** How weight normalisation treats a matrix: unit rows where it reads the residual stream, unit columns where it writes it. */
export type Projection = 'rows' | 'columns'

export interface WeightOptions {
  readonly init?: Init
  readonly project?: Projection
  /** Weight decay; default: tensors of two or more dimensions decay (operators.md section 8). */
  readonly decay?: boolean
}

/** What a block sees while it builds: its place in the stack, and where weights and states come from. */
export interface BlockContext {
  readonly g: GraphBuilder
  readonly phase: Phase
  readonly dModel: number
  readonly batch: number
  /** Tokens in this graph, meta tokens included; 1 in decode. */
  readonly length: number
  /** Largest number of tokens that a cache must hold, meta tokens included. */
  readonly capacity: number
  readonly metaTokens: number
  /** Position of the graph's first token: i32 scalar. */
  readonly position: Value
  /** Index of this block among all blocks of the stack, and their number. */
  readonly index: number
  readonly count: number
  /** Values that one block leaves for later ones of the same token (RWKV-7's first value). */
  readonly shared: Map<string, Value>
  /** Declares a weight under a name that is unique inside the block. */
  weight(name: string, shape: Shape, options?: WeightOptions): Value
  /** x Wᵀ with a weight [width, in] declared under this name. */
  linear(x: Value, name: string, width: number, options?: WeightOptions): Value
  /** `linear` with the result cut in parts of the given widths, in the order of the weight's rows. */
  linearParts(x: Value, name: string, widths: readonly number[], options?: WeightOptions): Value[]
  /** The state before the first token, [B, ...shape]; zeros in train and prefill. */
  state(name: string, shape: Shape): Value
  /** The state after the last token, under the name that `state` declared. */
  setState(name: string, value: Value): void
  /** Rotary tables cos, sin [T, width/2] for the graph's positions. */
  rotary(width: number, theta: number): { cos: Value; sin: Value }
}

/** Letter and colours of a kind; the colours mean this kind and nothing else. */
export interface Glyph {
  readonly letter: string
  /** On paper. */
  readonly light: string
  /** On a dark ground. */
  readonly dark: string
}

/**
 * One kind of block. `build` is its only description: train, prefill and decode graphs, counts, states and docs follow
 * from it. Sequence form and one-token form differ inside the fused ops that it calls.
 */
export interface Block<S extends ParamSchema = ParamSchema> extends Entry<S> {
  /** Raised when stored parameters change meaning. */
  readonly version: number
  /** Short code in layer strings: `d f m2 f a f`. */
  readonly symbol: string
  /** How it looks in the stack strip and everywhere else. */
  readonly glyph: Glyph
  /** Another look for some parameters: a sliding window. */
  variant?(params: ValuesOf<S>): Glyph | undefined
  readonly category: 'sequence mixer' | 'channel mixer'
  /** Rules across parameters; throws HeddleError `spec-invalid`. */
  check?(params: ValuesOf<S>, dims: Dims, path: string): void
  /** x [B,T,D], already normalised -> what is added to the residual stream [B,T,D]. */
  build(ctx: BlockContext, x: Value, params: ValuesOf<S>): Value
}

/** Keeps the types of `params` while the registry holds blocks of any schema. */
export const defineBlock = <const S extends ParamSchema>(block: Block<S>): Block => block as unknown as Block

/** Throws HeddleError `spec-invalid` unless the condition holds. */
export function rule(condition: boolean, path: string, message: string, hint?: string): void {
  if (!condition) throw new HeddleError('spec-invalid', message, { path, hint })
}

/** Number of heads of a given width, when not given. */
export const defaultHeads = (dModel: number, headDim: number): number => Math.max(1, Math.floor(dModel / headDim))
