// What a kernel of a fused op on one token says of itself. Its operands need no memory: it computes them where it reads them.

import type { Node, Value } from '#core/graph/types.ts'
import type { Buffer } from '../../schedule/job.ts'
import type { Stored } from '../../schedule/values.ts'
import type { BufferOf, Launch } from '../writer.ts'

export interface StepOp {
  readonly kind: string
  /** Whether the kernel takes a node: one token, and shapes that it knows. */
  claims(node: Node): boolean
  /** Operands that are read by rows of their last axis, so that they may contain reductions of rows. */
  rowOperands(node: Node): readonly number[]
  /** States: outputs that the kernel can write where an input lies. */
  readonly states: readonly { readonly output: number; readonly input: number; readonly isCache: boolean }[]
  launches(node: Node, memory: StepMemory): readonly Launch[]
}

export interface StepMemory {
  /** Memory of a value, or undefined for one that is computed where it is read. */
  readonly bufferOf: BufferOf
  /** Whether anybody reads an output. */
  isRead(value: Value): boolean
  /** Memory for this node alone. */
  scratch(stored: Stored, size: number, name: string): Buffer
  /** Numbers that are 0 when the kernel starts and that it leaves at 0. */
  counters(size: number): Buffer
}
