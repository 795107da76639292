import type { Evaluator } from '../graph/interpret.ts'
import type { Attrs, DType, Node, NumberArray, OpRules, Shape, TensorType, Value } from '../graph/types.ts'
import type { GraphBuilder } from './builder.ts'

/** Work of one node: multiply-adds count 2 FLOPs; what operators.md section 1 does not count is 0. */
export interface Cost {
  readonly flops: number
}

/**
 * One op and every rule about it. Data is positional, metadata are attributes. Primitive ops have `evaluate`; fused ops
 * have `decompose` instead, which is their meaning.
 */
export interface OpDef extends OpRules, Evaluator {
  readonly kind: string
  /** One sentence with the formula, for the docs. */
  readonly doc: string
  infer(inputs: readonly TensorType[], attrs: Attrs, data?: NumberArray): readonly TensorType[]
  /**
   * Cotangents of the inputs, built from ops. `cts[i]` is undefined where output i does not reach the loss.
   * Undefined entries in the result mean "no gradient flows". Absent: the op is decomposed before differentiation.
   */
  vjp?(g: GraphBuilder, node: Node, cts: readonly (Value | undefined)[]): readonly (Value | undefined)[]
  /** The gradient is one `vjp` node, which a target may claim as it may claim the op. */
  readonly hasVjpNode?: true
  /** ONNX nodes that compute this op; returns the names of the outputs. */
  emit?(node: Node, e: OnnxEmitter): readonly string[]
  cost?(node: Node): Cost
  /** The meaning of a fused op in simpler ops: values for its outputs. */
  decompose?(g: GraphBuilder, node: Node): readonly Value[]
}

export type OnnxAttr = number | string | readonly number[] | { readonly float: number }

/** What an op's `emit` may do; implemented by core/onnx. */
export interface OnnxEmitter {
  /** ONNX name of an operand. */
  readonly inputs: readonly string[]
  /** Adds an ONNX node; returns its output names. Integers become INT attributes, `{float}` FLOAT ones. */
  node(
    opType: string,
    inputs: readonly string[],
    attrs?: Readonly<Record<string, OnnxAttr>>,
    options?: { domain?: string; outputs?: number },
  ): string[]
  /** Adds an initialiser (shared when equal) and returns its name. */
  constant(dtype: DType, shape: Shape, data: ArrayLike<number>): string
  /** An int64 vector initialiser. */
  ints(values: readonly number[]): string
}

/** Attribute readers with the type that the op's rules rely on. */
export const intAttr = (attrs: Attrs, name: string): number => attrs[name] as number
export const intsAttr = (attrs: Attrs, name: string): readonly number[] => attrs[name] as readonly number[]
export const flagAttr = (attrs: Attrs, name: string): boolean => attrs[name] === true
export const textAttr = (attrs: Attrs, name: string): string => attrs[name] as string

/** Throws the plain Error that `infer` rules use. */
export function demand(condition: boolean, rule: () => string): void {
  if (!condition) throw new Error(rule())
}

/** NumPy broadcasting of two shapes. */
export function broadcastShape(a: Shape, b: Shape, what: string): Shape {
  const rank = Math.max(a.length, b.length)
  const shape = new Array<number>(rank)
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1
    const db = b[b.length - rank + i] ?? 1
    if (da !== db && da !== 1 && db !== 1)
      throw new Error(`${what}: shapes [${a.join(',')}] and [${b.join(',')}] do not broadcast`)
    shape[i] = da === 1 ? db : da
  }
  return shape
}
