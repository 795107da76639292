// The vocabulary of a schedule: buffers, and jobs that read and write them.

import type { Node, Value } from '#core/graph/types.ts'
import type { MatrixLayout } from '../driver/machine.ts'
import type { Stored } from './values.ts'

/** Where a buffer lives: with the session (state, feeds, results, constants) or in the arena, for part of a run. */
export type Home = 'state' | 'feed' | 'result' | 'constant' | 'arena'

export interface Buffer {
  readonly id: number
  readonly home: Home
  readonly stored: Stored
  /** Elements. */
  readonly size: number
  /** Name of the input or output that it holds, or the value, for printing. */
  readonly name: string
  /** The value whose data a constant buffer is filled with. */
  readonly constant?: Value
  /** Where rows of `width` elements lie in another buffer, for one without memory of its own. */
  readonly within?: {
    readonly whole: Buffer
    readonly offset: number
    readonly width: number
    readonly stride: number
  }
}

/** Element-wise work, with reductions of rows in between, in one kernel. */
export interface GroupJob {
  readonly kind: 'group'
  /** Elements of the domain, and the length of its rows where the group reduces them. */
  readonly size: number
  readonly rowLength: number | undefined
  /** Values in topological order: of the domain's size, or one a row. */
  readonly members: readonly Value[]
  /** Sums over all rows, which nobody in the group reads. */
  readonly columnSums: readonly Value[]
}

/** A reduction over any axes, in one or two kernels. */
export interface ReduceJob {
  readonly kind: 'reduce'
  readonly node: Node
}

/** A matrix product by the library, on memory as it lies. */
export interface LibraryJob {
  readonly kind: 'library'
  readonly node: Node
  readonly a: OperandView
  readonly b: OperandView
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batch: number
}

/** An operand as the library reads it. */
export interface OperandView {
  readonly base: Value
  /** First element. */
  readonly offset: number
  readonly layout: Omit<MatrixLayout, 'type'>
}

/** A matrix product as sums of expressions: for small or odd shapes and for what must stay exact. */
export interface DirectJob {
  readonly kind: 'direct'
  readonly node: Node
}

/** An op with a kernel written by hand. */
export interface NativeJob {
  readonly kind: 'native'
  readonly node: Node
  /** What the kernel does to operands as it reads them; it writes these values where somebody else reads them. */
  readonly first: ReadonlyMap<Value, Node>
  /** What the kernel does to outputs before it writes them; these values themselves are nowhere. */
  readonly last: ReadonlyMap<Value, Node>
}

/** A product x Wᵀ: x [m,k], and n rows of a weight from `firstRow` on. */
export interface GemvProduct {
  readonly node: Node
  readonly x: Value
  readonly m: number
  readonly n: number
  readonly k: number
  readonly weight: Value
  readonly firstRow: number
}

/** Products of one operand with as many columns, and what is computed from them element by element. */
export interface GemvPart {
  readonly n: number
  readonly products: readonly GemvProduct[]
  readonly members: readonly Value[]
}

/** Products of one operand of few rows, in one kernel. */
export interface GemvJob {
  readonly kind: 'gemv'
  readonly x: Value
  readonly m: number
  readonly k: number
  readonly parts: readonly GemvPart[]
}

/** A fused op on one token, whose kernel computes its operands as it reads them. */
export interface StepJob {
  readonly kind: 'step'
  readonly node: Node
}

export type Job = GroupJob | ReduceJob | LibraryJob | DirectJob | NativeJob | GemvJob | StepJob
