// Reductions over chosen axes; reduced axes stay with size 1.

import { broadcastStrides, eachOffset } from '../graph/tensor.ts'
import type { Shape } from '../graph/types.ts'
import { sizeOf } from '../graph/types.ts'
import { intsAttr, demand } from './op.ts'
import type { OpDef } from './op.ts'

const reduced = (shape: Shape, axes: readonly number[]): Shape => shape.map((d, i) => (axes.includes(i) ? 1 : d))

function reduction(
  kind: string,
  onnx: string,
  doc: string,
  start: number,
  f: (acc: number, x: number) => number,
  vjp: OpDef['vjp'] & {},
): OpDef {
  return {
    kind,
    doc,
    infer: ([x], attrs) => {
      const axes = intsAttr(attrs, 'axes')
      demand(
        axes.every((a) => a >= 0 && a < x!.shape.length),
        () => `${kind}: axes [${axes.join(',')}] of rank ${x!.shape.length}`,
      )
      return [{ dtype: x!.dtype, shape: reduced(x!.shape, axes) }]
    },
    vjp,
    emit: (node, e) =>
      e.node(onnx, [e.inputs[0]!, e.ints(intsAttr(node.attrs, 'axes'))], { keepdims: 1, noop_with_empty_axes: 1 }),
    evaluate: ([x], node) => {
      const shape = node.outputs[0]!.type.shape
      const data = new Float64Array(sizeOf(shape)).fill(start)
      eachOffset(x!.shape, [broadcastStrides(shape, x!.shape)], (i, [p]) => {
        data[p!] = f(data[p!]!, x!.data[i]!)
      })
      return [{ dtype: x!.dtype, shape, data }]
    },
  }
}

export const reduceSum = reduction(
  'reduce_sum',
  'ReduceSum',
  'sum over axes, which keep size 1',
  0,
  (a, x) => a + x,
  (g, node, [ct]) => [g.broadcast(ct!, node.inputs[0]!.type.shape)],
)

export const reduceMax = reduction(
  'reduce_max',
  'ReduceMax',
  'largest over axes, which keep size 1; ties share the gradient',
  -Infinity,
  Math.max,
  (g, node, [ct]) => {
    const x = node.inputs[0]!
    const axes = intsAttr(node.attrs, 'axes')
    const hit = g.cast(g.equal(x, node.outputs[0]!), x.type.dtype)
    return [g.mul(hit, g.div(ct!, g.reduceSum(hit, axes)))]
  },
)

export const argmax: OpDef = {
  kind: 'argmax',
  doc: 'index of the first largest element of the last axis, as i32',
  infer: ([x]) => [{ dtype: 'i32', shape: x!.shape.slice(0, -1) }],
  vjp: () => [undefined],
  emit: (node, e) => {
    const [wide] = e.node('ArgMax', e.inputs, { axis: node.inputs[0]!.type.shape.length - 1, keepdims: 0 })
    return e.node('Cast', [wide!], { to: 6 })
  },
  evaluate: ([x]) => {
    const width = x!.shape.at(-1)!
    const rows = sizeOf(x!.shape) / width
    const data = Float64Array.from({ length: rows }, (_, r) => {
      const row = x!.data.subarray(r * width, (r + 1) * width)
      return row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity))
    })
    return [{ dtype: 'i32', shape: x!.shape.slice(0, -1), data }]
  },
}
