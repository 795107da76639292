import { describeNaive, linear, silu, times } from '../../helpers/naive.ts'

/** Error function by Simpson's rule, unlike the series of the op. */
function erf(x: number): number {
  const steps = 400
  let sum = 0
  for (let i = 0; i <= steps; i++)
    sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-(((x * i) / steps) ** 2))
  return ((2 / Math.sqrt(Math.PI)) * sum * x) / steps / 3
}

describeNaive('ffn', (x, { p, matrix }) =>
  x.map((token) => {
    const up = linear(matrix('up_proj.weight'), token)
    const activation = p<string>('activation')
    let hidden
    if (activation === 'silu') hidden = times(linear(matrix('gate_proj.weight'), token).map(silu), up)
    else if (activation === 'relu2') hidden = up.map((u) => Math.max(u, 0) ** 2)
    else hidden = up.map((u) => (u / 2) * (1 + erf(u / Math.SQRT2)))
    return linear(matrix('down_proj.weight'), hidden)
  }),
)
