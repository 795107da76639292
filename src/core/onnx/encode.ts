// ModelProto -> bytes. Each function writes one message; the numbers are the field numbers of onnx.proto.

import { HeddleError } from '../errors.ts'
import { bytesPerElement } from './proto.ts'
import type {
  AttributeProto,
  ExternalData,
  GraphProto,
  ModelProto,
  NodeProto,
  StringStringEntry,
  TensorProto,
  ValueInfoProto,
} from './proto.ts'
import { Sizer, Writer } from './writer.ts'
import type { Sink } from './writer.ts'

/** Protobuf refuses messages above this size; larger models keep their tensors in an external file. */
const MAX_MODEL_BYTES = 2 ** 31 - 1

/** AttributeProto.AttributeType of each value field. */
const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8 } as const

/**
 * Encodes a model into one buffer; tensor data is copied once.
 * @throws HeddleError `graph-invalid` for a model above 2 GiB and for a tensor whose data does not fit its type and dims
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const sizer = new Sizer()
  writeModel(sizer, model)
  if (sizer.size > MAX_MODEL_BYTES) {
    throw new HeddleError(
      'graph-invalid',
      `onnx model: ${sizer.size} bytes are above the limit of ${MAX_MODEL_BYTES}`,
      {
        hint: 'keep the weights in an external file',
      },
    )
  }
  const writer = new Writer(sizer)
  writeModel(writer, model)
  return writer.target
}

export interface ExternalOptions {
  /** Tensors of at least this many bytes move to the external file. */
  readonly threshold: number
  /** Name of the external file, relative to the folder of the model. */
  readonly fileName: string
  /** Every tensor starts at a multiple of this many bytes; 4096, the page size, lets readers map the file. */
  readonly alignment?: 64 | 4096
}

/** A model without its large tensors, and the content of the file that holds them, as chunks in order. */
export interface ExternalModel {
  readonly model: Uint8Array
  readonly external: Iterable<Uint8Array>
}

/**
 * Encodes a model whose large initializers lie in a second file beside it; the chunks are views of the tensors and padding.
 * @throws HeddleError `graph-invalid` as `encodeModel`
 */
export function encodeModelExternal(model: ModelProto, options: ExternalOptions): ExternalModel {
  const { threshold, fileName, alignment = 4096 } = options
  const chunks: Uint8Array[] = []
  let offset = 0
  const moveTensor = (tensor: TensorProto): TensorProto => {
    const { name, dims, dataType, rawData } = tensor
    if (rawData === undefined || rawData.length === 0 || rawData.length < threshold) return tensor
    checkTensor(tensor)
    const padding = (alignment - (offset % alignment)) % alignment
    if (padding > 0) chunks.push(new Uint8Array(padding))
    chunks.push(rawData)
    const external: ExternalData = { location: fileName, offset: offset + padding, length: rawData.length }
    offset = external.offset + external.length
    return { name, dims, dataType, external }
  }
  const moveGraph = (graph: GraphProto): GraphProto => ({
    ...graph,
    initializers: graph.initializers?.map(moveTensor),
    nodes: graph.nodes.map((node) => (node.attributes?.some((a) => a.type === 'g') ? moveNode(node) : node)),
  })
  const moveNode = (node: NodeProto): NodeProto => ({
    ...node,
    attributes: node.attributes?.map((a) => (a.type === 'g' ? { ...a, value: moveGraph(a.value) } : a)),
  })
  return { model: encodeModel({ ...model, graph: moveGraph(model.graph) }), external: chunks }
}

function writeModel(to: Sink, model: ModelProto): void {
  to.integer(1, model.irVersion)
  optionalString(to, 2, model.producerName)
  optionalString(to, 3, model.producerVersion)
  optionalString(to, 6, model.docString)
  to.message(7, () => writeGraph(to, model.graph))
  for (const { domain, version } of model.opsetImport) {
    to.message(8, () => {
      to.string(1, domain)
      to.integer(2, version)
    })
  }
  for (const entry of model.metadataProps ?? []) writeEntry(to, 14, entry)
}

function writeGraph(to: Sink, graph: GraphProto): void {
  for (const node of graph.nodes) to.message(1, () => writeNode(to, node))
  to.string(2, graph.name)
  for (const tensor of graph.initializers ?? []) to.message(5, () => writeTensor(to, tensor))
  optionalString(to, 10, graph.docString)
  for (const value of graph.inputs) to.message(11, () => writeValueInfo(to, value))
  for (const value of graph.outputs) to.message(12, () => writeValueInfo(to, value))
  for (const value of graph.valueInfo ?? []) to.message(13, () => writeValueInfo(to, value))
}

function writeNode(to: Sink, node: NodeProto): void {
  for (const name of node.inputs) to.string(1, name)
  for (const name of node.outputs) to.string(2, name)
  optionalString(to, 3, node.name)
  to.string(4, node.opType)
  for (const attribute of node.attributes ?? []) to.message(5, () => writeAttribute(to, attribute))
  optionalString(to, 6, node.docString)
  optionalString(to, 7, node.domain)
}

function writeAttribute(to: Sink, attribute: AttributeProto): void {
  to.string(1, attribute.name)
  switch (attribute.type) {
    case 'f':
      to.float(2, attribute.value)
      break
    case 'i':
      to.integer(3, attribute.value)
      break
    case 's':
      to.string(4, attribute.value)
      break
    case 't': {
      const tensor = attribute.value
      to.message(5, () => writeTensor(to, tensor))
      break
    }
    case 'g': {
      const graph = attribute.value
      to.message(6, () => writeGraph(to, graph))
      break
    }
    case 'floats':
      to.floats(7, attribute.value)
      break
    case 'ints':
      to.integers(8, attribute.value)
      break
    case 'strings':
      for (const text of attribute.value) to.string(9, text)
      break
  }
  to.integer(20, ATTRIBUTE_TYPE[attribute.type])
}

function writeTensor(to: Sink, tensor: TensorProto): void {
  checkTensor(tensor)
  to.integers(1, tensor.dims)
  to.integer(2, tensor.dataType)
  to.string(8, tensor.name)
  if (tensor.rawData !== undefined) to.bytes(9, tensor.rawData)
  if (tensor.external !== undefined) {
    const { location, offset, length } = tensor.external
    writeEntry(to, 13, { key: 'location', value: location })
    writeEntry(to, 13, { key: 'offset', value: String(offset) })
    writeEntry(to, 13, { key: 'length', value: String(length) })
    to.integer(14, 1)
  }
}

function checkTensor(tensor: TensorProto): void {
  const { name, dims, dataType, rawData, external } = tensor
  const fail = (what: string): never => {
    throw new HeddleError('graph-invalid', `onnx model: tensor ${JSON.stringify(name)} ${what}`, { path: name })
  }
  if ((rawData === undefined) === (external === undefined)) fail('needs either raw data or external data')
  const width = bytesPerElement(dataType)
  if (width === undefined) return fail(`has the unknown data type ${dataType}`)
  const expected = dims.reduce((product, dim) => product * dim, width)
  const length = rawData?.length ?? external?.length
  if (length !== expected) fail(`has ${length} bytes, but its dims [${dims.join(', ')}] need ${expected}`)
}

function writeValueInfo(to: Sink, value: ValueInfoProto): void {
  to.string(1, value.name)
  const { dataType, shape } = value
  if (dataType === undefined) return
  const writeDimension = (dim: number | string): void => {
    if (typeof dim === 'number') to.integer(1, dim)
    else optionalString(to, 2, dim)
  }
  const writeShape = (): void => {
    for (const dim of shape ?? []) to.message(1, () => writeDimension(dim))
  }
  to.message(2, () => {
    to.message(1, () => {
      to.integer(1, dataType)
      if (shape !== undefined) to.message(2, writeShape)
    })
  })
}

function writeEntry(to: Sink, field: number, entry: StringStringEntry): void {
  to.message(field, () => {
    to.string(1, entry.key)
    to.string(2, entry.value)
  })
}

function optionalString(to: Sink, field: number, value: string | undefined): void {
  if (value !== undefined && value !== '') to.string(field, value)
}
