import type { Entry } from '../entry.ts'
import type { Value } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { ParamValues } from '../params.ts'

/** One tensor at one step, as graph values. */
export interface OptimiserInput {
  readonly weight: Value
  /** After clipping. */
  readonly gradient: Value
  /** Whether weight decay applies. */
  readonly decay: boolean
  readonly moments: Readonly<Record<string, Value>>
  readonly scalars: Readonly<Record<string, Value>>
  readonly lr: Value
}

/** An optimiser as a graph builder. */
export interface Optimiser extends Entry {
  /** Names of its running tensors, each shaped as the weight and zero at the start. */
  readonly moments: readonly string[]
  /** Scalars fed at step 1, 2, ...: bias corrections. */
  scalars(step: number, params: ParamValues): Readonly<Record<string, number>>
  step(
    g: GraphBuilder,
    input: OptimiserInput,
    params: ParamValues,
  ): { weight: Value; moments: Readonly<Record<string, Value>> }
}
