// How a matrix product finds its operands: as memory that the library can read with strides, or element by element.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { OperandView } from './job.ts'
import { broadcastPlace } from './emitter.ts'
import { flatten, literal, plus, stridesIn, unflatten, variable } from './integer.ts'
import type { Index } from './integer.ts'

/** Products below this many multiply-adds, or with a side below the least, are summed directly. */
const LIBRARY_WORK = 1 << 15
const LIBRARY_SIDE = 4
const STRIDED = new Set(['reshape', 'transpose', 'slice', 'broadcast'])

export interface MatmulSizes {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batchShape: readonly number[]
}

export function matmulSizes(node: Node): MatmulSizes {
  const out = node.outputs[0]!.type.shape
  const a = node.inputs[0]!.type.shape
  return {
    m: out.at(-2)!,
    n: out.at(-1)!,
    k: node.attrs['transposeA'] === true ? a.at(-2)! : a.at(-1)!,
    batchShape: out.slice(0, -2),
  }
}

/** Whether a product is worth a call of the library. */
export function isLargeProduct(node: Node): boolean {
  const { m, n, k, batchShape } = matmulSizes(node)
  return Math.min(m, n, k) >= LIBRARY_SIDE && m * n * k * sizeOf(batchShape) >= LIBRARY_WORK
}

/** Place of element (batch, row, column) of operand 0 or 1, read as the product reads it. */
export function operandPlace(node: Node, side: 0 | 1, batch: readonly Index[], row: Index, column: Index): Index {
  const { shape } = node.inputs[side]!.type
  const flip = node.attrs[side === 0 ? 'transposeA' : 'transposeB'] === true
  const lead = shape.slice(0, -2)
  const own = batch.slice(batch.length - lead.length).map((index, axis) => (lead[axis] === 1 ? literal(0) : index))
  return flatten([...own, ...(flip ? [column, row] : [row, column])], shape)
}

/** Follows moves that strides can express; returns the value that has the memory and the place in it. */
export function sourceOf(value: Value, at: Index): { base: Value; at: Index } {
  let current = value
  let place = at
  while (STRIDED.has(current.node.op)) {
    const input = current.node.inputs[0]!
    const from = input.type.shape,
      to = current.type.shape
    const { op, attrs } = current.node
    if (op === 'transpose') {
      const perm = attrs['perm'] as readonly number[]
      const outer = unflatten(place, to)
      place = flatten(
        from.map((_, axis) => outer[perm.indexOf(axis)]!),
        from,
      )
    } else if (op === 'slice') {
      const outer = unflatten(place, to)
      const axis = attrs['axis'] as number
      outer[axis] = plus(outer[axis]!, literal(attrs['start'] as number))
      place = flatten(outer, from)
    } else if (op === 'broadcast') place = broadcastPlace(place, from, to)
    current = input
  }
  return { base: current, at: place }
}

/** Weights one below the other, which need no memory of their own where theirs are side by side. */
export function stacked({ node }: Value): readonly Value[] | undefined {
  const isStack =
    node.op === 'concat' && node.attrs['axis'] === 0 && node.inputs.every(({ node: { op } }) => op === 'input')
  return isStack ? node.inputs : undefined
}

interface Strided {
  readonly base: Value
  readonly offset: number
  readonly batch: readonly number[]
  readonly row: number
  readonly column: number
}

/** Strides of an operand over batch axes, rows and columns; undefined when its memory does not lie so. */
function strided(node: Node, side: 0 | 1, sizes: MatmulSizes, follow: boolean): Strided | undefined {
  const [rows, columns] = side === 0 ? [sizes.m, sizes.k] : [sizes.k, sizes.n]
  const batch = sizes.batchShape.map((size, axis) => variable(`b${axis}`, size))
  const place = operandPlace(node, side, batch, variable('r', rows), variable('c', columns))
  const found = follow ? sourceOf(node.inputs[side]!, place) : { base: node.inputs[side]!, at: place }
  const names = [...sizes.batchShape.map((_, axis) => `b${axis}`), 'r', 'c']
  const strides = stridesIn(found.at, names)
  if (strides === undefined) return undefined
  return {
    base: found.base,
    offset: found.at.constant,
    batch: strides.slice(0, -2),
    row: strides.at(-2)!,
    column: strides.at(-1)!,
  }
}

/** One stride for all batch axes together, if there is one: [count, strides of the operands]. */
function mergeBatch(shape: readonly number[], operands: readonly (readonly number[])[]): readonly number[] | undefined {
  const axes = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  const inner = axes.at(-1)
  if (inner === undefined) return operands.map(() => 0)
  for (const strides of operands) {
    let expected = strides[inner]! * shape[inner]!
    for (const axis of axes.slice(0, -1).reverse()) {
      if (strides[axis] !== expected) return undefined
      expected *= shape[axis]!
    }
  }
  return operands.map((strides) => strides[inner]!)
}

function view(operand: Strided, rows: number, columns: number, stride: number): OperandView | undefined {
  const { base, offset, row, column } = operand
  const made = (transposed: boolean, lead: number): OperandView => ({
    base,
    offset,
    layout: { transposed, lead, stride },
  })
  // a matrix of one row or column may have any stride there
  if ((column === 1 || columns === 1) && (row >= columns || rows === 1)) return made(false, rows === 1 ? columns : row)
  if ((row === 1 || rows === 1) && (column >= rows || columns === 1)) return made(true, columns === 1 ? rows : column)
  return undefined
}

export interface LibraryOperands extends MatmulSizes {
  readonly a: OperandView
  readonly b: OperandView
  readonly batch: number
}

/**
 * Both operands as the library reads them, or undefined where their batch axes do not lie at even distances. An operand
 * whose matrices do not lie right is replaced by the value itself, which then gets memory of its own.
 */
export function libraryOperands(node: Node): LibraryOperands | undefined {
  const sizes = matmulSizes(node)
  const { m, n, k } = sizes
  const attempt = (followA: boolean, followB: boolean): LibraryOperands | undefined => {
    const sa = strided(node, 0, sizes, followA),
      sb = strided(node, 1, sizes, followB)
    if (sa === undefined || sb === undefined) return undefined
    const merged = mergeBatch(sizes.batchShape, [sa.batch, sb.batch])
    if (merged === undefined) return undefined
    const a = view(sa, m, k, merged[0]!),
      b = view(sb, k, n, merged[1]!)
    return a === undefined || b === undefined ? undefined : { a, b, batch: sizeOf(sizes.batchShape), ...sizes }
  }
  return attempt(true, true) ?? attempt(true, false) ?? attempt(false, true) ?? attempt(false, false)
}
