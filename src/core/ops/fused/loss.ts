import type { Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { intAttr, demand } from '../op.ts'
import type { OpDef } from '../op.ts'

/**
 * Mean natural-log cross-entropy of logits [R, V] against targets i32 [R], over targets other than `ignoreIndex`;
 * 0 when all are ignored. Outputs the mean and the number of targets counted (as f32).
 */
export const crossEntropy: OpDef = {
  kind: 'cross_entropy',
  hasVjpNode: true,
  doc: 'mean of log(sum(e^x)) - x_target over targets that are not ignored',
  infer: ([logits, targets]) => {
    demand(
      logits!.shape.length === 2 &&
        targets!.dtype === 'i32' &&
        targets!.shape.length === 1 &&
        targets!.shape[0] === logits!.shape[0],
      () => `cross_entropy: ${typeText(logits!)} against ${typeText(targets!)}`,
    )
    return [
      { dtype: logits!.dtype, shape: [] },
      { dtype: logits!.dtype, shape: [] },
    ]
  },
  vjp: (g, node, [ct]) => {
    if (ct === undefined) return [undefined, undefined]
    const { exps, sum, counted, safe, count } = terms(
      g,
      node.inputs[0]!,
      node.inputs[1]!,
      intAttr(node.attrs, 'ignoreIndex'),
    )
    const weight = g.div(g.mul(counted, ct), count) // [R, 1]
    const soft = g.mul(exps, g.div(weight, sum))
    return [g.addAlong(soft, safe, g.neg(weight)), undefined]
  },
  decompose: (g, node) => {
    const { shifted, sum, counted, safe, count, total } = terms(
      g,
      node.inputs[0]!,
      node.inputs[1]!,
      intAttr(node.attrs, 'ignoreIndex'),
    )
    const each = g.mul(g.sub(g.log(sum), g.takeAlong(shifted, safe)), counted)
    return [g.div(g.reshape(g.reduceSum(each, [0, 1]), []), count), total]
  },
}

/** The pieces that loss and gradient share; equal nodes merge in the cse pass. */
function terms(
  g: GraphBuilder,
  logits: Value,
  targets: Value,
  ignoreIndex: number,
): Record<'shifted' | 'exps' | 'sum' | 'counted' | 'safe' | 'count' | 'total', Value> {
  const rows = logits.type.shape[0]!
  const column = g.reshape(targets, [rows, 1])
  const ignored = g.equal(column, g.scalar(ignoreIndex, 'i32'))
  const counted = g.sub(g.scalar(1), g.cast(ignored, 'f32'))
  const safe = g.where(ignored, g.scalar(0, 'i32'), column)
  const shifted = g.sub(logits, g.reduceMax(logits, [1]))
  const exps = g.exp(shifted)
  const total = g.reshape(g.reduceSum(counted, [0, 1]), [])
  return { shifted, exps, sum: g.reduceSum(exps, [1]), counted, safe, count: g.maximum(total, g.scalar(1)), total }
}
