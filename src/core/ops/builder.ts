// GraphBuilder: the only way to make nodes. Each method is one op or a helper composed of ops; shapes are checked at once.

import type { Attrs, DType, Graph, Node, NumberArray, Output, Shape, TensorType, Value } from '../graph/types.ts'
import { sameShape, sameType, sizeOf } from '../graph/types.ts'
import { partition } from './movement.ts'
import type { OpDef } from './op.ts'

export class GraphBuilder {
  readonly nodes: Node[] = []
  readonly outputs: Output[] = []
  readonly #ops: ReadonlyMap<string, OpDef>
  readonly #constants = new Map<string, Value>()
  #scope = ''
  #nextId = 0
  #isDifferentiable = false

  constructor(ops: ReadonlyMap<string, OpDef>) {
    this.#ops = ops
  }

  /** Adds a node and returns its outputs. Throws the plain Error of `infer` when operands do not fit. */
  apply(op: string, inputs: readonly Value[], attrs: Attrs = {}, data?: NumberArray): readonly Value[] {
    const rules = this.#ops.get(op)
    if (rules === undefined) throw new Error(`unknown op ${op}`)
    const types = rules.infer(
      inputs.map((v) => v.type),
      attrs,
      data,
    )
    const node = this.#node({ op, attrs, ...(data !== undefined && { data }) }, inputs, types, this.#scope)
    if (this.#isDifferentiable && rules.vjp === undefined && rules.decompose !== undefined)
      return rules.decompose(this, node)
    this.nodes.push(node)
    return node.outputs
  }

  /** Adds a node like another; on operands of the same types its results have the same types, too. */
  copy(like: Node, inputs: readonly Value[], scope = like.scope): readonly Value[] {
    if (this.#isDifferentiable || !inputs.every(({ type }, i) => sameType(type, like.inputs[i]!.type)))
      return this.scoped(scope, () => this.apply(like.op, inputs, like.attrs, like.data), true)
    const types = like.outputs.map(({ type }) => type)
    const node = this.#node(like, inputs, types, scope)
    this.nodes.push(node)
    return node.outputs
  }

  #node(
    { op, attrs, data }: Pick<Node, 'op' | 'attrs' | 'data'>,
    inputs: readonly Value[],
    types: readonly TensorType[],
    scope: string,
  ): Node {
    const outputs: Value[] = []
    const known = { id: this.#nextId++, op, inputs, attrs, outputs, scope }
    const node: Node = data === undefined ? known : { ...known, data }
    types.forEach((type, index) => outputs.push({ node, index, type }))
    return node
  }

  /** Runs `body` with every op that has no gradient rule replaced by its meaning; returns the nodes that it added, too. */
  differentiable<T>(body: () => T): { result: T; nodes: readonly Node[] } {
    const from = this.nodes.length
    const outer = this.#isDifferentiable
    this.#isDifferentiable = true
    try {
      return { result: body(), nodes: this.nodes.slice(from) }
    } finally {
      this.#isDifferentiable = outer
    }
  }

  /** The rules of a node's op. */
  rulesOf(node: Node): OpDef {
    return this.#ops.get(node.op)!
  }

  /** Adds a node with one output. */
  one(op: string, inputs: readonly Value[], attrs: Attrs = {}, data?: NumberArray): Value {
    return this.apply(op, inputs, attrs, data)[0]!
  }

  /** Runs `body` with a scope appended (or set, when `absolute`), so that its nodes are named after it. */
  scoped<T>(scope: string, body: () => T, absolute = false): T {
    const outer = this.#scope
    this.#scope = absolute || outer === '' ? scope : `${outer}.${scope}`
    try {
      return body()
    } finally {
      this.#scope = outer
    }
  }

  output(name: string, value: Value): void {
    this.outputs.push({ name, value })
  }

  finish(): Graph {
    return { nodes: this.nodes, outputs: this.outputs }
  }

  // Sources

  input(name: string, type: TensorType): Value {
    return this.one('input', [], { name, dtype: type.dtype, shape: type.shape })
  }

  constant(shape: Shape, data: NumberArray, dtype: DType = 'f32'): Value {
    return this.one('constant', [], { dtype, shape }, data)
  }

  scalar(value: number, dtype: DType = 'f32'): Value {
    return this.filled([], value, dtype)
  }

  /** One number everywhere; the same node for the same request. */
  filled(shape: Shape, value: number, dtype: DType = 'f32'): Value {
    return this.shared(`fill ${dtype} ${shape.join(',')} ${Object.is(value, -0) ? '-0' : value}`, () =>
      this.constant(shape, Float64Array.of(value), dtype),
    )
  }

  zeros(shape: Shape, dtype: DType = 'f32'): Value {
    return this.filled(shape, 0, dtype)
  }

  /** A value made once per graph and reused under its key: masks, rotary tables. Its nodes carry the scope `shared`. */
  shared(key: string, make: () => Value): Value {
    const found = this.#constants.get(key)
    if (found !== undefined) return found
    const value = this.scoped('shared', make, true)
    this.#constants.set(key, value)
    return value
  }

  /** Lower triangle of ones, [n, n]; strict leaves the diagonal 0. */
  lowerOnes(n: number, strict = false): Value {
    return this.triangle(n, strict, 1, 0)
  }

  /** 0 on and below the diagonal (below only, when strict), -1e30 elsewhere: added before an exponential. */
  lowerMask(n: number, strict = false): Value {
    return this.triangle(n, strict, 0, -1e30)
  }

  /** Ones on the diagonal, [n, n]. */
  identity(n: number): Value {
    return this.shared(`identity ${n}`, () =>
      this.constant(
        [n, n],
        Float32Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0)),
      ),
    )
  }

  triangle(n: number, strict: boolean, inside: number, outside: number): Value {
    return this.shared(`triangle ${n} ${strict} ${inside} ${outside}`, () => {
      const data = new Float32Array(n * n)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) data[i * n + j] = j < i || (j === i && !strict) ? inside : outside
      return this.constant([n, n], data)
    })
  }

  // Element-wise

  neg(x: Value): Value {
    return this.one('neg', [x])
  }
  exp(x: Value): Value {
    return this.one('exp', [x])
  }
  log(x: Value): Value {
    return this.one('log', [x])
  }
  sqrt(x: Value): Value {
    return this.one('sqrt', [x])
  }
  tanh(x: Value): Value {
    return this.one('tanh', [x])
  }
  sigmoid(x: Value): Value {
    return this.one('sigmoid', [x])
  }
  relu(x: Value): Value {
    return this.one('relu', [x])
  }
  abs(x: Value): Value {
    return this.one('abs', [x])
  }
  erf(x: Value): Value {
    return this.one('erf', [x])
  }
  add(a: Value, b: Value): Value {
    return this.one('add', [a, b])
  }
  sub(a: Value, b: Value): Value {
    return this.one('sub', [a, b])
  }
  mul(a: Value, b: Value): Value {
    return this.one('mul', [a, b])
  }
  div(a: Value, b: Value): Value {
    return this.one('div', [a, b])
  }
  maximum(a: Value, b: Value): Value {
    return this.one('maximum', [a, b])
  }
  minimum(a: Value, b: Value): Value {
    return this.one('minimum', [a, b])
  }
  less(a: Value, b: Value): Value {
    return this.one('less', [a, b])
  }
  equal(a: Value, b: Value): Value {
    return this.one('equal', [a, b])
  }
  where(condition: Value, a: Value, b: Value): Value {
    return this.one('where', [condition, a, b])
  }

  cast(x: Value, to: DType): Value {
    return x.type.dtype === to ? x : this.one('cast', [x], { to })
  }

  /** x times a number. */
  scale(x: Value, factor: number): Value {
    return factor === 1 ? x : this.mul(x, this.scalar(factor, x.type.dtype))
  }

  // Shape

  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.type.shape, shape) ? x : this.one('reshape', [x], { shape })
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((p, i) => p === i) ? x : this.one('transpose', [x], { perm })
  }

  broadcast(x: Value, shape: Shape): Value {
    return sameShape(x.type.shape, shape) ? x : this.one('broadcast', [x], { shape })
  }

  slice(x: Value, axis: number, start: number, end: number): Value {
    return start === 0 && end === x.type.shape[axis] ? x : this.one('slice', [x], { axis, start, end })
  }

  /** Parts of the given sizes along an axis. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    return partition(x.type.shape, axis, sizes).map(([start, end]) => this.slice(x, axis, start, end))
  }

  pad(x: Value, axis: number, before: number, after: number): Value {
    return before === 0 && after === 0 ? x : this.one('pad', [x], { axis, before, after })
  }

  concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.one('concat', parts, { axis })
  }

  // Indexing

  gather(table: Value, indices: Value): Value {
    return this.one('gather', [table, indices])
  }
  scatterAdd(table: Value, indices: Value, updates: Value): Value {
    return this.one('scatter_add', [table, indices, updates])
  }
  takeAlong(x: Value, indices: Value): Value {
    return this.one('take_along', [x, indices])
  }
  addAlong(x: Value, indices: Value, updates: Value): Value {
    return this.one('add_along', [x, indices, updates])
  }
  update(x: Value, block: Value, start: Value, axis: number): Value {
    return this.one('update', [x, block, start], { axis })
  }

  // Reductions and products

  reduceSum(x: Value, axes: readonly number[]): Value {
    return this.one('reduce_sum', [x], { axes })
  }
  reduceMax(x: Value, axes: readonly number[]): Value {
    return this.one('reduce_max', [x], { axes })
  }
  argmax(x: Value): Value {
    return this.one('argmax', [x])
  }

  /**
   * A draw from softmax(x / temperature) of the last axis for each row, the same for the same seed and step; with temperature
   * 0 the largest.
   */
  sample(x: Value, { temperature, seed, step }: Readonly<Record<'temperature' | 'seed' | 'step', Value>>): Value {
    return this.argmax(this.one('add_gumbel', [x, temperature, seed, step]))
  }

  mean(x: Value, axes: readonly number[]): Value {
    return this.scale(this.reduceSum(x, axes), 1 / sizeOf(axes.map((a) => x.type.shape[a]!)))
  }

  matmul(a: Value, b: Value, { transposeA = false, transposeB = false } = {}): Value {
    return this.one('matmul', [a, b], { ...(transposeA && { transposeA }), ...(transposeB && { transposeB }) })
  }

  /** y = x Wᵀ over the last axis of x; W is [out, in]. */
  linear(x: Value, weight: Value): Value {
    const shape = x.type.shape
    const width = shape.at(-1)!
    const rows = sizeOf(shape) / width
    const y = this.matmul(this.reshape(x, [rows, width]), weight, { transposeB: true })
    return this.reshape(y, [...shape.slice(0, -1), weight.type.shape[0]!])
  }

  /** `linear` cut in parts of the given widths: the weight is cut, which is smaller than the result. */
  linearParts(x: Value, weight: Value, widths: readonly number[]): Value[] {
    return this.split(weight, 0, widths).map((part) => this.linear(x, part))
  }

  /** Sums out the axes along which `shape` was broadcast to x. */
  sumTo(x: Value, shape: Shape): Value {
    if (sameShape(x.type.shape, shape)) return x
    const lead = x.type.shape.length - shape.length
    const axes = x.type.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []))
    return this.reshape(axes.length === 0 ? x : this.reduceSum(x, axes), shape)
  }
}
