import type { Value } from '../../graph/types.ts'
import { sizeOf, typeText } from '../../graph/types.ts'
import { demand } from '../op.ts'
import type { OpDef } from '../op.ts'

/**
 * Causal depthwise convolution with state. Inputs: x [B,T,C], weight [C,1,K], state [B,C,K-1] (the inputs before x, oldest
 * first) and, with `bias`, bias [C]. Outputs: y [B,T,C] and the state after the last token. The last tap multiplies the
 * current token. `silu` applies SiLU to y. Source: operators.md section 2.
 */
export const causalConv: OpDef = {
  kind: 'causal_conv1d',
  hasVjpNode: true,
  doc: 'y_t = bias + sum_j w_j x_(t-K+1+j) per channel, with the last K-1 inputs as state, then optionally SiLU',
  infer: ([x, weight, state]) => {
    const [b, , c] = x!.shape
    const k = weight!.shape[2]!
    demand(
      x!.shape.length === 3 && weight!.shape[0] === c && weight!.shape[1] === 1,
      () => `causal_conv1d: weight ${typeText(weight!)} for ${typeText(x!)}`,
    )
    demand(
      state!.shape[0] === b && state!.shape[1] === c && state!.shape[2] === k - 1,
      () => `causal_conv1d: state ${typeText(state!)} must be [${b},${c},${k - 1}]`,
    )
    return [x!, state!]
  },
  cost: (node) => ({ flops: 2 * node.inputs[1]!.type.shape[2]! * sizeOf(node.inputs[0]!.type.shape) }),
  emit: (node, e) => {
    const bias = node.attrs['bias'] === true ? [e.inputs[3]!] : ['']
    const activation = node.attrs['silu'] === true ? 'silu' : 'none'
    const [x] = e.node('Transpose', [e.inputs[0]!], { perm: [0, 2, 1] })
    const [y, state] = e.node(
      'CausalConvWithState',
      [x!, e.inputs[1]!, ...bias, e.inputs[2]!],
      { activation },
      { domain: 'com.microsoft', outputs: 2 },
    )
    return [e.node('Transpose', [y!], { perm: [0, 2, 1] })[0]!, state!]
  },
  decompose: (g, node) => {
    const [x, weight, state] = node.inputs as [Value, Value, Value]
    const [, t] = x.type.shape as [number, number, number]
    const taps = weight.type.shape[2]!
    const history = g.concat([g.transpose(state, [0, 2, 1]), x], 1) // [B, K-1+T, C]
    let y = g.one('depthwise_conv', [history, weight])
    if (node.attrs['bias'] === true) y = g.add(y, node.inputs[3]!)
    if (node.attrs['silu'] === true) y = g.one('silu', [y])
    return [y, g.transpose(g.slice(history, 1, t, t + taps - 1), [0, 2, 1])]
  },
}

/**
 * Depthwise correlation over time, channels last: x [B,T+K-1,C], weight [C,1,K] -> y [B,T,C], y_t = Σ_j w_j x_(t+j).
 */
export const depthwiseConv: OpDef = {
  kind: 'depthwise_conv',
  doc: 'y_t = sum_j w_j x_(t+j) per channel, over the T positions where all K taps fit',
  infer: ([x, weight]) => {
    const [b, t, c] = x!.shape as [number, number, number]
    const taps = weight!.shape[2]!
    demand(
      x!.shape.length === 3 && weight!.shape[0] === c && weight!.shape[1] === 1 && t >= taps,
      () => `depthwise_conv: weight ${typeText(weight!)} for ${typeText(x!)}`,
    )
    return [{ dtype: x!.dtype, shape: [b, t - taps + 1, c] }]
  },
  vjp: (g, node, [ct]) => {
    const [x, weight] = node.inputs as [Value, Value]
    const [, t, c] = ct!.type.shape as [number, number, number]
    const taps = weight.type.shape[2]!
    const flipped = g.concat(g.split(weight, 2, new Array<number>(taps).fill(1)).reverse(), 2)
    const dx = g.one('depthwise_conv', [g.pad(ct!, 1, taps - 1, taps - 1), flipped])
    const dw = Array.from({ length: taps }, (_, j) =>
      g.reshape(g.reduceSum(g.mul(ct!, g.slice(x, 1, j, j + t)), [0, 1]), [c, 1, 1]),
    )
    return [dx, g.concat(dw, 2)]
  },
  emit: (node, e) => {
    const [x] = e.node('Transpose', [e.inputs[0]!], { perm: [0, 2, 1] })
    const [y] = e.node('Conv', [x!, e.inputs[1]!], { group: node.inputs[0]!.type.shape[2]! })
    return e.node('Transpose', [y!], { perm: [0, 2, 1] })
  },
  decompose: (g, node) => {
    const [x, weight] = node.inputs as [Value, Value]
    const [, t, c] = node.outputs[0]!.type.shape as [number, number, number]
    const taps = g.split(weight, 2, new Array<number>(weight.type.shape[2]!).fill(1))
    return [
      taps.map((tap, j) => g.mul(g.slice(x, 1, j, j + t), g.reshape(tap, [c]))).reduce((sum, term) => g.add(sum, term)),
    ]
  },
}
