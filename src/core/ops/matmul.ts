// Matrix products: where nearly all of the work is.

import { broadcastStrides, eachOffset } from '../graph/tensor.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shape, Value } from '../graph/types.ts'
import { sizeOf } from '../graph/types.ts'
import { demand } from './op.ts'
import type { OpDef } from './op.ts'

/** Matrix product with batch axes broadcast: [..., M, K] x [..., K, N]; either side may be given transposed. */
export const matmul: OpDef = {
  kind: 'matmul',
  doc: 'matrix product over the last two axes, leading axes broadcast; flags read an operand transposed',
  infer: ([a, b], attrs) => {
    demand(
      a!.dtype === b!.dtype && a!.shape.length >= 2 && b!.shape.length >= 2,
      () => `matmul: [${a!.shape.join(',')}] and [${b!.shape.join(',')}] must be matrices of one type`,
    )
    const [m, k] = matrix(a!.shape, attrs['transposeA'] === true)
    const [k2, n] = matrix(b!.shape, attrs['transposeB'] === true)
    demand(k === k2, () => `matmul: inner sizes of [${a!.shape.join(',')}] and [${b!.shape.join(',')}] differ`)
    return [{ dtype: a!.dtype, shape: [...batchShape(a!.shape, b!.shape), m, n] }]
  },
  vjp: (g, node, [ct]) => {
    const [a, b] = node.inputs as [Value, Value]
    const ta = node.attrs['transposeA'] === true,
      tb = node.attrs['transposeB'] === true
    const da = ta ? g.matmul(b, ct!, { transposeA: tb, transposeB: true }) : g.matmul(ct!, b, { transposeB: !tb })
    const db = tb ? g.matmul(ct!, a, { transposeA: true, transposeB: ta }) : g.matmul(a, ct!, { transposeA: !ta })
    return [g.sumTo(da, a.type.shape), g.sumTo(db, b.type.shape)]
  },
  emit: (node, e) => {
    const ta = node.attrs['transposeA'] === true,
      tb = node.attrs['transposeB'] === true
    const ranks = node.inputs.map((v) => v.type.shape.length)
    if ((ta || tb) && ranks[0] === 2 && ranks[1] === 2)
      return e.node('Gemm', e.inputs, { transA: Number(ta), transB: Number(tb) })
    const side = (i: number, flip: boolean): string => {
      if (!flip) return e.inputs[i]!
      const perm = node.inputs[i]!.type.shape.map((_, axis) => axis)
      return e.node('Transpose', [e.inputs[i]!], { perm: [...perm.slice(0, -2), perm.at(-1)!, perm.at(-2)!] })[0]!
    }
    return e.node('MatMul', [side(0, ta), side(1, tb)])
  },
  cost: (node) => {
    const k = matrix(node.inputs[0]!.type.shape, node.attrs['transposeA'] === true)[1]
    return { flops: 2 * k * sizeOf(node.outputs[0]!.type.shape) }
  },
  evaluate: ([a, b], node) => {
    const shape = node.outputs[0]!.type.shape
    const ta = node.attrs['transposeA'] === true,
      tb = node.attrs['transposeB'] === true
    const [m, k] = matrix(a!.shape, ta)
    const n = shape.at(-1)!
    const batch = shape.slice(0, -2)
    const data = new Float64Array(sizeOf(shape))
    const [sa, sb] = [a!, b!].map((t) => broadcastStrides(t.shape.slice(0, -2), batch)) as [number[], number[]]
    eachOffset(batch, [sa, sb], (i, [p, q]) =>
      multiply(a!, p! * m * k, ta, b!, q! * k * n, tb, data, i * m * n, m, k, n),
    )
    return [{ dtype: a!.dtype, shape, data }]
  },
}

const matrix = (shape: Shape, flip: boolean): [number, number] =>
  flip ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!]

function batchShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length) - 2
  return Array.from({ length: rank }, (_, i) => {
    const da = a[a.length - 2 - rank + i] ?? 1,
      db = b[b.length - 2 - rank + i] ?? 1
    demand(
      da === db || da === 1 || db === 1,
      () => `matmul: batch axes of [${a.join(',')}] and [${b.join(',')}] do not broadcast`,
    )
    return da === 1 ? db : da
  })
}

function multiply(
  a: Tensor,
  offA: number,
  ta: boolean,
  b: Tensor,
  offB: number,
  tb: boolean,
  out: Float64Array,
  offOut: number,
  m: number,
  k: number,
  n: number,
): void {
  const [am, ak] = ta ? [1, m] : [k, 1]
  const [bk, bn] = tb ? [1, k] : [n, 1]
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const x = a.data[offA + i * am + l * ak]!
      const row = offB + l * bk
      const base = offOut + i * n
      for (let j = 0; j < n; j++) out[base + j]! += x * b.data[row + j * bn]!
    }
  }
}
