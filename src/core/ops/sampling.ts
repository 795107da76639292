// Random draws as part of a graph: noise that is a function of a seed and a step, the same on every target.

import { PHILOX, philox4x32 } from '../philox.ts'
import { sizeOf, typeText } from '../graph/types.ts'
import type { TensorType } from '../graph/types.ts'
import { demand } from './op.ts'
import type { OnnxEmitter, OpDef } from './op.ts'

const WORD = 2 ** 32
const HALF_WORD = 2 ** 16
/** ONNX numbers of element types. */
const ONNX_FLOAT = 1
const ONNX_INT64 = 7
const ONNX_DOUBLE = 11

/** Standard Gumbel noise of a random word: -log(-log(1 - u)) for u in the middle of one of 2^32 equal parts of (0, 1). */
const gumbel = (word: number): number => -Math.log(-Math.log1p(-(word + 0.5) / WORD))

const isSingle = ({ shape }: TensorType): boolean => sizeOf(shape) === 1

/**
 * Adding noise makes the largest element a sample of softmax(x / scale) (Gumbel-max); with scale 0 it stays the largest. The
 * noise of column c in row r is that of word c mod 4 of Philox at counter (c div 4, r, step, 0) under the key (seed, 0).
 */
export const addGumbel: OpDef = {
  kind: 'add_gumbel',
  doc: 'x + scale G, with G standard Gumbel noise that depends on seed, step and place alone',
  infer: ([x, scale, seed, step]) => {
    demand(
      x!.dtype === 'f32' && x!.shape.length > 0 && scale!.dtype === 'f32' && isSingle(scale!),
      () => `add_gumbel: ${typeText(x!)} with scale ${typeText(scale!)}`,
    )
    demand(
      [seed!, step!].every((one) => one.dtype === 'i32' && isSingle(one)),
      () => `add_gumbel: seed ${typeText(seed!)} and step ${typeText(step!)} must be one i32 each`,
    )
    return [x!]
  },
  vjp: (g, node, [ct]) => {
    const [x, scale, seed, step] = node.inputs as [typeof ct & {}, typeof ct & {}, typeof ct & {}, typeof ct & {}]
    const noise = g.one('add_gumbel', [g.zeros(x.type.shape), g.scalar(1), seed, step])
    const axes = x.type.shape.map((_, axis) => axis)
    return [ct, g.reshape(g.reduceSum(g.mul(ct!, noise), axes), scale.type.shape), undefined, undefined]
  },
  evaluate: ([x, scale, seed, step]) => {
    const width = x!.shape.at(-1)!
    const key = [seed!.data[0]! >>> 0, 0] as const
    const data = new Float64Array(x!.data.length)
    for (let row = 0; row * width < data.length; row++)
      for (let block = 0; 4 * block < width; block++) {
        const words = philox4x32([block, row, step!.data[0]! >>> 0, 0], key)
        for (let column = 4 * block; column < Math.min(4 * block + 4, width); column++) {
          const at = row * width + column
          data[at] = x!.data[at]! + scale!.data[0]! * gumbel(words[column % 4]!)
        }
      }
    return [{ ...x!, data }]
  },
  emit: (node, e) => {
    const { shape } = node.inputs[0]!.type
    const width = shape.at(-1)!
    const rows = sizeOf(shape) / width
    const blocks = Math.ceil(width / 4)
    const [x, scale, seed, step] = e.inputs as [string, string, string, string]
    const word = (name: string): string => {
      const wide = e.node('Cast', [name], { to: ONNX_INT64 })[0]!
      return e.node('Mod', [e.node('Reshape', [wide, e.ints([1, 1])])[0]!, e.ints([WORD])])[0]!
    }
    const count = (n: number, dims: readonly number[]): string =>
      e.constant(
        'i64',
        dims,
        Array.from({ length: n }, (_, i) => i),
      )
    const words = emitPhilox(e, [count(blocks, [1, blocks]), count(rows, [rows, 1]), word(step)], word(seed))
    const columns = words.map((name) => {
      const whole = e.node('Expand', [name, e.ints([rows, blocks])])[0]!
      return e.node('Reshape', [whole, e.ints([rows, blocks, 1])])[0]!
    })
    const all = e.node('Reshape', [e.node('Concat', columns, { axis: 2 })[0]!, e.ints([rows, 4 * blocks])])[0]!
    const own = e.node('Slice', [all, e.ints([0]), e.ints([width]), e.ints([1])])[0]!
    // in double precision, where the small numbers that matter survive 1 - u
    const double = (name: string): string => e.node('Cast', [name], { to: ONNX_DOUBLE })[0]!
    const real = (value: number): string => double(e.constant('f32', [], [value]))
    const part = e.node('Mul', [e.node('Add', [double(own), real(0.5)])[0]!, real(1 / WORD)])[0]!
    const inner = e.node('Log', [e.node('Sub', [real(1), part])[0]!])[0]!
    const noise = e.node('Neg', [e.node('Log', [e.node('Neg', [inner])[0]!])[0]!])[0]!
    const single = e.node('Cast', [noise], { to: ONNX_FLOAT })[0]!
    const factor = e.node('Reshape', [scale, e.ints([1])])[0]!
    return e.node('Add', [x, e.node('Mul', [e.node('Reshape', [single, e.ints(shape)])[0]!, factor])[0]!])
  },
}

/** Philox in 64-bit integers, which ONNX has, on products of 16 by 32 bits; the last word of the counter is 0. */
function emitPhilox(e: OnnxEmitter, counter: readonly [string, string, string], seed: string): readonly string[] {
  const one = (op: string, a: string, b: string): string => e.node(op, [a, b])[0]!
  const half = e.ints([HALF_WORD])
  const xor = (a: string, b: string): string => one('BitwiseXor', a, b)
  const product = (factor: number, word: string): readonly [string, string] => {
    const by = e.ints([factor])
    const low = one('Mul', one('Mod', word, half), by)
    const high = one('Add', one('Mul', one('Div', word, half), by), one('Div', low, half))
    return [one('Div', high, half), one('Add', one('Mul', one('Mod', high, half), half), one('Mod', low, half))]
  }
  let [a, b, c, d]: readonly [string, string, string, string] = [...counter, e.ints([0])]
  for (let round = 0; round < PHILOX.rounds; round++) {
    const key = one('Mod', one('Add', seed, e.ints([(round * PHILOX.weyl[0]) % WORD])), e.ints([WORD]))
    const key2 = e.ints([(round * PHILOX.weyl[1]) % WORD])
    const [upper, lower] = product(PHILOX.multipliers[0], a)
    const [upper2, lower2] = product(PHILOX.multipliers[1], c)
    ;[a, b, c, d] = [xor(xor(upper2, b), key), lower2, xor(xor(upper, d), key2), lower]
  }
  return [a, b, c, d]
}
