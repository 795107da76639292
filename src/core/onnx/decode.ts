// Bytes -> ModelProto. Each function reads one message; the numbers are the field numbers of onnx.proto. Fields that
// Heddle has no use for are skipped; content that it would misread (sparse or string tensors, sequences) is refused.

import { readEntry, readTensor } from './decode-tensor.ts'
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetId,
  StringStringEntry,
  TensorProto,
  ValueInfoProto,
} from './proto.ts'
import { invalid, Reader } from './reader.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Decodes a model; the data of tensors are views of `bytes` where the file stores them raw.
 * @throws HeddleError `file-invalid` for anything that is not a well-formed model with tensors of plain numbers
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const reader = new Reader(bytes)
  const opsetImport: OperatorSetId[] = []
  const metadataProps: StringStringEntry[] = []
  const model: Partial<Mutable<ModelProto>> = {}
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        model.irVersion = reader.safeInteger()
        break
      case 2:
        setString(model, 'producerName', reader.string())
        break
      case 3:
        setString(model, 'producerVersion', reader.string())
        break
      case 6:
        setString(model, 'docString', reader.string())
        break
      case 7:
        model.graph = readGraph(reader.message())
        break
      case 8:
        opsetImport.push(readOpset(reader.message()))
        break
      case 14:
        metadataProps.push(readEntry(reader.message()))
        break
      default:
        reader.skip()
    }
  }
  const { irVersion, graph } = model
  if (irVersion === undefined) throw invalid('the ir version is missing')
  if (graph === undefined) throw invalid('the graph is missing')
  if (metadataProps.length > 0) model.metadataProps = metadataProps
  return { ...model, irVersion, opsetImport, graph }
}

function readOpset(reader: Reader): OperatorSetId {
  const opset = { domain: '', version: 0 }
  while (reader.next()) {
    if (reader.field === 1) opset.domain = reader.string()
    else if (reader.field === 2) opset.version = reader.safeInteger()
    else reader.skip()
  }
  return opset
}

function readGraph(reader: Reader): GraphProto {
  const nodes: NodeProto[] = []
  const inputs: ValueInfoProto[] = []
  const outputs: ValueInfoProto[] = []
  const initializers: TensorProto[] = []
  const valueInfo: ValueInfoProto[] = []
  const graph: Mutable<GraphProto> = { name: '', nodes, inputs, outputs }
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        nodes.push(readNode(reader.message()))
        break
      case 2:
        graph.name = reader.string()
        break
      case 5:
        initializers.push(readTensor(reader.message()))
        break
      case 10:
        setString(graph, 'docString', reader.string())
        break
      case 11:
        inputs.push(readValueInfo(reader.message()))
        break
      case 12:
        outputs.push(readValueInfo(reader.message()))
        break
      case 13:
        valueInfo.push(readValueInfo(reader.message()))
        break
      case 15:
        throw invalid('sparse initializers are not supported')
      default:
        reader.skip()
    }
  }
  if (initializers.length > 0) graph.initializers = initializers
  if (valueInfo.length > 0) graph.valueInfo = valueInfo
  return graph
}

function readNode(reader: Reader): NodeProto {
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes: AttributeProto[] = []
  const node: Mutable<NodeProto> = { opType: '', inputs, outputs }
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        inputs.push(reader.string())
        break
      case 2:
        outputs.push(reader.string())
        break
      case 3:
        setString(node, 'name', reader.string())
        break
      case 4:
        node.opType = reader.string()
        break
      case 5:
        attributes.push(readAttribute(reader.message()))
        break
      case 6:
        setString(node, 'docString', reader.string())
        break
      case 7:
        setString(node, 'domain', reader.string())
        break
      default:
        reader.skip()
    }
  }
  if (node.opType === '') throw invalid(`a node${node.name === undefined ? '' : ` (${node.name})`} has no op type`)
  if (attributes.length > 0) node.attributes = attributes
  return node
}

function readAttribute(reader: Reader): AttributeProto {
  let name = ''
  let type = 0
  const single: { f?: number; i?: number | bigint; s?: string; t?: TensorProto; g?: GraphProto } = {}
  const floats: number[] = []
  const ints: (number | bigint)[] = []
  const strings: string[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string()
        break
      case 2:
        single.f = reader.float()
        break
      case 3:
        single.i = reader.integer()
        break
      case 4:
        single.s = reader.string()
        break
      case 5:
        single.t = readTensor(reader.message())
        break
      case 6:
        single.g = readGraph(reader.message())
        break
      case 7:
        reader.floatsInto(floats)
        break
      case 8:
        reader.integersInto(ints)
        break
      case 9:
        strings.push(reader.string())
        break
      case 20:
        type = reader.safeInteger()
        break
      default:
        reader.skip()
    }
  }
  // an absent scalar is protobuf's default, which some writers leave out; an absent message has no default
  if (type === 1) return { name, type: 'f', value: single.f ?? 0 }
  if (type === 2) return { name, type: 'i', value: single.i ?? 0 }
  if (type === 3) return { name, type: 's', value: single.s ?? '' }
  if (type === 4 && single.t !== undefined) return { name, type: 't', value: single.t }
  if (type === 5 && single.g !== undefined) return { name, type: 'g', value: single.g }
  if (type === 6) return { name, type: 'floats', value: floats }
  if (type === 7) return { name, type: 'ints', value: ints }
  if (type === 8) return { name, type: 'strings', value: strings }
  throw invalid(`attribute ${JSON.stringify(name)} of type ${type} has no value that can be read`)
}

function readValueInfo(reader: Reader): ValueInfoProto {
  const info: Mutable<ValueInfoProto> = { name: '' }
  while (reader.next()) {
    if (reader.field === 1) info.name = reader.string()
    else if (reader.field === 2) readType(reader.message(), info)
    else reader.skip()
  }
  return info
}

function readType(reader: Reader, info: Mutable<ValueInfoProto>): void {
  while (reader.next()) {
    if (reader.field === 1) readTensorType(reader.message(), info)
    // sequence, map, opaque, sparse tensor, optional
    else if ([4, 5, 7, 8, 9].includes(reader.field)) throw invalid(`value ${JSON.stringify(info.name)} is not a tensor`)
    else reader.skip()
  }
}

function readTensorType(reader: Reader, info: Mutable<ValueInfoProto>): void {
  while (reader.next()) {
    if (reader.field === 1) info.dataType = reader.safeInteger()
    else if (reader.field === 2) info.shape = readShape(reader.message())
    else reader.skip()
  }
}

function readShape(reader: Reader): (number | string)[] {
  const shape: (number | string)[] = []
  while (reader.next()) {
    if (reader.field === 1) shape.push(readDimension(reader.message()))
    else reader.skip()
  }
  return shape
}

function readDimension(reader: Reader): number | string {
  let dim: number | string = ''
  while (reader.next()) {
    if (reader.field === 1) dim = reader.safeInteger()
    else if (reader.field === 2) dim = reader.string()
    else reader.skip()
  }
  return dim
}

function setString<K extends string>(target: { [P in K]?: string | undefined }, key: K, value: string): void {
  if (value !== '') target[key] = value
}
