// Ops that move or repeat elements without computing.

import { blank, broadcastStrides, eachOffset, stridesOf } from '../graph/tensor.ts'
import type { Shape, Value } from '../graph/types.ts'
import { sameShape, sizeOf } from '../graph/types.ts'
import { broadcastShape, intAttr, intsAttr, demand } from './op.ts'
import type { OpDef } from './op.ts'

export const reshape: OpDef = {
  kind: 'reshape',
  doc: 'the same elements in row-major order under another shape',
  infer: ([x], attrs) => {
    const shape = intsAttr(attrs, 'shape')
    demand(
      sizeOf(shape) === sizeOf(x!.shape),
      () => `reshape: [${x!.shape.join(',')}] does not fill [${shape.join(',')}]`,
    )
    return [{ dtype: x!.dtype, shape }]
  },
  vjp: (g, node, [ct]) => [g.reshape(ct!, node.inputs[0]!.type.shape)],
  emit: (node, e) => e.node('Reshape', [e.inputs[0]!, e.ints(intsAttr(node.attrs, 'shape'))]),
  evaluate: ([x], node) => [{ ...x!, shape: node.outputs[0]!.type.shape }],
}

export const transpose: OpDef = {
  kind: 'transpose',
  doc: 'axes in another order: output axis i is input axis perm[i]',
  infer: ([x], attrs) => {
    const perm = intsAttr(attrs, 'perm')
    demand(
      sameShape(
        [...perm].sort((a, b) => a - b),
        x!.shape.map((_, i) => i),
      ),
      () => `transpose: perm [${perm.join(',')}] for rank ${x!.shape.length}`,
    )
    return [{ dtype: x!.dtype, shape: perm.map((p) => x!.shape[p]!) }]
  },
  vjp: (g, node, [ct]) => {
    const perm = intsAttr(node.attrs, 'perm')
    const inverse = perm.map((_, i) => perm.indexOf(i))
    return [g.transpose(ct!, inverse)]
  },
  emit: (node, e) => e.node('Transpose', e.inputs, { perm: intsAttr(node.attrs, 'perm') }),
  evaluate: ([x], node) => {
    const own = stridesOf(x!.shape)
    const out = blank(x!.dtype, node.outputs[0]!.type.shape)
    eachOffset(out.shape, [intsAttr(node.attrs, 'perm').map((p) => own[p]!)], (i, [p]) => {
      out.data[i] = x!.data[p!]!
    })
    return [out]
  },
}

export const broadcast: OpDef = {
  kind: 'broadcast',
  doc: 'repeats axes of size 1 to fill a larger shape',
  infer: ([x], attrs) => {
    const shape = intsAttr(attrs, 'shape')
    demand(
      sameShape(broadcastShape(x!.shape, shape, 'broadcast'), shape),
      () => `broadcast: [${x!.shape.join(',')}] does not fit [${shape.join(',')}]`,
    )
    return [{ dtype: x!.dtype, shape }]
  },
  vjp: (g, node, [ct]) => [g.sumTo(ct!, node.inputs[0]!.type.shape)],
  emit: (node, e) => e.node('Expand', [e.inputs[0]!, e.ints(intsAttr(node.attrs, 'shape'))]),
  evaluate: ([x], node) => {
    const out = blank(x!.dtype, node.outputs[0]!.type.shape)
    eachOffset(out.shape, [broadcastStrides(x!.shape, out.shape)], (i, [p]) => {
      out.data[i] = x!.data[p!]!
    })
    return [out]
  },
}

export const slice: OpDef = {
  kind: 'slice',
  doc: 'elements from start (inclusive) to end (exclusive) along one axis',
  infer: ([x], attrs) => {
    const axis = intAttr(attrs, 'axis'),
      start = intAttr(attrs, 'start'),
      end = intAttr(attrs, 'end')
    const size = x!.shape[axis]
    demand(
      size !== undefined && start >= 0 && start <= end && end <= size,
      () => `slice: [${start}, ${end}) of axis ${axis} of [${x!.shape.join(',')}]`,
    )
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, end - start) }]
  },
  vjp: (g, node, [ct]) => {
    const axis = intAttr(node.attrs, 'axis')
    const size = node.inputs[0]!.type.shape[axis]!
    return [g.pad(ct!, axis, intAttr(node.attrs, 'start'), size - intAttr(node.attrs, 'end'))]
  },
  emit: (node, e) => {
    const part = (name: string): string => e.ints([intAttr(node.attrs, name)])
    return e.node('Slice', [e.inputs[0]!, part('start'), part('end'), part('axis')])
  },
  evaluate: ([x], node) => {
    const own = stridesOf(x!.shape)
    const offset = intAttr(node.attrs, 'start') * own[intAttr(node.attrs, 'axis')]!
    const out = blank(x!.dtype, node.outputs[0]!.type.shape)
    eachOffset(out.shape, [own], (i, [p]) => {
      out.data[i] = x!.data[p! + offset]!
    })
    return [out]
  },
}

export const pad: OpDef = {
  kind: 'pad',
  doc: 'zeros before and after along one axis',
  infer: ([x], attrs) => {
    const axis = intAttr(attrs, 'axis'),
      before = intAttr(attrs, 'before'),
      after = intAttr(attrs, 'after')
    demand(
      x!.shape[axis] !== undefined && before >= 0 && after >= 0,
      () => `pad: ${before}, ${after} on axis ${axis} of [${x!.shape.join(',')}]`,
    )
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, x!.shape[axis]! + before + after) }]
  },
  vjp: (g, node, [ct]) => {
    const axis = intAttr(node.attrs, 'axis'),
      before = intAttr(node.attrs, 'before')
    return [g.slice(ct!, axis, before, before + node.inputs[0]!.type.shape[axis]!)]
  },
  emit: (node, e) => {
    const rank = node.inputs[0]!.type.shape.length
    const pads = new Array<number>(2 * rank).fill(0)
    pads[intAttr(node.attrs, 'axis')] = intAttr(node.attrs, 'before')
    pads[rank + intAttr(node.attrs, 'axis')] = intAttr(node.attrs, 'after')
    return e.node('Pad', [e.inputs[0]!, e.ints(pads)])
  },
  evaluate: ([x], node) => {
    const shape = node.outputs[0]!.type.shape
    const strides = stridesOf(shape)
    const offset = intAttr(node.attrs, 'before') * strides[intAttr(node.attrs, 'axis')]!
    const data = new Float64Array(sizeOf(shape))
    eachOffset(x!.shape, [strides], (i, [p]) => {
      data[p! + offset] = x!.data[i]!
    })
    return [{ dtype: x!.dtype, shape, data }]
  },
}

export const concat: OpDef = {
  kind: 'concat',
  doc: 'operands one after another along one axis',
  infer: (types, attrs) => {
    const axis = intAttr(attrs, 'axis')
    const first = types[0]!
    let total = 0
    for (const t of types) {
      demand(
        t.dtype === first.dtype &&
          t.shape.length === first.shape.length &&
          t.shape.every((d, i) => i === axis || d === first.shape[i]),
        () => `concat: [${t.shape.join(',')}] beside [${first.shape.join(',')}] on axis ${axis}`,
      )
      total += t.shape[axis]!
    }
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total) }]
  },
  vjp: (g, node, [ct]) => {
    const axis = intAttr(node.attrs, 'axis')
    let start = 0
    return node.inputs.map((input: Value) => {
      const end = start + input.type.shape[axis]!
      const part = g.slice(ct!, axis, start, end)
      start = end
      return part
    })
  },
  emit: (node, e) => e.node('Concat', e.inputs, { axis: intAttr(node.attrs, 'axis') }),
  evaluate: (inputs, node) => {
    const axis = intAttr(node.attrs, 'axis')
    const out = blank(inputs[0]!.dtype, node.outputs[0]!.type.shape)
    const inner = sizeOf(out.shape.slice(axis + 1))
    const outer = sizeOf(out.shape.slice(0, axis))
    let column = 0
    for (const x of inputs) {
      const run = x.shape[axis]! * inner
      for (let o = 0; o < outer; o++)
        out.data.set(x.data.subarray(o * run, (o + 1) * run), o * out.shape[axis]! * inner + column)
      column += run
    }
    return [out]
  },
}

/** Splits an axis in parts of the given sizes. */
export function partition(shape: Shape, axis: number, sizes: readonly number[]): [number, number][] {
  demand(
    sizes.reduce((a, b) => a + b, 0) === shape[axis],
    () => `sizes ${sizes.join('+')} do not fill axis ${axis} of [${shape.join(',')}]`,
  )
  let start = 0
  return sizes.map((size) => [start, (start += size)])
}
