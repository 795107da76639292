import { add, describeNaive, dot, linear, rows, sigmoid, times, zeroRows, zeros } from '../../helpers/naive.ts'
import type { Vector } from '../../helpers/naive.ts'

describeNaive('rwkv7', (x, { d, p, matrix, vector, first }) => {
  const width = p<number>('headDim')
  const states = Array.from({ length: d / width }, () => zeroRows(width, width))
  return x.map((token, t) => {
    const before = x[t - 1] ?? zeros(d)
    const mix = (name: string): Vector => token.map((v, i) => v + (before[i]! - v) * vector(`x_${name}`)[i]!)
    const lora = (name: string, from: Vector, inner: (v: number) => number = (v) => v): Vector =>
      linear(matrix(`${name}_lora.lora.2.weight`), linear(matrix(`${name}_lora.lora.0.weight`), from).map(inner))
    const biased = (name: string, from: Vector, inner?: (v: number) => number): Vector =>
      add(lora(name, from, inner), vector(`${name}_lora.lora.2.bias`))
    const r = linear(matrix('r_proj.weight'), mix('r')),
      k0 = linear(matrix('k_proj.weight'), mix('k'))
    let v = linear(matrix('v_proj.weight'), mix('v'))
    const w = biased('w', mix('w'), Math.tanh).map((z) => Math.exp(-Math.exp(-0.5) * sigmoid(z)))
    const a = biased('a', mix('a')).map(sigmoid)
    const gate = lora('g', mix('g'), sigmoid)
    if (first !== undefined) {
      const share = biased('v', mix('v')).map(sigmoid)
      v = v.map((own, i) => own + (first[t]![i]! - own) * share[i]!)
    }
    const kappa = rows(times(k0, vector('k_k')), width).map((head) =>
      head.map((z) => z / Math.max(Math.sqrt(dot(head, head)), 1e-12)),
    )
    const k = k0.map((z, i) => z * (1 + (a[i]! - 1) * vector('k_a')[i]!))
    const out = states.flatMap((s, h) => {
      const part = (row: Vector): Vector => row.slice(h * width, (h + 1) * width)
      const [rh, kh, vh, wh, ah] = [r, k, v, w, a].map(part) as [Vector, Vector, Vector, Vector, Vector]
      const removed = vh.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * kappa[h]![i]!, 0))
      s.forEach((row, i) =>
        row.forEach((old, c) => (row[c] = wh[i]! * old - kappa[h]![i]! * ah[i]! * removed[c]! + kh[i]! * vh[c]!)),
      )
      const o = vh.map((_, c) => s.reduce((sum, row, i) => sum + row[c]! * rh[i]!, 0))
      const mean = o.reduce((sum, z) => sum + z, 0) / width
      const variance = o.reduce((sum, z) => sum + (z - mean) ** 2, 0) / width
      const bonus = rh.reduce((sum, z, c) => sum + z * kh[c]! * matrix('r_k')[h]![c]!, 0)
      return o.map((z, c) => {
        const normed = (z - mean) / Math.sqrt(variance + width * p<number>('normEps'))
        return normed * part(vector('g_norm.weight'))[c]! + part(vector('g_norm.bias'))[c]! + bonus * vh[c]!
      })
    })
    return linear(matrix('o_proj.weight'), times(out, gate))
  })
})

describeNaive('rwkv7_channel_mix', (x, { d, matrix, vector }) =>
  x.map((token, t) => {
    const mixed = token.map((v, i) => v + ((x[t - 1] ?? zeros(d))[i]! - v) * vector('x_k')[i]!)
    return linear(
      matrix('value.weight'),
      linear(matrix('key.weight'), mixed).map((z) => Math.max(z, 0) ** 2),
    )
  }),
)
