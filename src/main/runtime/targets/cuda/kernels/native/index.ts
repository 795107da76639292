// Ops with kernels written by hand.

import type { Node } from '#core/graph/types.ts'
import { ops } from '#core/ops/index.ts'
import { stepOf } from '../step/index.ts'
import type { Compute } from '../../schedule/precision.ts'
import { attention, attentionGradient } from './attention.ts'
import { crossEntropy, crossEntropyGradient } from './cross-entropy.ts'
import { causalConv, causalConvGradient } from './conv.ts'
import { linearAttention, linearAttentionGradient } from './linear-attention.ts'
import { nativeKind } from './native-op.ts'
import type { NativeOp } from './native-op.ts'
import { rope } from './rope.ts'
import { rwkv7Recurrence, rwkv7RecurrenceGradient } from './rwkv7.ts'
import { scatterAdd } from './scatter-add.ts'
import { selectiveScan, selectiveScanGradient } from './selective-scan.ts'
import { triInverse } from './tri-inverse.ts'
import { update } from './update.ts'

/** Kernels that compute in any precision. */
const PLAIN: readonly NativeOp[] = [scatterAdd, update, triInverse]
/** Kernels of bf16 operands. */
const HALF: readonly NativeOp[] = [
  attention,
  attentionGradient,
  causalConv,
  causalConvGradient,
  crossEntropy,
  crossEntropyGradient,
  rope,
  linearAttention,
  linearAttentionGradient,
  selectiveScan,
  selectiveScanGradient,
  rwkv7Recurrence,
  rwkv7RecurrenceGradient,
]

const byKind = new Map([...PLAIN, ...HALF].map((op) => [op.kind, op]))
const halfKinds = new Set(HALF.map((op) => op.kind))

/** The kernels of a node of a scheduled graph. */
export const nativeOf = (node: Node): NativeOp | undefined =>
  stepOf(node) === undefined ? byKind.get(nativeKind(node)) : undefined

/** Fused nodes that kernels take in a precision; the others are generated from their meaning. */
export function claimsIn(compute: Compute): (node: Node) => boolean {
  return (node) => {
    if (stepOf(node) !== undefined) return true
    const op = nativeOf(node)
    const isFused = ops.get(node.op)!.decompose !== undefined
    return op !== undefined && isFused && (compute === 'bf16' || !halfKinds.has(op.kind)) && op.claims(node)
  }
}
