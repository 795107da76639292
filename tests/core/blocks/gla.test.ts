import { add, describeNaive, linear, rmsNorm, rows, silu, softplus, times, zeroRows } from '../../helpers/naive.ts'

describeNaive('gla', (x, { d, p, matrix, vector }) => {
  const heads = p<number>('nHeads')
  const dk = (d * p<number>('expandK')) / heads,
    dv = (d * p<number>('expandV')) / heads
  const floor = p<number | null>('clampMin') ?? -Infinity
  const states = Array.from({ length: heads }, () => zeroRows(dk, dv))
  return x.map((token) => {
    const project = (name: string, width: number) => rows(linear(matrix(`${name}_proj.weight`), token), width)
    const q = project('q', dk),
      k = project('k', dk),
      v = project('v', dv)
    const logits = add(
      linear(matrix('gk_proj.1.weight'), linear(matrix('gk_proj.0.weight'), token)),
      vector('gk_proj.1.bias'),
    )
    const decay = rows(
      logits.map((z) => Math.max(-softplus(-z) / p<number>('gateLogitNormalizer'), floor)),
      dk,
    )
    const mixed = states.flatMap((s, h) => {
      s.forEach((row, i) => row.forEach((_, c) => (row[c] = Math.exp(decay[h]![i]!) * row[c]! + k[h]![i]! * v[h]![c]!)))
      const o = v[h]!.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * q[h]![i]!, 0) / Math.sqrt(dk))
      return rmsNorm(o, vector('g_norm_swish_gate.weight'), p('normEps'))
    })
    return linear(matrix('o_proj.weight'), times(mixed, linear(matrix('g_proj.weight'), token).map(silu)))
  })
})
