import { add, describeNaive, dot, linear, rmsNorm, rows, times, zeroRows } from '../../helpers/naive.ts'
import type { Vector } from '../../helpers/naive.ts'

describeNaive('linear_attention', (x, { d, p, matrix, vector }) => {
  const heads = p<number>('nHeads')
  const dk = (d * p<number>('expandK')) / heads,
    dv = (d * p<number>('expandV')) / heads
  const map = (side: 'q' | 'k', u: Vector): Vector => {
    const affine = (layer: number): Vector =>
      add(
        linear(matrix(`feature_map_${side}.layer${layer}.weight`), u),
        vector(`feature_map_${side}.layer${layer}.bias`),
      )
    const kind = p<string>('featureMap')
    if (kind === 'elementwise_product') return times(affine(1), affine(2))
    if (kind === 'elu') return u.map((v) => (v > 0 ? v + 1 : Math.exp(v)))
    return kind === 'relu' ? u.map((v) => Math.max(v, 0)) : u
  }
  const states = Array.from({ length: heads }, () => zeroRows(dk, dv))
  const sums = zeroRows(heads, dk)
  return x.map((token) => {
    const project = (name: string, width: number) => rows(linear(matrix(`${name}_proj.weight`), token), width)
    const q = project('q', dk).map((u) => map('q', u).map((v) => v / Math.sqrt(dk)))
    const k = project('k', dk).map((u) => map('k', u)),
      v = project('v', dv)
    const mixed = states.flatMap((s, h) => {
      s.forEach((row, i) => row.forEach((_, c) => (row[c]! += k[h]![i]! * v[h]![c]!)))
      sums[h] = add(sums[h]!, k[h]!)
      const read = v[h]!.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * q[h]![i]!, 0))
      const o = p<boolean>('normalize') ? read.map((r) => r / (dot(q[h]!, sums[h]!) + 1e-10)) : read
      return p<string>('outputNorm') === 'rmsnorm' ? rmsNorm(o, vector('norm.weight'), p('normEps')) : o
    })
    return linear(matrix('o_proj.weight'), mixed)
  })
})
