// Fused ops on one token, with kernels written by hand.

import type { Node } from '#core/graph/types.ts'
import { attentionStep } from './attention-step.ts'
import { recurrentStep } from './recurrent-step.ts'
import type { StepOp } from './step-op.ts'

const STEPS: readonly StepOp[] = [attentionStep, recurrentStep]
const byKind = new Map(STEPS.map((step) => [step.kind, step]))

/** The kernel of a node that works on one token. */
export function stepOf(node: Node): StepOp | undefined {
  const step = byKind.get(node.op)
  return step?.claims(node) === true ? step : undefined
}
