// Graph -> ModelProto: every node through the `emit` rule of its op, with readable names (`L07.mixer.deltanet/matmul_12`).

import type { DType, Graph, Node, NumberArray, Shape, TensorType, Value } from '../graph/types.ts'
import { sizeOf } from '../graph/types.ts'
import { ops } from '../ops/index.ts'
import { onnxDType } from '../ops/elementwise.ts'
import type { OnnxAttr, OnnxEmitter } from '../ops/op.ts'
import type { AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from './proto.ts'

/** ai.onnx opset and IR version that the emit rules are written for. */
export const OPSET = 24
const IR_VERSION = 10

export interface EmitOptions {
  readonly name: string
  /** Data for inputs that become initialisers: frozen weights, which runtimes pack in advance. */
  readonly frozen?: ReadonlyMap<string, Float32Array>
  readonly metadata?: Readonly<Record<string, string>>
  readonly producerVersion?: string
}

/** Encodable ONNX model of a graph; throws the plain Error of a node whose op has no `emit` rule. */
export function emitOnnx(graph: Graph, options: EmitOptions): ModelProto {
  const emitter = new Emitter(options.frozen ?? new Map())
  for (const node of graph.nodes) emitter.emit(node)
  const outputs = graph.outputs.map(({ name, value }) => emitter.output(name, value))
  return {
    irVersion: IR_VERSION,
    producerName: 'heddle',
    producerVersion: options.producerVersion,
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1 },
    ],
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: options.name,
      nodes: emitter.namedNodes(),
      initializers: emitter.initializers,
      inputs: emitter.inputs,
      outputs,
    },
  }
}

const info = (name: string, type: TensorType): ValueInfoProto => ({
  name,
  dataType: onnxDType(type.dtype),
  shape: type.shape,
})

class Emitter {
  readonly #nodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  readonly inputs: ValueInfoProto[] = []
  readonly #frozen: ReadonlyMap<string, Float32Array>
  readonly #names = new Map<Value, string>()
  readonly #constants = new Map<string, string>()
  readonly #arrays = new Map<ArrayLike<number>, string>()
  /** Names that nodes made, and those that give way to the name of a graph output. */
  readonly #produced = new Set<string>()
  readonly #renamed = new Map<string, string>()
  readonly #taken = new Map<string, number>()
  #node: Node | undefined

  constructor(frozen: ReadonlyMap<string, Float32Array>) {
    this.#frozen = frozen
  }

  emit(node: Node): void {
    if (node.op === 'input') {
      const name = node.attrs['name'] as string
      const { type } = node.outputs[0]!
      const data = this.#frozen.get(name)
      if (data === undefined) this.inputs.push(info(name, type))
      else
        this.initializers.push({
          name,
          dataType: onnxDType(type.dtype),
          dims: type.shape,
          rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        })
      this.#names.set(node.outputs[0]!, name)
      return
    }
    const rule = ops.get(node.op)!.emit
    if (rule === undefined) throw new Error(`op ${node.op} has no onnx form (${node.scope}); decompose it first`)
    this.#node = node
    const view: OnnxEmitter = {
      inputs: node.inputs.map((v) => this.#names.get(v)!),
      node: (opType, inputs, attrs = {}, { domain = '', outputs = 1 } = {}) =>
        this.#addNode(opType, inputs, attrs, domain, outputs),
      constant: (dtype, shape, data) => this.#constant(dtype, shape, data),
      ints: (values) => this.#constant('i64', [values.length], values),
    }
    rule(node, view).forEach((name, i) => this.#names.set(node.outputs[i]!, name))
  }

  /**
   * Declares a graph output: the value takes the output's name where a node made it and no other output has it, else an
   * Identity copies it.
   */
  output(name: string, value: Value): ValueInfoProto {
    const own = this.#names.get(value)!
    if (this.#produced.has(own) && !this.#renamed.has(own)) this.#renamed.set(own, name)
    else this.#nodes.push({ opType: 'Identity', inputs: [own], outputs: [name], name: `output/${name}` })
    return info(name, value.type)
  }

  /** The nodes with the names of graph outputs in place. */
  namedNodes(): NodeProto[] {
    const renamed = (name: string): string => this.#renamed.get(name) ?? name
    return this.#nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    }))
  }

  #addNode(
    opType: string,
    inputs: readonly string[],
    attrs: Readonly<Record<string, OnnxAttr>>,
    domain: string,
    outputs: number,
  ): string[] {
    const { scope, op, id } = this.#node!
    const stem = `${scope === '' ? 'model' : scope}/${op}_${id}`
    const taken = this.#taken.get(stem) ?? 0
    this.#taken.set(stem, taken + 1)
    const name = taken === 0 ? stem : `${stem}.${taken}`
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? `${name}:0` : `${name}:${i}`))
    const attributes = Object.entries(attrs).map(([key, value]) => attribute(key, value))
    for (const output of names) this.#produced.add(output)
    this.#nodes.push({ opType, inputs, outputs: names, name, domain, attributes })
    return names
  }

  #constant(dtype: DType, shape: Shape, data: ArrayLike<number>): string {
    if (data.length !== sizeOf(shape)) throw new Error(`constant of ${data.length} elements for [${shape.join(',')}]`)
    const small = data.length <= 16
    const key = small
      ? `${dtype} ${shape.join(',')} ${Array.from(data)
          .map((x) => (Object.is(x, -0) ? '-0' : x))
          .join(' ')}`
      : ''
    const known = small ? this.#constants.get(key) : this.#arrays.get(data)
    if (known !== undefined) return known
    const name = `constant_${this.#constants.size + this.#arrays.size}`
    if (small) this.#constants.set(key, name)
    else this.#arrays.set(data, name)
    this.initializers.push({ name, dataType: onnxDType(dtype), dims: shape, rawData: rawBytes(dtype, data) })
    return name
  }
}

function attribute(name: string, value: OnnxAttr): AttributeProto {
  if (typeof value === 'number') return { name, type: 'i', value }
  if (typeof value === 'string') return { name, type: 's', value }
  if (Array.isArray(value)) return { name, type: 'ints', value: value as readonly number[] }
  return { name, type: 'f', value: (value as { float: number }).float }
}

/** Little-endian bytes of the elements. */
function rawBytes(dtype: DType, data: ArrayLike<number>): Uint8Array {
  const array = typedArray(dtype, data)
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function typedArray(dtype: DType, data: ArrayLike<number>): NumberArray | BigInt64Array {
  switch (dtype) {
    case 'f32':
      return data instanceof Float32Array ? data : Float32Array.from(data)
    case 'i32':
      return data instanceof Int32Array ? data : Int32Array.from(data)
    case 'i64':
      return BigInt64Array.from(Array.from(data, BigInt))
    case 'bool':
      return Uint8Array.from(data)
    default:
      throw new Error(`constants of type ${dtype} are cast from f32 in the graph`)
  }
}
