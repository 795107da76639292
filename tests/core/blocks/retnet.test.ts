import {
  ROUNDED_TABLES,
  describeNaive,
  linear,
  rmsNorm,
  rotate,
  rows,
  silu,
  times,
  zeroRows,
} from '../../helpers/naive.ts'

describeNaive(
  'retnet',
  (x, { d, p, matrix, vector }) => {
    const heads = p<number>('nHeads')
    const dk = (d * p<number>('expandK')) / heads,
      dv = (d * p<number>('expandV')) / heads
    const states = Array.from({ length: heads }, () => zeroRows(dk, dv))
    return x.map((token, t) => {
      const project = (name: string, width: number) => rows(linear(matrix(`${name}_proj.weight`), token), width)
      const turned = (name: string) => project(name, dk).map((head) => rotate(head, t, p('ropeTheta')))
      const q = turned('q'),
        k = turned('k'),
        v = project('v', dv)
      const mixed = states.flatMap((s, h) => {
        const gamma = 1 - 2 ** (-5 - h)
        s.forEach((row, i) => row.forEach((_, c) => (row[c] = gamma * row[c]! + k[h]![i]! * v[h]![c]!)))
        const o = v[h]!.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * q[h]![i]!, 0) / Math.sqrt(dk))
        return rmsNorm(o, vector('g_norm_swish_gate.weight'), p('normEps'))
      })
      return linear(matrix('o_proj.weight'), times(mixed, linear(matrix('g_proj.weight'), token).map(silu)))
    })
  },
  ROUNDED_TABLES,
)
