// Element-wise ops with NumPy broadcasting.

import { blank, broadcastStrides, eachOffset } from '../graph/tensor.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Attrs, DType, Node, TensorType, Value } from '../graph/types.ts'
import { isFloat, sameShape, typeText } from '../graph/types.ts'
import type { GraphBuilder } from './builder.ts'
import { broadcastShape, demand, textAttr } from './op.ts'
import type { OpDef, OnnxEmitter } from './op.ts'

type Ct = readonly (Value | undefined)[]

function unary(
  kind: string,
  onnx: string,
  doc: string,
  f: (x: number) => number,
  vjp: (g: GraphBuilder, x: Value, y: Value, ct: Value) => Value | undefined,
): OpDef {
  return {
    kind,
    doc,
    infer: ([x]) => {
      demand(
        isFloat(x!.dtype) || kind === 'neg' || kind === 'abs',
        () => `${kind}: needs a float operand, got ${typeText(x!)}`,
      )
      return [x!]
    },
    vjp: (g, node, cts) => [vjp(g, node.inputs[0]!, node.outputs[0]!, cts[0]!)],
    emit: (_, e) => e.node(onnx, e.inputs),
    evaluate: ([x]) => [{ ...x!, data: x!.data.map(f) }],
  }
}

// Abramowitz & Stegun 7.1.26 is too coarse for a float64 reference: a Taylor series below 3, a continued fraction above.
function erfNumber(x: number): number {
  const a = Math.abs(x)
  if (a < 3) {
    let term = a
    let sum = a
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n++) {
      term *= -(a * a) / n
      sum += term / (2 * n + 1)
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction))
}

export const neg = unary(
  'neg',
  'Neg',
  '-x',
  (x) => -x,
  (g, _x, _y, ct) => g.neg(ct),
)
export const exp = unary('exp', 'Exp', 'e^x', Math.exp, (g, _x, y, ct) => g.mul(ct, y))
export const log = unary('log', 'Log', 'natural logarithm', Math.log, (g, x, _y, ct) => g.div(ct, x))
export const sqrt = unary('sqrt', 'Sqrt', 'square root', Math.sqrt, (g, _x, y, ct) =>
  g.div(g.mul(ct, g.scalar(0.5)), y),
)
export const tanh = unary('tanh', 'Tanh', 'hyperbolic tangent', Math.tanh, (g, _x, y, ct) =>
  g.mul(ct, g.sub(g.scalar(1), g.mul(y, y))),
)
export const sigmoid = unary(
  'sigmoid',
  'Sigmoid',
  '1 / (1 + e^-x)',
  (x) => 1 / (1 + Math.exp(-x)),
  (g, _x, y, ct) => g.mul(ct, g.mul(y, g.sub(g.scalar(1), y))),
)
export const relu = unary(
  'relu',
  'Relu',
  'max(x, 0)',
  (x) => Math.max(x, 0),
  (g, x, _y, ct) => g.mul(ct, g.cast(g.less(g.scalar(0, x.type.dtype), x), x.type.dtype)),
)
export const abs = unary('abs', 'Abs', '|x|; gradient 0 at 0', Math.abs, (g, x, _y, ct) => {
  const zero = g.scalar(0, x.type.dtype)
  return g.mul(ct, g.sub(g.cast(g.less(zero, x), x.type.dtype), g.cast(g.less(x, zero), x.type.dtype)))
})
export const erf = unary('erf', 'Erf', 'error function', erfNumber, (g, x, _y, ct) =>
  g.mul(ct, g.mul(g.scalar(2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x, x))))),
)

function evaluateBinary(a: Tensor, b: Tensor, dtype: DType, kind: string, f: (x: number, y: number) => number): Tensor {
  const shape = broadcastShape(a.shape, b.shape, kind)
  const out = blank(dtype, shape)
  if (sameShape(a.shape, b.shape)) {
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(a.data[i]!, b.data[i]!)
    return out
  }
  eachOffset(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)], (i, [p, q]) => {
    out.data[i] = f(a.data[p!]!, b.data[q!]!)
  })
  return out
}

function inferBinary(kind: string, [a, b]: readonly TensorType[], dtype?: DType): TensorType[] {
  demand(a!.dtype === b!.dtype, () => `${kind}: operands ${typeText(a!)} and ${typeText(b!)} differ in type`)
  return [{ dtype: dtype ?? a!.dtype, shape: broadcastShape(a!.shape, b!.shape, kind) }]
}

function binary(
  kind: string,
  onnx: string,
  doc: string,
  f: (x: number, y: number) => number,
  vjp: (g: GraphBuilder, a: Value, b: Value, ct: Value, y: Value) => [Value | undefined, Value | undefined],
): OpDef {
  return {
    kind,
    doc,
    infer: (types) => inferBinary(kind, types),
    vjp: (g, node: Node, cts: Ct) => {
      const [a, b] = node.inputs as [Value, Value]
      const [da, db] = vjp(g, a, b, cts[0]!, node.outputs[0]!)
      return [da && g.sumTo(da, a.type.shape), db && g.sumTo(db, b.type.shape)]
    },
    emit: (_, e) => e.node(onnx, e.inputs),
    evaluate: ([a, b]) => [evaluateBinary(a!, b!, a!.dtype, kind, f)],
  }
}

/** Cotangents of the two sides of max(a, b): all to the larger, half to each where they are equal. For min(a, b) swap the comparison. */
function selectVjp(g: GraphBuilder, a: Value, b: Value, ct: Value): [Value, Value] {
  const tie = g.mul(g.cast(g.equal(a, b), ct.type.dtype), g.scalar(0.5))
  const first = g.add(g.cast(g.less(b, a), ct.type.dtype), tie)
  return [g.mul(ct, first), g.mul(ct, g.sub(g.scalar(1), first))]
}

export const add = binary(
  'add',
  'Add',
  'a + b',
  (x, y) => x + y,
  (_g, _a, _b, ct) => [ct, ct],
)
export const sub = binary(
  'sub',
  'Sub',
  'a - b',
  (x, y) => x - y,
  (g, _a, _b, ct) => [ct, g.neg(ct)],
)
export const mul = binary(
  'mul',
  'Mul',
  'a b',
  (x, y) => x * y,
  (g, a, b, ct) => [g.mul(ct, b), g.mul(ct, a)],
)
export const div = binary(
  'div',
  'Div',
  'a / b',
  (x, y) => x / y,
  (g, _a, b, ct, y) => {
    const da = g.div(ct, b)
    return [da, g.neg(g.mul(da, y))]
  },
)
export const maximum = binary('maximum', 'Max', 'larger of a and b', Math.max, (g, a, b, ct) => selectVjp(g, a, b, ct))
export const minimum = binary('minimum', 'Min', 'smaller of a and b', Math.min, (g, a, b, ct) => selectVjp(g, b, a, ct))

function comparison(kind: string, onnx: string, doc: string, f: (x: number, y: number) => boolean): OpDef {
  return {
    kind,
    doc,
    infer: (types) => inferBinary(kind, types, 'bool'),
    vjp: () => [undefined, undefined],
    emit: (_, e) => e.node(onnx, e.inputs),
    evaluate: ([a, b]) => [evaluateBinary(a!, b!, 'bool', kind, (x, y) => Number(f(x, y)))],
  }
}
export const less = comparison('less', 'Less', 'a < b', (x, y) => x < y)
export const equal = comparison('equal', 'Equal', 'a = b', (x, y) => x === y)

export const where: OpDef = {
  kind: 'where',
  doc: 'a where the condition holds, else b',
  infer: ([c, a, b]) => {
    demand(c!.dtype === 'bool', () => `where: the condition must be bool, got ${typeText(c!)}`)
    const [type] = inferBinary('where', [a!, b!])
    return [{ dtype: type!.dtype, shape: broadcastShape(c!.shape, type!.shape, 'where') }]
  },
  vjp: (g, node, [ct]) => {
    const [c, a, b] = node.inputs as [Value, Value, Value]
    const zero = g.scalar(0, ct!.type.dtype)
    return [undefined, g.sumTo(g.where(c, ct!, zero), a.type.shape), g.sumTo(g.where(c, zero, ct!), b.type.shape)]
  },
  emit: (_, e) => e.node('Where', e.inputs),
  evaluate: ([c, a, b], node) => {
    const out = blank(a!.dtype, node.outputs[0]!.type.shape)
    const strides = [c!, a!, b!].map((t) => broadcastStrides(t.shape, out.shape))
    eachOffset(out.shape, strides, (i, [p, q, r]) => {
      out.data[i] = c!.data[p!] === 1 ? a!.data[q!]! : b!.data[r!]!
    })
    return [out]
  },
}

const ONNX_DTYPE: Readonly<Record<DType, number>> = { f32: 1, i32: 6, i64: 7, bool: 9, f16: 10, bf16: 16 }
/** ONNX TensorProto.DataType of each element type. */
export const onnxDType = (dtype: DType): number => ONNX_DTYPE[dtype]

export const cast: OpDef = {
  kind: 'cast',
  doc: 'conversion of the element type; to integers by truncation, to bool by != 0',
  infer: ([x], attrs) => [{ dtype: textAttr(attrs, 'to') as DType, shape: x!.shape }],
  vjp: (g, node, [ct]) => {
    const from = node.inputs[0]!.type.dtype
    return [isFloat(from) && isFloat(ct!.type.dtype) ? g.cast(ct!, from) : undefined]
  },
  emit: (node: Node, e: OnnxEmitter) =>
    e.node('Cast', e.inputs, { to: onnxDType(textAttr(node.attrs, 'to') as DType) }),
  evaluate: ([x], node) => [castTensor(x!, node.attrs)],
}

function castTensor(x: Tensor, attrs: Attrs): Tensor {
  const to = textAttr(attrs, 'to') as DType
  if (to === 'bool') return { dtype: to, shape: x.shape, data: x.data.map((v) => Number(v !== 0)) }
  if (to === 'i32' || to === 'i64') return { dtype: to, shape: x.shape, data: x.data.map(Math.trunc) }
  return { dtype: to, shape: x.shape, data: x.data }
}
