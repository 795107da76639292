// Operands for every op at awkward shapes: scalars, axes of 1, primes, a token more than a chunk. The conformance suite fails
// for an op of the registry that has no sample here.

import type { Tensor } from '#core/graph/tensor.ts'
import type { Attrs, DType, NumberArray, Shape } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { rng } from '#core/rng.ts'
import { normal as normalOf } from '../helpers/evaluate.ts'

export interface OpSample {
  readonly label: string
  readonly operands: readonly Tensor[]
  readonly attrs: Attrs
  readonly data: NumberArray | undefined
  /** No kernel of ONNX Runtime takes these operands or attributes: its targets must not claim the op with them. */
  readonly decomposedOnly: boolean
  /** Operands through which gradients flow; by default all floats. */
  readonly wrt: readonly number[] | undefined
}

type Draw = (random: ReturnType<typeof rng>) => Tensor
type Extra = { readonly data?: NumberArray; readonly decomposedOnly?: boolean; readonly wrt?: readonly number[] }

const filled =
  (dtype: DType, shape: Shape, draw: (random: ReturnType<typeof rng>, i: number) => number): Draw =>
  (random) => ({
    dtype,
    shape,
    data: Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
      dtype === 'f32' ? Math.fround(draw(random, i)) : draw(random, i),
    ),
  })
const normal =
  (...shape: number[]): Draw =>
  (random) =>
    normalOf(random, shape)
/** From 0.3 upwards. */
const positive = (...shape: number[]): Draw => filled('f32', shape, (random) => 0.3 + Math.abs(random.normal()))
/** Log decays, some of them strong. */
const decay = (...shape: number[]): Draw =>
  filled('f32', shape, (random, i) => -(0.02 + random.uniform() * (i % 5 === 0 ? 6 : 0.5)))
/** From 0 to 1. */
const unit = (...shape: number[]): Draw => filled('f32', shape, (random) => random.uniform())
const flags = (...shape: number[]): Draw => filled('bool', shape, (random) => random.integer(2))
const integers = (bound: number, ...shape: number[]): Draw => filled('i32', shape, (random) => random.integer(bound))
const given = (dtype: DType, shape: Shape, values: readonly number[]): Draw =>
  filled(dtype, shape, (_, i) => values[i]!)
/** Rows of unit length, as keys of the delta rule are. */
const unitRows =
  (...shape: number[]): Draw =>
  (random) => {
    const x = normalOf(random, shape)
    const width = shape.at(-1)!
    for (let row = 0; row < x.data.length; row += width) {
      const part = x.data.subarray(row, row + width)
      const length = Math.sqrt(part.reduce((sum, v) => sum + v * v, 0))
      part.forEach((v, i) => (part[i] = Math.fround(v / length)))
    }
    return x
  }
const scaled =
  (draw: Draw, factor: number): Draw =>
  (random) => {
    const x = draw(random)
    return { ...x, data: x.data.map((v) => Math.fround(v * factor)) }
  }
/** Strictly lower triangular. */
const strictlyLower =
  (...shape: number[]): Draw =>
  (random) => {
    const x = normalOf(random, shape, 0.5)
    const n = shape.at(-1)!
    return { ...x, data: x.data.map((v, i) => (i % n < Math.floor(i / n) % n ? v : 0)) }
  }

const table = new Map<string, OpSample[]>()

function add(
  kind: string,
  draws: readonly Draw[],
  attrs: Attrs = {},
  { data, decomposedOnly = false, wrt }: Extra = {},
): void {
  const samples = table.get(kind) ?? []
  const random = rng('op sample', kind, samples.length)
  const operands = draws.map((draw) => draw(random))
  const shapes = operands.map((x) => `[${x.shape.join(',')}]`).join(' ')
  const label = `${shapes}${Object.keys(attrs).length === 0 ? '' : ` ${JSON.stringify(attrs)}`}`
  samples.push({ label, operands, attrs, data, decomposedOnly, wrt })
  table.set(kind, samples)
}

add('input', [], { name: 'given', dtype: 'f32', shape: [2, 3] })
add('constant', [], { dtype: 'f32', shape: [2, 3] }, { data: Float32Array.of(1, -2, 0.5, 0, -0, 7) })
add('constant', [], { dtype: 'f32', shape: [13, 11] }, { data: Float64Array.of(0.25) })
add('constant', [], { dtype: 'i32', shape: [] }, { data: Int32Array.of(-3) })

for (const kind of ['neg', 'exp', 'tanh', 'sigmoid', 'relu', 'abs', 'erf', 'softplus', 'silu', 'gelu']) {
  add(kind, [normal(3, 1, 5)])
  add(kind, [normal()])
  add(kind, [scaled(normal(17), 4)])
}
for (const kind of ['log', 'sqrt']) for (const shape of [[3, 1, 5], [], [7]]) add(kind, [positive(...shape)])
for (const kind of ['softplus', 'sigmoid', 'tanh', 'silu', 'gelu', 'erf'])
  add(kind, [given('f32', [6], [-80, -9.5, -1e-3, 0.75, 12, 60])])

for (const kind of ['add', 'sub', 'mul', 'div', 'maximum', 'minimum']) {
  const right = kind === 'div' ? positive : normal
  add(kind, [normal(2, 3), right(2, 3)])
  add(kind, [normal(3, 1, 5), right(4, 1)])
  add(kind, [normal(), right(4)])
  add(kind, [normal(2, 1, 1), right()])
}
add('maximum', [given('f32', [3], [1, 2, 3]), given('f32', [3], [2, 1, 2.5])])
for (const kind of ['less', 'equal']) {
  add(kind, [integers(3, 4, 5), integers(3, 5)])
  add(kind, [given('f32', [4], [0, -0, 1, 2]), given('f32', [4], [0, 0, 2, 1])])
}
add('where', [flags(3, 1), normal(1, 4), normal()])
add('where', [flags(2, 3), integers(9, 2, 3), integers(9, 1)])
add('cast', [given('f32', [5], [-1.75, -0.5, 0, 0.5, 2.25])], { to: 'i32' })
add('cast', [given('f32', [3], [0, 0.5, -2])], { to: 'bool' })
add('cast', [integers(5, 2, 3)], { to: 'f32' })
add('cast', [flags(7)], { to: 'f32' })

add('reshape', [normal(2, 3, 5)], { shape: [5, 1, 6] })
add('reshape', [normal(1)], { shape: [] })
add('transpose', [normal(2, 3, 1, 5)], { perm: [3, 0, 2, 1] })
add('transpose', [normal(4, 3)], { perm: [1, 0] })
add('broadcast', [normal(3, 1)], { shape: [2, 3, 5] })
add('broadcast', [normal()], { shape: [1, 4] })
add('slice', [normal(3, 5, 2)], { axis: 1, start: 1, end: 4 })
add('slice', [normal(7)], { axis: 0, start: 6, end: 7 })
add('pad', [normal(3, 5)], { axis: 0, before: 2, after: 0 })
add('pad', [normal(1, 2, 1)], { axis: 2, before: 0, after: 3 })
add('concat', [normal(2, 1, 3), normal(2, 4, 3), normal(2, 2, 3)], { axis: 1 })
add('concat', [normal(3)], { axis: 0 })

add('gather', [normal(7, 3), integers(7, 2, 5)])
add('gather', [normal(4), integers(4, 1)])
add('scatter_add', [normal(5, 3), integers(2, 7), normal(7, 3)])
add('take_along', [normal(3, 5), integers(5, 3, 2)])
add('take_along', [normal(2, 1, 4), integers(4, 2, 1, 1)])
add('add_along', [normal(3, 5), integers(2, 3, 4), normal(3, 4)])
add('update', [normal(2, 5, 3), normal(2, 2, 3), given('i32', [], [3])], { axis: 1 })
add('update', [normal(2, 3, 7, 1), normal(2, 3, 1, 1), given('i32', [], [0])], { axis: 2 })

for (const kind of ['reduce_sum', 'reduce_max']) {
  add(kind, [normal(2, 3, 5)], { axes: [0, 2] })
  add(kind, [normal(2, 1, 5)], { axes: [1] })
  add(kind, [normal(3)], { axes: [0] })
  add(kind, [normal(2, 3)], { axes: [] })
}
add('argmax', [normal(3, 2, 7)])
add('argmax', [given('f32', [2, 4], [1, 3, 3, 0, -1, -1, -2, -1])])
for (const [shape, seed, step] of [
  [[3, 7], 0, 0],
  [[2, 1, 64], 2 ** 31 - 1, 4096],
  [[1], -5, -1],
] as const)
  add('add_gumbel', [normal(...shape), positive(1), given('i32', [], [seed]), given('i32', [1], [step])])
for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const attrs = { ...(transposeA && { transposeA }), ...(transposeB && { transposeB }) }
    const left = transposeA ? [5, 3] : [3, 5],
      right = transposeB ? [7, 5] : [5, 7]
    add('matmul', [normal(...left), normal(...right)], attrs)
    add('matmul', [normal(2, 1, ...left), normal(4, ...right)], attrs)
    add('matmul', [normal(1, ...left), normal(...right)], attrs)
  }
}
add('matmul', [normal(1, 1), normal(1, 1)])

add('softmax', [normal(2, 3, 7)])
add('softmax', [given('f32', [2, 3], [100, -100, 0, -1e30, 5, 5])])
add('rms_norm', [normal(2, 3, 5), normal(5)], { eps: 1e-6 })
add('rms_norm', [scaled(normal(4, 33), 1e-3), normal(33)], { eps: 1e-5 })
add('l2_norm', [normal(2, 3, 2, 5)], { eps: 1e-6 })
add('l2_norm', [scaled(normal(3, 2), 0.1)], { eps: 1e-6 })
add('rope', [normal(2, 5, 3, 8), normal(5, 4), normal(5, 4)], {}, { wrt: [0] })
add('rope', [normal(1, 1, 1, 2), normal(1, 1), normal(1, 1)], {}, { wrt: [0] })
for (const taps of [2, 4]) {
  for (const length of [1, 2, 7]) {
    const operands = [normal(2, length, 3), normal(3, 1, taps), normal(2, 3, taps - 1)]
    add('causal_conv1d', operands, { silu: true })
    add('causal_conv1d', [...operands, normal(3)], { bias: true, ...(length === 7 && { silu: true }) })
  }
  add('depthwise_conv', [normal(2, 5 + taps, 3), normal(3, 1, taps)])
  add('depthwise_conv', [normal(1, taps, 1), normal(1, 1, taps)])
}

const attention = (heads: number, groups: number, length: number, width: number, window: number, meta: number): void =>
  add(
    'attention',
    [normal(2, length, heads, width), normal(2, length, groups, width), normal(2, length, groups, width)],
    { window, meta, scale: 1 / Math.sqrt(width) },
    { decomposedOnly: width % 8 > 0 || (window > 0 && meta > 0) },
  )
attention(4, 2, 7, 8, 0, 0)
attention(3, 1, 5, 4, 2, 0)
attention(3, 1, 5, 16, 2, 0)
attention(2, 2, 1, 8, 0, 0)
attention(4, 4, 11, 8, 4, 2)
attention(2, 1, 9, 8, 1, 0)
attention(2, 1, 6, 8, 20, 0)
attention(2, 2, 9, 2, 3, 5)
/** Rows that no token has filled are zero. */
const cache =
  (batch: number, groups: number, rows: number, width: number, tokens: number): Draw =>
  (random) => {
    const x = normalOf(random, [batch, groups, rows, width])
    return { ...x, data: x.data.map((v, i) => (Math.floor(i / width) % rows < tokens ? v : 0)) }
  }
const attentionStep = (
  heads: number,
  groups: number,
  rows: number,
  width: number,
  position: number,
  window: number,
  meta: number,
): void =>
  add(
    'attention_step',
    [
      normal(2, 1, heads, width),
      normal(2, 1, groups, width),
      normal(2, 1, groups, width),
      cache(2, groups, rows, width, position),
      cache(2, groups, rows, width, position),
      given('i32', [], [position]),
    ],
    { window, meta, scale: 1 / Math.sqrt(width) },
    { decomposedOnly: window > 0 || width % 8 > 0 },
  )
attentionStep(4, 2, 7, 8, 0, 0, 0)
attentionStep(4, 2, 7, 8, 6, 0, 0)
attentionStep(3, 1, 5, 4, 3, 0, 0)
attentionStep(3, 1, 5, 24, 3, 0, 0)
attentionStep(2, 2, 4, 8, 2, 4, 0)
attentionStep(2, 2, 4, 8, 11, 4, 0)
attentionStep(4, 1, 6, 8, 5, 4, 2)
attentionStep(4, 1, 6, 8, 13, 4, 2)

for (const [length, chunk] of [
  [1, 8],
  [1, 1],
  [2, 8],
  [8, 8],
  [9, 8],
  [21, 8],
  [19, 64],
] as const) {
  const parts = (groups: number, heads: number): Draw[] => [
    normal(2, length, groups, 3),
    unitRows(2, length, groups, 3),
    normal(2, length, heads, 5),
    normal(2, heads, 3, 5),
  ]
  add('linear_attention', parts(2, 2), { rule: 'linear', scale: 0.5, chunk })
  add('linear_attention', [...parts(2, 4), decay(2, length, 4)], { rule: 'gated', scale: 1, chunk })
  add('linear_attention', [...parts(3, 3), decay(1, length, 3)], { rule: 'gated', scale: 0.7, chunk })
  add('linear_attention', [...parts(2, 2), decay(2, length, 2, 3)], { rule: 'gated', scale: 0.5, chunk })
  add('linear_attention', [...parts(1, 2), unit(2, length, 2)], { rule: 'delta', scale: 0.5, chunk })
  add('linear_attention', [...parts(2, 4), decay(2, length, 4), unit(2, length, 4)], {
    rule: 'gated_delta',
    scale: 0.5,
    chunk,
  })
  add('running_sum', [positive(2, length, 3, 4), positive(2, length, 3, 4), positive(2, 3, 4, 1)], {
    scale: 0.5,
    chunk,
  })
  const like = [2, length, 2, 3]
  add(
    'rwkv7_recurrence',
    [
      normal(...like),
      decay(...like),
      normal(...like),
      normal(...like),
      unitRows(...like),
      unit(...like),
      normal(2, 2, 3, 3),
    ],
    { chunk },
  )
}
for (const length of [1, 2, 16, 17, 37]) {
  add('selective_scan', [
    normal(2, length, 3),
    positive(2, length, 3),
    decay(3, 4),
    normal(2, length, 4),
    normal(2, length, 4),
    normal(2, 3, 4),
  ])
  for (const reverse of [false, true])
    add('linear_scan', [decay(2, length, 3), normal(2, length, 3), normal(2, 3)], reverse ? { reverse } : {})
}
for (const size of [1, 2, 3, 8, 13]) add('tri_inverse', [strictlyLower(2, 3, size, size)])
add('tri_inverse', [strictlyLower(33, 33)])
add('cross_entropy', [normal(6, 5), given('i32', [6], [0, 4, -100, 2, 2, -100])], { ignoreIndex: -100 })
add('cross_entropy', [normal(2, 3), given('i32', [2], [-100, -100])], { ignoreIndex: -100 })
add('cross_entropy', [scaled(normal(3, 7), 30), integers(7, 3)], { ignoreIndex: -100 })
add('vjp', [normal(2, 5, 3), normal(3, 1, 4), normal(2, 3, 3), normal(2, 5, 3), normal(2, 3, 3), normal(2, 5, 3)], {
  of: 'causal_conv1d',
  outputs: 2,
  cts: [0],
  wrt: [0, 1, 2],
  silu: true,
})
add('vjp', [normal(1, 4, 2, 6), normal(1, 4, 1, 6), normal(1, 4, 1, 6), normal(1, 4, 2, 6), normal(1, 4, 2, 6)], {
  of: 'attention',
  outputs: 1,
  cts: [0],
  wrt: [0, 2],
  window: 2,
  meta: 1,
  scale: 0.4,
})

/** Samples by op. */
export const opSamples: ReadonlyMap<string, readonly OpSample[]> = table
