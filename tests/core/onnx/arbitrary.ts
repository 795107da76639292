// Random models in the normal form that decodeModel returns: absent rather than empty optional fields.

import fc from 'fast-check'
import { bytesPerElement, DATA_TYPE } from '#core/onnx/proto.ts'
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '#core/onnx/proto.ts'

const text = fc.string({ unit: 'binary', maxLength: 12 })
const label = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const float = fc.float({ noNaN: true })
const int64 = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
)

const dims = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
const dataType = fc.constantFrom(...Object.values(DATA_TYPE))

export const tensor: fc.Arbitrary<TensorProto> = fc.tuple(text, dataType, dims).chain(([name, type, shape]) => {
  const size = shape.reduce((a, b) => a * b, bytesPerElement(type)!)
  const external = fc.record({ location: label, offset: fc.maxSafeInteger().map(Math.abs), length: fc.constant(size) })
  return fc.oneof(
    fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((rawData) => ({ name, dataType: type, dims: shape, rawData })),
    external.map((data) => ({ name, dataType: type, dims: shape, external: data })),
  )
})

const valueInfo: fc.Arbitrary<ValueInfoProto> = fc.oneof(
  fc.record({ name: text }),
  fc.record(
    { name: text, dataType, shape: fc.array(fc.oneof(fc.maxSafeInteger(), text), { maxLength: 4 }) },
    { requiredKeys: ['name', 'dataType'] },
  ),
)

const graphs = fc.letrec<{ graph: GraphProto; node: NodeProto; attribute: AttributeProto }>((tie) => ({
  attribute: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ name: text, type: fc.constant('f' as const), value: float }),
    fc.record({ name: text, type: fc.constant('i' as const), value: int64 }),
    fc.record({ name: text, type: fc.constant('s' as const), value: text }),
    fc.record({ name: text, type: fc.constant('t' as const), value: tensor }),
    fc.record({ name: text, type: fc.constant('floats' as const), value: fc.array(float, { maxLength: 5 }) }),
    fc.record({ name: text, type: fc.constant('ints' as const), value: fc.array(int64, { maxLength: 5 }) }),
    fc.record({ name: text, type: fc.constant('strings' as const), value: fc.array(text, { maxLength: 3 }) }),
    fc.record({ name: text, type: fc.constant('g' as const), value: tie('graph') }),
  ),
  node: fc.record(
    {
      opType: label,
      inputs: fc.array(text, { maxLength: 3 }),
      outputs: fc.array(text, { maxLength: 3 }),
      name: label,
      domain: label,
      docString: label,
      attributes: fc.array(tie('attribute'), { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ['opType', 'inputs', 'outputs'] },
  ),
  graph: fc.record(
    {
      name: text,
      nodes: fc.array(tie('node'), { maxLength: 4 }),
      inputs: fc.array(valueInfo, { maxLength: 3 }),
      outputs: fc.array(valueInfo, { maxLength: 3 }),
      initializers: fc.array(tensor, { minLength: 1, maxLength: 3 }),
      valueInfo: fc.array(valueInfo, { minLength: 1, maxLength: 3 }),
      docString: label,
    },
    { requiredKeys: ['name', 'nodes', 'inputs', 'outputs'] },
  ),
}))

export const model: fc.Arbitrary<ModelProto> = fc.record(
  {
    irVersion: fc.integer({ min: 1, max: 13 }),
    opsetImport: fc.array(fc.record({ domain: text, version: fc.integer({ min: 1, max: 30 }) }), { maxLength: 2 }),
    graph: graphs.graph,
    producerName: label,
    producerVersion: label,
    docString: label,
    metadataProps: fc.array(fc.record({ key: text, value: text }), { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['irVersion', 'opsetImport', 'graph'] },
)
