import {
  convolution,
  describeNaive,
  dot,
  linear,
  rmsNorm,
  rows,
  silu,
  softplus,
  times,
  zeroRows,
} from '../../helpers/naive.ts'

describeNaive('mamba2', (x, { d, p, matrix, vector }) => {
  const inner = d * p<number>('expand'),
    width = p<number>('headDim'),
    n = p<number>('dState'),
    groups = p<number>('nGroups')
  const heads = inner / width
  const projected = x.map((token) => linear(matrix('in_proj.weight'), token))
  const xbc = projected.map((row) => row.slice(inner, 2 * inner + 2 * groups * n))
  const convolved = convolution(
    xbc,
    matrix('conv1d.weight'),
    p<boolean>('convBias') ? vector('conv1d.bias') : undefined,
  ).map((row) => row.map(silu))
  const states = Array.from({ length: heads }, () => zeroRows(width, n))
  return x.map((_, t) => {
    const z = projected[t]!.slice(0, inner),
      steps = projected[t]!.slice(2 * inner + 2 * groups * n)
    const u = rows(convolved[t]!.slice(0, inner), width)
    const b = rows(convolved[t]!.slice(inner, inner + groups * n), n),
      c = rows(convolved[t]!.slice(inner + groups * n), n)
    const y = states.flatMap((s, h) => {
      const group = Math.floor(h / (heads / groups))
      const dt = Math.min(
        Math.max(softplus(steps[h]! + vector('dt_bias')[h]!), p<number>('dtMin')),
        p<number | null>('dtMax') ?? Infinity,
      )
      const decay = Math.exp(-Math.exp(vector('A_log')[h]!) * dt)
      s.forEach((row, i) => row.forEach((_, j) => (row[j] = decay * row[j]! + dt * u[h]![i]! * b[group]![j]!)))
      return s.map((row, i) => dot(row, c[group]!) + vector('D')[h]! * u[h]![i]!)
    })
    const slices = p<number | null>('normGroups') ?? groups
    const gains = rows(vector('norm.weight'), inner / slices)
    const normed = rows(times(y, z.map(silu)), inner / slices).flatMap((part, i) =>
      rmsNorm(part, gains[i]!, p('normEps')),
    )
    return linear(matrix('out_proj.weight'), normed)
  })
})
