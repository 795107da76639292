// How the scheduler sees the ops: what moves, what computes element by element, what needs a kernel of its own.

import type { DType, Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '#core/half.ts'

const MOVES = new Set(['reshape', 'transpose', 'broadcast', 'slice', 'pad', 'concat'])
const REDUCTIONS = new Set(['reduce_sum', 'reduce_max', 'argmax'])
const ELEMENTWISE = new Set([
  'neg',
  'exp',
  'log',
  'sqrt',
  'tanh',
  'sigmoid',
  'relu',
  'abs',
  'erf',
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'less',
  'equal',
  'where',
  'cast',
  'gather',
  'take_along',
  'add_along',
  'add_gumbel',
])

/** Ops that only say where elements are read. */
export const isMove = (node: Node): boolean => MOVES.has(node.op)
/** Ops whose every output element is an expression of few elements. */
export const isElementwise = (node: Node): boolean => ELEMENTWISE.has(node.op)
export const isReduction = (node: Node): boolean => REDUCTIONS.has(node.op)

/** How elements lie in device memory. */
export type Stored = 'f32' | Half | 'i32' | 'u8'
/** Sixteen bits: the range of f32 with 8 bits of precision, or 11 bits up to 65504. */
export type Half = 'bf16' | 'f16'

export const isHalf = (stored: Stored): stored is Half => stored === 'bf16' || stored === 'f16'

export const STORED_BYTES: Readonly<Record<Stored, number>> = { f32: 4, bf16: 2, f16: 2, i32: 4, u8: 1 }
/** C type of an element in memory, and in a register. */
export const C_TYPE: Readonly<Record<Stored, string>> = {
  f32: 'float',
  bf16: 'bf16',
  f16: 'f16',
  i32: 'int',
  u8: 'unsigned char',
}

/** f32 in the form that memory has. */
export function narrowed(stored: Stored, data: Float32Array): Float32Array | Uint16Array {
  if (!isHalf(stored)) return data
  return stored === 'bf16' ? f32ToBf16(data) : f32ToF16(data)
}

/** Floats from memory as f32; `read` fills an array of the form that memory has. */
export function widened(stored: Stored, size: number, read: (into: Float32Array | Uint16Array) => void): Float32Array {
  const data = isHalf(stored) ? new Uint16Array(size) : new Float32Array(size)
  read(data)
  if (data instanceof Float32Array) return data
  return stored === 'bf16' ? bf16ToF32(data) : f16ToF32(data)
}

/** The exact form in memory of a graph's element type; throws for types that this target does not take. */
export function storedExactly(dtype: DType): Stored {
  if (dtype === 'f32' || dtype === 'i32') return dtype
  if (dtype === 'bool') return 'u8'
  throw new Error(`the cuda target takes graphs of f32, i32 and bool, not ${dtype}`)
}

/** C type of a register. */
export function registerType(dtype: DType): string {
  const stored = storedExactly(dtype)
  return stored === 'u8' ? 'bool' : C_TYPE[stored]
}

/** The number that fills a constant, if one does. */
export function fillOf({ node }: Value): number | undefined {
  if (node.op !== 'constant') return undefined
  const data = node.data!
  if (data.length === 1) return data[0]
  return data.length <= 64 && data.every((x) => x === data[0]) ? data[0] : undefined
}

/** A square constant with one number on and below a diagonal and another above: `column - row <= shift ? inside : outside`. */
export interface Triangle {
  readonly size: number
  readonly shift: number
  readonly inside: number
  readonly outside: number
}

const triangles = new WeakMap<Node, Triangle | null>()

/** Recognises triangular masks, which are cheaper computed than read. */
export function triangleOf({ node, type }: Value): Triangle | undefined {
  if (node.op !== 'constant') return undefined
  let found = triangles.get(node)
  if (found === undefined) triangles.set(node, (found = findTriangle(node, type.shape) ?? null))
  return found ?? undefined
}

function findTriangle(node: Node, shape: readonly number[]): Triangle | undefined {
  const size = shape.at(-1)!
  const data = node.data!
  if (
    shape.length < 2 ||
    size < 8 ||
    shape.at(-2) !== size ||
    data.length !== size * size ||
    sizeOf(shape) !== size * size
  )
    return undefined
  const inside = data[(size - 1) * size]!,
    outside = data[size - 1]!
  for (const shift of [0, -1]) {
    let fits = true
    for (let i = 0; i < size && fits; i++)
      for (let j = 0; j < size && fits; j++) fits = data[i * size + j] === (j - i <= shift ? inside : outside)
    if (fits) return { size, shift, inside, outside }
  }
  return undefined
}

/** Rows and row length of a reduction whose axes are the last ones; undefined for other axes. */
export function trailingRows(node: Node): { rows: number; length: number } | undefined {
  const { shape } = node.inputs[0]!.type
  if (node.op === 'argmax') return { rows: sizeOf(shape.slice(0, -1)), length: shape.at(-1)! }
  const axes = node.attrs['axes'] as readonly number[]
  // axes of size 1 may lie anywhere
  const wide = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  const reduced = wide.filter((axis) => axes.includes(axis))
  if (!wide.slice(wide.length - reduced.length).every((axis) => axes.includes(axis))) return undefined
  const length = sizeOf(reduced.map((axis) => shape[axis]!))
  return { rows: sizeOf(shape) / length, length }
}

/** The value whose memory a reshaped value shares. */
export function unshaped(value: Value): Value {
  let current = value
  while (current.node.op === 'reshape') current = current.node.inputs[0]!
  return current
}

/** A value that is in memory from the start: an input, or a constant that is no formula. */
export function isLeaf(value: Value): boolean {
  const { op } = value.node
  return op === 'input' || (op === 'constant' && fillOf(value) === undefined && triangleOf(value) === undefined)
}
