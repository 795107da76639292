// What a hand-written kernel says of itself, and what the scheduler gives it.

import type { Node, Value } from '#core/graph/types.ts'
import type { Buffer } from '../../schedule/job.ts'
import type { Stored } from '../../schedule/values.ts'
import type { Launch } from '../writer.ts'

/** An op, or the gradient of one, that kernels written by hand compute. */
export interface NativeOp {
  /** The op, or `vjp OP` for its gradient. */
  readonly kind: string
  /** Whether the kernels take the shapes and attributes of a node. */
  claims(node: Node): boolean
  /** The form of an operand or output that the kernels take; `any`: as it is kept; undefined: it is not touched. */
  stored(node: Node, side: 'input' | 'output', index: number): Stored | 'any' | undefined
  /** The width of the rows of an operand or output that may lie apart, for which `NativeMemory.rows` is asked. */
  rows?(node: Node, side: 'input' | 'output', index: number): number | undefined
  /** Outputs that the kernels can write where an input of the same size lies. */
  inPlace?(node: Node): readonly { readonly output: number; readonly input: number }[]
  /** Whether the kernels can do the op that an operand is the output of as they read that op's operand, in f32. */
  beginsWith?(node: Node, operand: Value): boolean
  /** Whether the kernels can do an op to an output before they write it, in f32. */
  endsWith?(output: Value, op: Node): boolean
  /** What runs, in order. */
  launches(node: Node, memory: NativeMemory): readonly Launch[]
}

/** Rows in a buffer: elements before the first, and from one to the next. */
export interface Rows {
  readonly buffer: Buffer
  readonly offset: number
  readonly stride: number
}

export interface NativeMemory {
  /** Memory of an operand or an output, dense and row-major; throws for an output that nobody reads. */
  buffer(value: Value): Buffer
  /** Where the rows of an operand or output lie of which `NativeOp.rows` says that they may lie apart. */
  rows(value: Value): Rows
  /** The op that must be done to its own operand to have an operand; its output is written where somebody reads it. */
  first(operand: Value): Node | undefined
  /** The op that must be done to an output, whose own output is written instead and whose other operands have memory too. */
  last(output: Value): Node | undefined
  /** Whether anybody reads an output. */
  isRead(value: Value): boolean
  /** Whether a gradient that is not decomposed follows a node. */
  isDifferentiated(node: Node): boolean
  /** Bytes of shared memory that a block may have. */
  readonly sharedBytes: number
  /** Memory for this node alone. */
  scratch(stored: Stored, size: number, name: string): Buffer
  /** Memory that a node writes and its gradient reads; the same for the same node and name. */
  residual(node: Node, stored: Stored, size: number, name: string): Buffer
}

/** The name under which a node's kernels are listed. */
export const nativeKind = (node: Node): string => (node.op === 'vjp' ? `vjp ${String(node.attrs['of'])}` : node.op)
