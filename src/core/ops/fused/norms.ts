// Normalisations and activations with a fused form. Sources: RMSNorm arXiv 1910.07467; operators.md section 2.

import type { Node, Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { demand } from '../op.ts'
import type { OpDef } from '../op.ts'

const lastAxis = (x: Value): number => x.type.shape.length - 1

/** (mean(x²) + ε)^(-½) over the last axis, which keeps size 1. */
function inverseRms(g: GraphBuilder, x: Value, eps: number): Value {
  return g.div(g.scalar(1), g.sqrt(g.add(g.mean(g.mul(x, x), [lastAxis(x)]), g.scalar(eps))))
}

export const rmsNorm: OpDef = {
  kind: 'rms_norm',
  doc: 'x (mean(x²) + eps)^(-1/2) times a gain, over the last axis (arXiv 1910.07467)',
  infer: ([x, gain]) => {
    demand(
      gain!.shape.length === 1 && gain!.shape[0] === x!.shape.at(-1),
      () => `rms_norm: gain ${typeText(gain!)} for ${typeText(x!)}`,
    )
    return [x!]
  },
  vjp: (g, node, [ct]) => {
    const [x, gain] = node.inputs as [Value, Value]
    const r = inverseRms(g, x, node.attrs['eps'] as number)
    const unit = g.mul(x, r)
    const scaled = g.mul(ct!, gain)
    const dx = g.mul(r, g.sub(scaled, g.mul(unit, g.mean(g.mul(scaled, unit), [lastAxis(x)]))))
    return [dx, g.sumTo(g.mul(ct!, unit), gain.type.shape)]
  },
  emit: (node, e) =>
    e.node('SimplifiedLayerNormalization', e.inputs, { axis: -1, epsilon: { float: node.attrs['eps'] as number } }),
  decompose: (g, node) => {
    const [x, gain] = node.inputs as [Value, Value]
    return [g.mul(g.mul(x, inverseRms(g, x, node.attrs['eps'] as number)), gain)]
  },
}

export const softmax: OpDef = {
  kind: 'softmax',
  doc: 'e^(x - max) over its sum, along the last axis',
  infer: ([x]) => [x!],
  vjp: (g, node, [ct]) => {
    const y = node.outputs[0]!
    const weighted = g.mul(ct!, y)
    return [g.sub(weighted, g.mul(y, g.reduceSum(weighted, [lastAxis(y)])))]
  },
  emit: (_, e) => e.node('Softmax', e.inputs, { axis: -1 }),
  decompose: (g, node) => {
    const x = node.inputs[0]!
    const e = g.exp(g.sub(x, g.reduceMax(x, [lastAxis(x)])))
    return [g.div(e, g.reduceSum(e, [lastAxis(x)]))]
  },
}

export const softplus: OpDef = {
  kind: 'softplus',
  doc: 'log(1 + e^x), as max(x, 0) + log(1 + e^-|x|)',
  infer: ([x]) => [x!],
  vjp: (g, node, [ct]) => [g.mul(ct!, g.sigmoid(node.inputs[0]!))],
  emit: (_, e) => e.node('Softplus', e.inputs),
  decompose: (g, node) => {
    const x = node.inputs[0]!
    return [g.add(g.relu(x), g.log(g.add(g.scalar(1), g.exp(g.neg(g.abs(x))))))]
  },
}

export const silu: OpDef = {
  kind: 'silu',
  doc: 'x sigmoid(x) (arXiv 1702.03118)',
  infer: ([x]) => [x!],
  vjp: (g, node, [ct]) => {
    const x = node.inputs[0]!
    const s = g.sigmoid(x)
    return [g.mul(ct!, g.add(s, g.mul(node.outputs[0]!, g.sub(g.scalar(1), s))))]
  },
  emit: (_, e) => e.node('QuickGelu', e.inputs, { alpha: { float: 1 } }, { domain: 'com.microsoft' }),
  decompose: (g, node) => [g.mul(node.inputs[0]!, g.sigmoid(node.inputs[0]!))],
}

export const gelu: OpDef = {
  kind: 'gelu',
  doc: 'x Φ(x) with the exact error function (arXiv 1606.08415)',
  infer: ([x]) => [x!],
  emit: (_, e) => e.node('Gelu', e.inputs, {}, { domain: 'com.microsoft' }),
  decompose: (g, node) => {
    const x = node.inputs[0]!
    return [g.mul(g.scale(x, 0.5), g.add(g.scalar(1), g.erf(g.scale(x, Math.SQRT1_2))))]
  },
}

/** x (Σ x² + 1e-6)^(-½) over the last axis, as operators.md section 2 has it. */
export const l2Norm: OpDef = {
  kind: 'l2_norm',
  doc: 'x (sum(x²) + eps)^(-1/2) over the last axis',
  infer: ([x]) => [x!],
  vjp: (g, node, [ct]) => {
    const y = node.outputs[0]!
    const r = inverseLength(g, node)
    return [g.mul(r, g.sub(ct!, g.mul(y, g.reduceSum(g.mul(ct!, y), [lastAxis(y)]))))]
  },
  decompose: (g, node) => [g.mul(node.inputs[0]!, inverseLength(g, node))],
}

function inverseLength(g: GraphBuilder, node: Node): Value {
  const x = node.inputs[0]!
  return g.div(
    g.scalar(1),
    g.sqrt(g.add(g.reduceSum(g.mul(x, x), [lastAxis(x)]), g.scalar(node.attrs['eps'] as number))),
  )
}
