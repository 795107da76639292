// Ops that read or write at places known only at run time.

import { blank, stridesOf } from '../graph/tensor.ts'
import type { Tensor } from '../graph/tensor.ts'
import { sizeOf, typeText } from '../graph/types.ts'
import { intAttr, demand } from './op.ts'
import type { OpDef } from './op.ts'

function index(value: number, size: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= size)
    throw new Error(`${what}: index ${value} is outside [0, ${size})`)
  return value
}

export const gather: OpDef = {
  kind: 'gather',
  doc: 'rows of a table: output[i..., :] = table[indices[i...], :]',
  infer: ([table, indices]) => {
    demand(
      table!.shape.length >= 1 && indices!.dtype === 'i32',
      () => `gather: table ${typeText(table!)}, indices ${typeText(indices!)} must be i32`,
    )
    return [{ dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] }]
  },
  vjp: (g, node, [ct]) => {
    const [table, indices] = node.inputs
    const n = sizeOf(indices!.type.shape)
    return [
      g.scatterAdd(
        g.zeros(table!.type.shape, table!.type.dtype),
        g.reshape(indices!, [n]),
        g.reshape(ct!, [n, ...table!.type.shape.slice(1)]),
      ),
      undefined,
    ]
  },
  emit: (_, e) => e.node('Gather', e.inputs, { axis: 0 }),
  evaluate: ([table, indices], node) => {
    const out = blank(table!.dtype, node.outputs[0]!.type.shape)
    const row = sizeOf(table!.shape.slice(1))
    indices!.data.forEach((v, i) => {
      const r = index(v, table!.shape[0]!, 'gather')
      out.data.set(table!.data.subarray(r * row, (r + 1) * row), i * row)
    })
    return [out]
  },
}

export const scatterAdd: OpDef = {
  kind: 'scatter_add',
  doc: 'table with rows added: table[indices[i], :] += updates[i, :]; equal indices add up',
  infer: ([table, indices, updates]) => {
    demand(
      indices!.shape.length === 1 &&
        indices!.dtype === 'i32' &&
        updates!.shape[0] === indices!.shape[0] &&
        updates!.shape.length === table!.shape.length,
      () => `scatter_add: ${typeText(updates!)} at ${typeText(indices!)} into ${typeText(table!)}`,
    )
    return [table!]
  },
  vjp: (g, node, [ct]) => [ct, undefined, g.gather(ct!, node.inputs[1]!)],
  emit: (node, e) => {
    const n = node.inputs[1]!.type.shape[0]!
    const [rows] = e.node('Reshape', [e.inputs[1]!, e.ints([n, 1])])
    const [wide] = e.node('Cast', [rows!], { to: 7 })
    return e.node('ScatterND', [e.inputs[0]!, wide!, e.inputs[2]!], { reduction: 'add' })
  },
  evaluate: ([table, indices, updates]) => {
    const data = Float64Array.from(table!.data)
    const row = sizeOf(table!.shape.slice(1))
    indices!.data.forEach((v, i) => {
      const r = index(v, table!.shape[0]!, 'scatter_add')
      for (let j = 0; j < row; j++) data[r * row + j]! += updates!.data[i * row + j]!
    })
    return [{ ...table!, data }]
  },
}

/** Offsets of `x[r, indices[r, j]]` for x seen as rows of its last axis. */
function places(x: Tensor, indices: Tensor, what: string): number[] {
  const width = x.shape.at(-1)!
  const each = indices.shape.at(-1)!
  return Array.from(indices.data, (v, i) => Math.floor(i / each) * width + index(v, width, what))
}

export const takeAlong: OpDef = {
  kind: 'take_along',
  doc: 'elements along the last axis: output[..., j] = x[..., indices[..., j]]',
  infer: ([x, indices]) => {
    demand(
      indices!.dtype === 'i32' &&
        indices!.shape.length === x!.shape.length &&
        indices!.shape.slice(0, -1).every((d, i) => d === x!.shape[i]),
      () => `take_along: ${typeText(indices!)} of ${typeText(x!)}`,
    )
    return [{ dtype: x!.dtype, shape: indices!.shape }]
  },
  vjp: (g, node, [ct]) => {
    const [x, indices] = node.inputs
    return [g.addAlong(g.zeros(x!.type.shape, x!.type.dtype), indices!, ct!), undefined]
  },
  emit: (node, e) => e.node('GatherElements', e.inputs, { axis: node.inputs[0]!.type.shape.length - 1 }),
  evaluate: ([x, indices]) => {
    const at = places(x!, indices!, 'take_along')
    return [{ dtype: x!.dtype, shape: indices!.shape, data: Float64Array.from(at, (p) => x!.data[p]!) }]
  },
}

export const addAlong: OpDef = {
  kind: 'add_along',
  doc: 'x with elements added along the last axis: x[..., indices[..., j]] += updates[..., j]',
  infer: ([x, indices, updates]) => {
    demand(
      indices!.dtype === 'i32' && sizeOf(updates!.shape) === sizeOf(indices!.shape),
      () => `add_along: ${typeText(updates!)} at ${typeText(indices!)} into ${typeText(x!)}`,
    )
    return [x!]
  },
  vjp: (g, node, [ct]) => [ct, undefined, g.takeAlong(ct!, node.inputs[1]!)],
  emit: (node, e) =>
    e.node('ScatterElements', e.inputs, { axis: node.inputs[0]!.type.shape.length - 1, reduction: 'add' }),
  evaluate: ([x, indices, updates]) => {
    const data = Float64Array.from(x!.data)
    places(x!, indices!, 'add_along').forEach((p, i) => (data[p]! += updates!.data[i]!))
    return [{ ...x!, data }]
  },
}

export const update: OpDef = {
  kind: 'update',
  doc: 'x with a block of rows replaced along one axis, from a start known at run time (an i32 scalar)',
  infer: ([x, block, start], attrs) => {
    const axis = intAttr(attrs, 'axis')
    demand(
      start!.dtype === 'i32' &&
        start!.shape.length === 0 &&
        block!.shape.every((d, i) => (i === axis ? d <= x!.shape[i]! : d === x!.shape[i])),
      () => `update: ${typeText(block!)} into ${typeText(x!)} on axis ${axis}`,
    )
    return [x!]
  },
  emit: (node, e) => {
    const axis = intAttr(node.attrs, 'axis')
    const x = node.inputs[0]!.type,
      rows = node.inputs[1]!.type.shape[axis]!
    const batch = x.shape[0]!
    const [one] = e.node('Reshape', [e.inputs[2]!, e.ints([1])])
    const [wide] = e.node('Cast', [one!], { to: 7 })
    const [starts] = e.node('Expand', [wide!, e.ints([batch])])
    demand(rows <= x.shape[axis]!, () => 'update: block larger than its target')
    return e.node('TensorScatter', [e.inputs[0]!, e.inputs[1]!, starts!], { axis })
  },
  evaluate: ([x, block, start], node) => {
    const axis = intAttr(node.attrs, 'axis')
    const strides = stridesOf(x!.shape)
    const data = Float64Array.from(x!.data)
    const inner = strides[axis]!
    const rows = block!.shape[axis]!
    const at = start!.data[0]!
    index(at, x!.shape[axis]! - rows + 1, 'update')
    const outer = sizeOf(x!.shape.slice(0, axis))
    for (let o = 0; o < outer; o++) {
      const part = block!.data.subarray(o * rows * inner, (o + 1) * rows * inner)
      data.set(part, o * x!.shape[axis]! * inner + at * inner)
    }
    return [{ ...x!, data }]
  },
}
