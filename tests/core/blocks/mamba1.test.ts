import { add, convolution, describeNaive, dot, linear, silu, softplus, times, zeroRows } from '../../helpers/naive.ts'

describeNaive('mamba1', (x, { d, p, matrix, vector }) => {
  const inner = d * p<number>('expand'),
    n = p<number>('dState')
  const rank = p<number | null>('dtRank') ?? Math.ceil(d / 16)
  const projected = x.map((token) => linear(matrix('in_proj.weight'), token))
  const convolved = convolution(
    projected.map((row) => row.slice(0, inner)),
    matrix('conv1d.weight'),
    p<boolean>('convBias') ? vector('conv1d.bias') : undefined,
  )
  const rates = matrix('A_log').map((row) => row.map((a) => -Math.exp(a)))
  const state = zeroRows(inner, n)
  return x.map((_, t) => {
    const u = convolved[t]!.map(silu)
    const mixed = linear(matrix('x_proj.weight'), u)
    const dt = add(linear(matrix('dt_proj.weight'), mixed.slice(0, rank)), vector('dt_proj.bias')).map(softplus)
    const b = mixed.slice(rank, rank + n),
      c = mixed.slice(rank + n)
    const y = state.map((row, i) => {
      row.forEach((_, j) => (row[j] = Math.exp(rates[i]![j]! * dt[i]!) * row[j]! + dt[i]! * u[i]! * b[j]!))
      return dot(row, c) + vector('D')[i]! * u[i]!
    })
    return linear(matrix('out_proj.weight'), times(y, projected[t]!.slice(inner).map(silu)))
  })
})
