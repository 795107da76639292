import type { Value } from '../../graph/types.ts'
import { sizeOf, typeText } from '../../graph/types.ts'
import { require } from '../op.ts'
import type { OpDef } from '../op.ts'

/**
 * Causal depthwise convolution with state. Inputs: x [B,T,C], weight [C,1,K], state [B,C,K-1] (the inputs before x, oldest
 * first) and, with `bias`, bias [C]. Outputs: y [B,T,C] and the state after the last token. The last tap multiplies the
 * current token. `silu` applies SiLU to y. Source: operators.md section 2.
 */
export const causalConv: OpDef = {
  kind: 'causal_conv1d',
  doc: 'y_t = bias + sum_j w_j x_(t-K+1+j) per channel, with the last K-1 inputs as state, then optionally SiLU',
  infer: ([x, weight, state]) => {
    const [b, , c] = x!.shape
    const k = weight!.shape[2]!
    require(x!.shape.length === 3 && weight!.shape[0] === c && weight!.shape[1] === 1, () => `causal_conv1d: weight ${typeText(weight!)} for ${typeText(x!)}`)
    require(state!.shape[0] === b && state!.shape[1] === c && state!.shape[2] === k - 1, () => `causal_conv1d: state ${typeText(state!)} must be [${b},${c},${k - 1}]`)
    return [x!, state!]
  },
  cost: (node) => ({ flops: 2 * node.inputs[1]!.type.shape[2]! * sizeOf(node.inputs[0]!.type.shape) }),
  emit: (node, e) => {
    const bias = node.attrs['bias'] === true ? [e.inputs[3]!] : ['']
    const activation = node.attrs['silu'] === true ? 'silu' : 'none'
    const [x] = e.node('Transpose', [e.inputs[0]!], { perm: [0, 2, 1] })
    const [y, state] = e.node('CausalConvWithState', [x!, e.inputs[1]!, ...bias, e.inputs[2]!], { activation }, { domain: 'com.microsoft', outputs: 2 })
    return [e.node('Transpose', [y!], { perm: [0, 2, 1] })[0]!, state!]
  },
  decompose: (g, node) => {
    const [x, weight, state] = node.inputs as [Value, Value, Value]
    const [, t, c] = x.type.shape as [number, number, number]
    const k = weight.type.shape[2]!
    const history = g.concat([g.transpose(state, [0, 2, 1]), x], 1) // [B, K-1+T, C]
    const taps = g.split(g.reshape(weight, [c, k]), 1, new Array<number>(k).fill(1)) // K x [C, 1]
    let y: Value | undefined
    taps.forEach((tap, j) => {
      const term = g.mul(g.slice(history, 1, j, j + t), g.reshape(tap, [c]))
      y = y === undefined ? term : g.add(y, term)
    })
    if (node.attrs['bias'] === true) y = g.add(y!, node.inputs[3]!)
    if (node.attrs['silu'] === true) y = g.one('silu', [y!])
    return [y!, g.transpose(g.slice(history, 1, t, t + k - 1), [0, 2, 1])]
  },
}
