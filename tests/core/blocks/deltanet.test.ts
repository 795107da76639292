import {
  convolution,
  describeNaive,
  l2Norm,
  linear,
  rmsNorm,
  rows,
  sigmoid,
  silu,
  times,
  zeroRows,
} from '../../helpers/naive.ts'
import type { Rows } from '../../helpers/naive.ts'

describeNaive('deltanet', (x, { d, p, matrix, vector }) => {
  const heads = p<number | null>('nHeads') ?? Math.max(1, Math.floor(d / 128))
  const dk = (d * p<number>('expandK')) / heads,
    dv = (d * p<number>('expandV')) / heads
  const path = (letter: string): Rows => {
    const projected = x.map((token) => linear(matrix(`${letter}_proj.weight`), token))
    return (p<boolean>('useShortConv') ? convolution(projected, matrix(`${letter}_conv1d.weight`)) : projected).map(
      (row) => row.map(silu),
    )
  }
  const [q, k, v] = [path('q'), path('k'), path('v')] as const
  const states = Array.from({ length: heads }, () => zeroRows(dk, dv))
  return x.map((token, t) => {
    const betas = p<boolean>('useBeta')
      ? linear(matrix('b_proj.weight'), token).map((b) => sigmoid(b) * (p<boolean>('allowNegEigval') ? 2 : 1))
      : new Array<number>(heads).fill(1)
    const mixed = states.flatMap((s, h) => {
      const query = l2Norm(rows(q[t]!, dk)[h]!),
        key = l2Norm(rows(k[t]!, dk)[h]!),
        value = rows(v[t]!, dv)[h]!
      const read = value.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * key[i]!, 0))
      s.forEach((row, i) => row.forEach((_, c) => (row[c]! += key[i]! * betas[h]! * (value[c]! - read[c]!))))
      const o = value.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * query[i]!, 0) / Math.sqrt(dk))
      return rmsNorm(o, vector('o_norm.weight'), p('normEps'))
    })
    const gated = p<boolean>('useGate') ? times(mixed, linear(matrix('g_proj.weight'), token).map(silu)) : mixed
    return linear(matrix('o_proj.weight'), gated)
  })
})
