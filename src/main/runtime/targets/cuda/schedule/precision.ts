// Which values are kept in sixteen bits. Registers, sums and products are always f32; this decides about memory and about the operands
// of the library's products.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { nativeOf } from '../kernels/native/index.ts'
import { isMove, storedExactly, unshaped } from './values.ts'
import type { Half, Stored } from './values.ts'

/**
 * `f32`: everything exact. `tf32`: the same, but products round their operands to 10 bits. `bf16`: activations and operands
 * of products in bf16, weights, states and sums in f32. `f16`: the same with f16, for what is not trained.
 */
export type Compute = 'f32' | 'tf32' | Half

/** The sixteen bits that a precision keeps activations in, if it does. */
export const halfOf = (compute: Compute): Half | undefined =>
  compute === 'bf16' || compute === 'f16' ? compute : undefined

export interface Precision {
  readonly compute: Compute
  /** Form of a value in memory. */
  stored(value: Value): Stored
  /** Whether a product must have exact operands. */
  isExact(node: Node): boolean
}

/** Steps on weights, which are tiny differences of large numbers. */
const EXACT_SCOPE = /^(adamw\.|clip|weight_norm|accumulate|loss$)/
/** Small tensors cost nothing in f32. */
const SMALL = 1 << 12
const NARROW = 16

export function precisionOf(compute: Compute, nodes: readonly Node[]): Precision {
  const half = halfOf(compute)
  if (half === undefined) return { compute, stored: (value) => storedExactly(value.type.dtype), isExact: () => false }
  const exponents = intoExponents(nodes)
  const compared = new Set(nodes.flatMap(({ op, inputs }) => (COMPARES.has(op) ? [unshaped(inputs[0]!)] : [])))
  const isConstantProduct = (node: Node): boolean => node.op === 'matmul' && node.inputs.some(isConstant)
  const isWeightGradient = (node: Node): boolean =>
    node.op === 'matmul' && node.attrs['transposeA'] === true && node.outputs[0]!.type.shape.length === 2
  return {
    compute,
    isExact: isConstantProduct,
    stored: (value) => {
      const { node, type } = value
      if (type.dtype !== 'f32') return storedExactly(type.dtype)
      const wanted = nativeOf(node)?.stored(node, 'output', value.index)
      if (wanted !== undefined && wanted !== 'any') return wanted
      const isExact =
        node.op === 'input' ||
        sizeOf(type.shape) < SMALL ||
        (type.shape.at(-1) ?? 1) < NARROW ||
        EXACT_SCOPE.test(node.scope) ||
        isWeightGradient(node) ||
        isConstantProduct(node) ||
        compared.has(value) ||
        (node.op !== 'matmul' && exponents.has(value))
      return isExact ? 'f32' : half
    },
  }
}

/** Ops whose result hangs on small differences between neighbours: two logits that are one number in sixteen bits are a tie. */
const COMPARES = new Set(['argmax', 'add_gumbel'])

/** Whether a value is made of constants alone: a state that starts at zero and is put beside later ones is not. */
const isConstant = ({ node }: Value): boolean =>
  node.op === 'constant' || (isMove(node) && node.inputs.every(isConstant))

const KEEPS_SCALE = new Set(['add', 'sub', 'mul', 'neg', 'where', 'reduce_sum', 'reduce_max'])

/**
 * Values that hand-written kernels take in f32, and those that become exponents without a product of two variables in between: logarithms of decays and their sums, whose
 * absolute error is the relative error of the result.
 */
function intoExponents(nodes: readonly Node[]): ReadonlySet<Value> {
  const found = new Set<Value>()
  for (const node of [...nodes].reverse()) {
    const native = nativeOf(node)
    node.inputs.forEach((input, i) => {
      if (native?.stored(node, 'input', i) === 'f32') found.add(input)
    })
    const isExponent = node.op === 'exp'
    const passes =
      node.outputs.some((output) => found.has(output)) &&
      (KEEPS_SCALE.has(node.op) || isMove(node) || (node.op === 'matmul' && node.inputs.some(isConstant)))
    if (isExponent || passes) for (const input of node.inputs) found.add(input)
  }
  return found
}
