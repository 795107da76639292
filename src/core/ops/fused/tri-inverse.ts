import type { Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { demand } from '../op.ts'
import type { OpDef } from '../op.ts'

/**
 * (I + A)^-1 for strictly lower triangular A [..., C, C]. The decomposition doubles solved diagonal blocks:
 * [[P, 0], [Q, R]]^-1 = [[P', 0], [-R' Q P', R']], which is forward substitution by blocks and as stable. (A product of
 * powers, (I - A)(I + A²)(I + A⁴)..., needs the same work and loses every digit when keys repeat.)
 */
export const triInverse: OpDef = {
  kind: 'tri_inverse',
  doc: '(I + A)^-1 of a strictly lower triangular A',
  infer: ([a]) => {
    demand(
      a!.shape.length >= 2 && a!.shape.at(-1) === a!.shape.at(-2),
      () => `tri_inverse: ${typeText(a!)} must be square`,
    )
    return [a!]
  },
  vjp: (g, node, [ct]) => {
    const x = node.outputs[0]!
    const da = g.matmul(g.matmul(x, ct!, { transposeA: true }), x, { transposeB: true })
    return [g.mul(g.neg(da), g.lowerOnes(x.type.shape.at(-1)!, true))]
  },
  emit: (node, e) => {
    const size = node.outputs[0]!.type.shape.at(-1)!
    const identity = new Float32Array(size * size)
    for (let i = 0; i < size; i++) identity[i * size + i] = 1
    const [whole] = e.node('Add', [e.inputs[0]!, e.constant('f32', [size, size], identity)])
    return e.node('Inverse', [whole!], {}, { domain: 'com.microsoft' })
  },
  decompose: (g, node) => {
    const a = node.inputs[0]!
    const size = a.type.shape.at(-1)!
    const identity = g.identity(size)
    if (size === 1) return [g.broadcast(identity, a.type.shape)]
    let x: Value | undefined
    for (let block = 1; block < size; block *= 2) {
      const lower = g.mul(a, belowBlocks(g, size, block))
      x = x === undefined ? g.sub(identity, lower) : g.sub(x, g.matmul(g.matmul(x, lower), x))
    }
    return [x!]
  },
}

/** 1 where a pair of solved blocks of this size still has its lower left corner to solve. */
function belowBlocks(g: GraphBuilder, size: number, block: number): Value {
  return g.shared(`below blocks ${size} ${block}`, () => {
    const data = new Float32Array(size * size)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < i; j++) {
        const same = Math.floor(i / (2 * block)) === Math.floor(j / (2 * block))
        data[i * size + j] = Number(same && Math.floor(i / block) !== Math.floor(j / block))
      }
    }
    return g.constant([size, size], data)
  })
}
