import { ROUNDED_TABLES, describeNaive, dot, linear, rmsNorm, rotate, rows } from '../../helpers/naive.ts'
import type { Rows } from '../../helpers/naive.ts'

describeNaive(
  'attention',
  (x, { d, metaTokens, p, matrix, vector }) => {
    const width = p<number>('headDim')
    const heads = p<number | null>('nHeads') ?? d / width
    const groups = p<number | null>('nKvHeads') ?? heads
    const window = p<number | null>('window') ?? Infinity
    const factor = p<number | null>('ropeNtkFactor')
    const theta = p<number>('ropeTheta') * (factor === null ? 1 : (2 * factor - 1) ** (width / (width - 2)))
    const kept = p<boolean>('metaAlwaysVisible') ? metaTokens : 0
    const project = (name: 'q' | 'k', position: number): Rows =>
      rows(linear(matrix(`${name}_proj.weight`), x[position]!), width).map((head) => {
        const normed = p<boolean>('qkNorm') ? rmsNorm(head, vector(`${name}_norm.weight`), p('qkNormEps')) : head
        return p<boolean>('rope') ? rotate(normed, position, theta) : normed
      })
    const keys = x.map((_, t) => project('k', t))
    const values = x.map((token) => rows(linear(matrix('v_proj.weight'), token), width))
    return x.map((_, i) => {
      const mixed = project('q', i).flatMap((q, h) => {
        const group = Math.floor(h / (heads / groups))
        const visible = x.map((_, j) => j).filter((j) => j <= i && (i - j < window || j < kept))
        const weights = visible.map((j) => Math.exp(dot(q, keys[j]![group]!) / Math.sqrt(width)))
        const total = weights.reduce((a, b) => a + b, 0)
        return Array.from({ length: width }, (_, c) =>
          visible.reduce((sum, j, n) => sum + (weights[n]! / total) * values[j]![group]![c]!, 0),
        )
      })
      return linear(matrix('o_proj.weight'), mixed)
    })
  },
  ROUNDED_TABLES,
)
