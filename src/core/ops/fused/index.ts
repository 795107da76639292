// Fused ops: one meaning (their decomposition), several executions (what a target claims).

import type { OpDef } from '../op.ts'
import { attention, attentionStep } from './attention.ts'
import { causalConv, depthwiseConv } from './conv.ts'
import { linearAttention, runningSum } from './linear-attention.ts'
import { crossEntropy } from './loss.ts'
import { gelu, l2Norm, rmsNorm, silu, softmax, softplus } from './norms.ts'
import { rope } from './rope.ts'
import { rwkv7Recurrence } from './rwkv7.ts'
import { linearScan, selectiveScan } from './scan.ts'
import { triInverse } from './tri-inverse.ts'
import { vjp } from './vjp.ts'

export const fusedOps: readonly OpDef[] = [
  softmax,
  softplus,
  silu,
  gelu,
  rmsNorm,
  l2Norm,
  rope,
  causalConv,
  depthwiseConv,
  attention,
  attentionStep,
  linearAttention,
  runningSum,
  rwkv7Recurrence,
  selectiveScan,
  linearScan,
  triInverse,
  crossEntropy,
  vjp,
]
