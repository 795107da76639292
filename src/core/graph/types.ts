// The intermediate representation: an immutable, statically shaped, typed dataflow graph in single-assignment form.
// A Node applies one op to Values and yields Values; a Graph is its nodes in topological order plus named outputs.
// Shape legend of the whole project: B batch, T time, D model width, H heads, K/V key and value width per head,
// N state, C chunk.

export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'i64' | 'bool'

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, i64: 8, bool: 1 }

export const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16' || dtype === 'bf16'

export type Shape = readonly number[]

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
}

export type Attr = number | string | boolean | readonly number[]
export type Attrs = Readonly<Record<string, Attr>>

/** Element data of a constant, in row-major order; integers and booleans are kept as numbers. */
export type NumberArray = Float64Array | Float32Array | Int32Array | Uint8Array

export interface Node {
  /** Unique inside its graph and increasing in topological order. */
  readonly id: number
  readonly op: string
  readonly inputs: readonly Value[]
  readonly attrs: Attrs
  readonly outputs: readonly Value[]
  /** Where the node comes from, for readable dumps: `L07.mixer.deltanet`. */
  readonly scope: string
  /** Only for `constant`: its elements, or one element that fills the whole shape. */
  readonly data?: NumberArray
}

export interface Value {
  readonly node: Node
  readonly index: number
  readonly type: TensorType
}

export interface Output {
  readonly name: string
  readonly value: Value
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly outputs: readonly Output[]
}

/** What the graph folder needs to know of an op; `core/ops` adds the other rules. */
export interface OpRules {
  readonly kind: string
  /** Result types. Throws an Error that names the rule which the operands break. */
  infer(inputs: readonly TensorType[], attrs: Attrs, data?: NumberArray): readonly TensorType[]
}
export type OpTable = ReadonlyMap<string, OpRules>

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1
  for (const d of shape) n *= d
  return n
}

export const bytesOf = (type: TensorType): number => sizeOf(type.shape) * DTYPE_BYTES[type.dtype]

export function sameShape(a: Shape, b: Shape): boolean {
  return a === b || (a.length === b.length && a.every((d, i) => d === b[i]))
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape)
}

/** The nodes that read each value, in the graph's order. */
export function readersIn(nodes: readonly Node[]): ReadonlyMap<Value, readonly Node[]> {
  const readers = new Map<Value, Node[]>()
  for (const node of nodes)
    for (const input of node.inputs) {
      const found = readers.get(input)
      if (found === undefined) readers.set(input, [node])
      else found.push(node)
    }
  return readers
}

/** `f32[2,3]`, as printed in graph texts and messages. */
export const typeText = (type: TensorType): string => `${type.dtype}[${type.shape.join(',')}]`

/** The `input` nodes of a graph by name, in order of declaration. */
export function inputsOf(graph: Graph): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  for (const node of graph.nodes) if (node.op === 'input') found.set(node.attrs['name'] as string, node)
  return found
}

/** Nodes that the outputs need, in the graph's order. */
export function liveNodes(graph: Graph): Node[] {
  const live = new Set<Node>()
  const stack = graph.outputs.map((o) => o.value.node)
  while (stack.length > 0) {
    const node = stack.pop()!
    if (live.has(node)) continue
    live.add(node)
    for (const input of node.inputs) stack.push(input.node)
  }
  return graph.nodes.filter((n) => live.has(n))
}
