import {
  convolution,
  describeNaive,
  l2Norm,
  linear,
  rmsNorm,
  rows,
  sigmoid,
  silu,
  softplus,
  times,
  zeroRows,
} from '../../helpers/naive.ts'
import type { Rows } from '../../helpers/naive.ts'

describeNaive('gated_deltanet', (x, { p, matrix, vector }) => {
  const dk = p<number>('headDim'),
    dv = dk * p<number>('expandV')
  const heads = p<number>('nHeads')
  const vHeads = p<number | null>('nVHeads') ?? heads
  const path = (letter: string): Rows => {
    const projected = x.map((token) => linear(matrix(`${letter}_proj.weight`), token))
    return (p<boolean>('useShortConv') ? convolution(projected, matrix(`${letter}_conv1d.weight`)) : projected).map(
      (row) => row.map(silu),
    )
  }
  const [q, k, v] = [path('q'), path('k'), path('v')] as const
  const states = Array.from({ length: vHeads }, () => zeroRows(dk, dv))
  return x.map((token, t) => {
    const a = linear(matrix('a_proj.weight'), token),
      b = linear(matrix('b_proj.weight'), token)
    const mixed = states.flatMap((s, j) => {
      const h = Math.floor(j / (vHeads / heads))
      const query = l2Norm(rows(q[t]!, dk)[h]!),
        key = l2Norm(rows(k[t]!, dk)[h]!),
        value = rows(v[t]!, dv)[j]!
      const decay = Math.exp(-Math.exp(vector('A_log')[j]!) * softplus(a[j]! + vector('dt_bias')[j]!))
      const beta = sigmoid(b[j]!) * (p<boolean>('allowNegEigval') ? 2 : 1)
      s.forEach((row) => row.forEach((_, c) => (row[c]! *= decay)))
      const read = value.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * key[i]!, 0))
      s.forEach((row, i) => row.forEach((_, c) => (row[c]! += key[i]! * beta * (value[c]! - read[c]!))))
      const o = value.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * query[i]!, 0) / Math.sqrt(dk))
      return rmsNorm(o, vector('o_norm.weight'), p('normEps'))
    })
    const gated = p<boolean>('useGate') ? times(mixed, linear(matrix('g_proj.weight'), token).map(silu)) : mixed
    return linear(matrix('o_proj.weight'), gated)
  })
})
