import type { Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import { demand } from '../op.ts'
import type { OpDef } from '../op.ts'

/** Rotary position embedding, half-split: x [B,T,H,w] with tables cos and sin [T, w/2]. Source: arXiv 2104.09864. */
export const rope: OpDef = {
  kind: 'rope',
  doc: 'rotates the pairs (i, i + w/2) of each head by the angle of the position (arXiv 2104.09864)',
  infer: ([x, cos, sin]) => {
    const [, t, , w] = x!.shape
    demand(
      x!.shape.length === 4 && cos!.shape[0] === t && cos!.shape[1] === w! / 2 && typeText(cos!) === typeText(sin!),
      () => `rope: tables ${typeText(cos!)} for ${typeText(x!)}`,
    )
    return [x!]
  },
  vjp: (g, node, [ct]) => [g.one('rope', [ct!, node.inputs[1]!, g.neg(node.inputs[2]!)]), undefined, undefined],
  decompose: (g, node) => {
    const [x, cos, sin] = node.inputs as [Value, Value, Value]
    const [, t, , w] = x.type.shape as [number, number, number, number]
    const half = w / 2
    const c = g.reshape(cos, [1, t, 1, half]),
      s = g.reshape(sin, [1, t, 1, half])
    const [a, b] = g.split(x, 3, [half, half]) as [Value, Value]
    return [g.concat([g.sub(g.mul(a, c), g.mul(b, s)), g.add(g.mul(b, c), g.mul(a, s))], 3)]
  },
}
