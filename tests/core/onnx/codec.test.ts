import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf'
import type * as oracle from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { decodeModel } from '#core/onnx/decode.ts'
import { encodeModel, encodeModelExternal } from '#core/onnx/encode.ts'
import { DATA_TYPE } from '#core/onnx/proto.ts'
import type { AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto } from '#core/onnx/proto.ts'
import { model as anyModel } from './arbitrary.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const small: ModelProto = {
  irVersion: 10,
  opsetImport: [{ domain: '', version: 21 }],
  graph: {
    name: 'g',
    nodes: [{ opType: 'Add', inputs: ['x', 'c'], outputs: ['y'], name: 'add' }],
    inputs: [{ name: 'x', dataType: DATA_TYPE.float, shape: [2, 'n'] }],
    outputs: [{ name: 'y', dataType: DATA_TYPE.float, shape: [] }],
    initializers: [{ name: 'c', dataType: DATA_TYPE.float, dims: [2, 1], rawData: new Uint8Array(8).fill(7) }],
  },
}

/** Compares our objects with the independent reader's view of our bytes, field by field. */
function expectSameModel(ours: ModelProto, theirs: oracle.ModelProto): void {
  expect(theirs.irVersion).toBe(BigInt(ours.irVersion))
  expect(theirs.opsetImport.map((o) => ({ domain: o.domain, version: Number(o.version) }))).toEqual(ours.opsetImport)
  expect(theirs.producerName).toBe(ours.producerName ?? '')
  expect(theirs.producerVersion).toBe(ours.producerVersion ?? '')
  expect(theirs.docString).toBe(ours.docString ?? '')
  expect(theirs.metadataProps.map(({ key, value }) => ({ key, value }))).toEqual(ours.metadataProps ?? [])
  expectSameGraph(ours.graph, theirs.graph!)
}

function expectSameGraph(ours: GraphProto, theirs: oracle.GraphProto): void {
  expect(theirs.name).toBe(ours.name)
  expect(theirs.docString).toBe(ours.docString ?? '')
  const lists = [
    [ours.inputs, theirs.input],
    [ours.outputs, theirs.output],
    [ours.valueInfo ?? [], theirs.valueInfo],
  ] as const
  for (const [mine, other] of lists) expect(other.map(plainValueInfo)).toEqual(mine)
  expect(theirs.initializer.map(plainTensor)).toEqual(ours.initializers ?? [])
  expect(theirs.node.length).toBe(ours.nodes.length)
  for (const [i, node] of ours.nodes.entries()) {
    const other = theirs.node[i]!
    expect([other.opType, other.name, other.domain, other.docString]).toEqual([
      node.opType,
      node.name ?? '',
      node.domain ?? '',
      node.docString ?? '',
    ])
    expect([other.input, other.output]).toEqual([node.inputs, node.outputs])
    expect(other.attribute.length).toBe(node.attributes?.length ?? 0)
    for (const [k, attribute] of (node.attributes ?? []).entries()) expectSameAttribute(attribute, other.attribute[k]!)
  }
}

function expectSameAttribute(ours: AttributeProto, theirs: oracle.AttributeProto): void {
  expect(theirs.name).toBe(ours.name)
  const types = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8 }
  expect(theirs.type).toBe(types[ours.type])
  switch (ours.type) {
    case 'f':
      return expect(theirs.f).toBe(ours.value)
    case 'i':
      return expect(theirs.i).toBe(BigInt(ours.value))
    case 's':
      return expect(utf8.decode(theirs.s)).toBe(ours.value)
    case 't':
      return expect(plainTensor(theirs.t!)).toEqual(ours.value)
    case 'g':
      return expectSameGraph(ours.value, theirs.g!)
    case 'floats':
      return expect(theirs.floats).toEqual(ours.value)
    case 'ints':
      return expect(theirs.ints).toEqual(ours.value.map(BigInt))
    case 'strings':
      return expect(theirs.strings.map((s) => utf8.decode(s))).toEqual(ours.value)
  }
}

function plainTensor(t: oracle.TensorProto): TensorProto {
  const base = { name: t.name, dataType: t.dataType, dims: t.dims.map(Number) }
  if (t.dataLocation !== 1) return { ...base, rawData: t.rawData }
  const entries = Object.fromEntries(t.externalData.map(({ key, value }) => [key, value]))
  return {
    ...base,
    external: { location: entries['location']!, offset: Number(entries['offset']), length: Number(entries['length']) },
  }
}

function plainValueInfo(v: oracle.ValueInfoProto): ValueInfoProto {
  if (v.type?.value.case !== 'tensorType') return { name: v.name }
  const { elemType, shape } = v.type.value.value
  if (shape === undefined) return { name: v.name, dataType: elemType }
  const dims = shape.dim.map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : value.case === 'dimParam' ? value.value : '',
  )
  return { name: v.name, dataType: elemType, shape: dims }
}

function expectInvalid(bytes: Uint8Array, message?: RegExp): void {
  let caught: unknown
  try {
    decodeModel(bytes)
  } catch (error) {
    caught = error
  }
  expect(caught).toBeInstanceOf(HeddleError)
  expect((caught as HeddleError).code).toBe('file-invalid')
  if (message !== undefined) expect((caught as HeddleError).message).toMatch(message)
}

const theirModel = (graph: oracle.GraphProto): Uint8Array =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 10n, graph }))

const theirTensor = (fields: Parameters<typeof create<typeof TensorProtoSchema>>[1]): Uint8Array =>
  theirModel(create(GraphProtoSchema, { initializer: [create(TensorProtoSchema, fields!)] }))

describe('encodeModel and decodeModel', () => {
  it('round-trip any model', () => {
    fc.assert(
      fc.property(anyModel, (m) => void expect(decodeModel(encodeModel(m))).toEqual(m)),
      { numRuns: 300 },
    )
  })

  it('write what an independent reader reads', () => {
    fc.assert(
      fc.property(anyModel, (m) => expectSameModel(m, fromBinary(ModelProtoSchema, encodeModel(m)))),
      { numRuns: 300 },
    )
  })

  it('read what an independent writer writes', () => {
    fc.assert(
      fc.property(anyModel, (m) => {
        const theirs = toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, encodeModel(m)))
        expect(decodeModel(theirs)).toEqual(m)
      }),
      { numRuns: 300 },
    )
  })

  it('keep explicit zeros and empty names', () => {
    const node = {
      opType: 'Clip',
      inputs: ['x', '', 'max'],
      outputs: [''],
      attributes: [
        { name: 'a', type: 'i', value: 0 },
        { name: 'b', type: 'f', value: 0 },
        { name: 'c', type: 'ints', value: [] },
      ],
    } as const
    const m: ModelProto = { ...small, graph: { ...small.graph, nodes: [node] } }
    expect(decodeModel(encodeModel(m))).toEqual(m)
  })

  it('read elements from every typed field', () => {
    const cases: [Parameters<typeof theirTensor>[0], ArrayBufferLike][] = [
      [{ dataType: 1, dims: [2n], floatData: [1.5, -2] }, Float32Array.of(1.5, -2).buffer],
      [{ dataType: 11, dims: [2n], doubleData: [1.5, -2] }, Float64Array.of(1.5, -2).buffer],
      [{ dataType: 6, dims: [3n], int32Data: [1, -2, 3] }, Int32Array.of(1, -2, 3).buffer],
      [{ dataType: 3, dims: [2n], int32Data: [1, -2] }, Int8Array.of(1, -2).buffer],
      [{ dataType: 9, dims: [2n], int32Data: [1, 0] }, Uint8Array.of(1, 0).buffer],
      [{ dataType: 10, dims: [1n], int32Data: [0x3c00] }, Uint16Array.of(0x3c00).buffer],
      [{ dataType: 7, dims: [2n], int64Data: [-5n, 2n ** 62n] }, BigInt64Array.of(-5n, 2n ** 62n).buffer],
      [{ dataType: 13, dims: [1n], uint64Data: [2n ** 64n - 1n] }, BigUint64Array.of(2n ** 64n - 1n).buffer],
      [{ dataType: 12, dims: [1n], uint64Data: [2n ** 32n - 1n] }, Uint32Array.of(2 ** 32 - 1).buffer],
      [{ dataType: 1, dims: [0n] }, new ArrayBuffer(0)],
    ]
    for (const [fields, expected] of cases) {
      const data = decodeModel(theirTensor(fields)).graph.initializers![0]!.rawData!
      expect([...data]).toEqual([...new Uint8Array(expected)])
    }
  })

  it('do not copy tensor data when decoding', () => {
    const bytes = encodeModel(small)
    expect(decodeModel(bytes).graph.initializers![0]!.rawData!.buffer).toBe(bytes.buffer)
  })

  it('refuse tensors whose data does not fit', () => {
    const tensor = { name: 'w', dataType: 1, dims: [3], rawData: new Uint8Array(8) }
    const broken: ModelProto = { ...small, graph: { ...small.graph, initializers: [tensor] } }
    expect(() => encodeModel(broken)).toThrow(/tensor "w" has 8 bytes, but its dims \[3\] need 12/)
    expectInvalid(theirTensor({ name: 'w', dataType: 1, dims: [3n], rawData: new Uint8Array(8) }), /"w" has 8 bytes/)
    expectInvalid(theirTensor({ name: 'w', dataType: 1, dims: [-1n] }), /dimension -1/)
    expectInvalid(theirTensor({ name: 'w', dataType: 1, dims: [2n ** 40n, 2n ** 40n] }), /overflow/)
    expectInvalid(theirTensor({ name: 'w', dataType: 8, dims: [1n], stringData: [Uint8Array.of(1)] }), /strings/)
    expectInvalid(theirTensor({ name: 'w', dataType: 1, dims: [1n], int32Data: [1] }), /as integers/)
    const external = [
      { key: 'location', value: 'w.bin' },
      { key: 'offset', value: '-4' },
    ].map((e) => ({ ...e, $typeName: 'onnx.StringStringEntryProto' as const }))
    expectInvalid(
      theirTensor({ name: 'w', dataType: 1, dims: [1n], dataLocation: 1, externalData: external }),
      /external offset "-4"/,
    )
  })
})

describe('encodeModelExternal', () => {
  const weight = (name: string, count: number, fill: number): TensorProto => ({
    name,
    dataType: DATA_TYPE.float,
    dims: [count],
    rawData: new Uint8Array(count * 4).fill(fill),
  })
  const body: GraphProto = { name: 'body', nodes: [], inputs: [], outputs: [], initializers: [weight('inner', 50, 3)] }
  const model: ModelProto = {
    ...small,
    graph: {
      ...small.graph,
      nodes: [{ opType: 'Loop', inputs: [], outputs: [], attributes: [{ name: 'body', type: 'g', value: body }] }],
      initializers: [weight('a', 100, 1), weight('small', 2, 9), weight('b', 33, 2)],
    },
  }

  it.each([64, 4096] as const)('moves large tensors to offsets aligned to %i bytes', (alignment) => {
    const result = encodeModelExternal(model, { threshold: 100, fileName: 'm.bin', alignment })
    const file = Buffer.concat([...result.external])
    const decoded = decodeModel(result.model)
    expectSameModel(decoded, fromBinary(ModelProtoSchema, result.model))
    const inner = decoded.graph.nodes[0]!.attributes![0]!
    const all = [...decoded.graph.initializers!, ...(inner.type === 'g' ? inner.value.initializers! : [])]
    expect(all.map((t) => t.name)).toEqual(['a', 'small', 'b', 'inner'])
    expect(all[1]!.external).toBeUndefined()
    for (const [name, fill] of [
      ['a', 1],
      ['b', 2],
      ['inner', 3],
    ] as const) {
      const { external, dims } = all.find((t) => t.name === name)!
      expect(external!.location).toBe('m.bin')
      expect(external!.offset % alignment).toBe(0)
      expect([...file.subarray(external!.offset, external!.offset + external!.length)]).toEqual(
        Array(dims[0]! * 4).fill(fill),
      )
    }
  })

  it('does not copy tensors', () => {
    const { external } = encodeModelExternal(model, { threshold: 100, fileName: 'm.bin' })
    expect([...external]).toContain(model.graph.initializers![0]!.rawData)
  })
})

describe('decodeModel on hostile bytes', () => {
  const sample = fc.sample(anyModel, { numRuns: 60, seed: 5 }).map((m) => encodeModel(m))

  it('refuses every truncation or reads a prefix of whole fields', () => {
    const bytes = encodeModel(small)
    for (let end = 0; end < bytes.length; end++) expectInvalidOrModel(bytes.subarray(0, end))
    expectInvalid(bytes.subarray(0, 0), /ir version is missing/)
    expectInvalid(bytes.subarray(0, bytes.length - 3))
  })

  it('never throws anything but file-invalid for mutated bytes', () => {
    const mutation = fc.record({ position: fc.nat(), value: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(
        fc.constantFrom(...sample),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (bytes, mutations) => {
          const copy = bytes.slice()
          for (const { position, value } of mutations) copy[position % copy.length] = value
          expectInvalidOrModel(copy)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('never throws anything but file-invalid for random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), expectInvalidOrModel), { numRuns: 3000 })
  })

  it('refuses lying lengths, bad tags, endless varints and deep nesting', () => {
    expectInvalid(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x07), /announced/)
    expectInvalid(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), /length -1/)
    expectInvalid(Uint8Array.of(0x08, ...Array<number>(12).fill(0x80)), /longer than ten bytes/)
    expectInvalid(Uint8Array.of(0x00, 0x00), /number 0/)
    expectInvalid(Uint8Array.of(0x0b), /wire type/)
    expectInvalid(Uint8Array.of(0x0a, 0x00), /wire type 2, expected 0/)
    expectInvalid(Uint8Array.of(0x12, 0x02, 0xc0, 0x80), /utf-8/)
    let graph = create(GraphProtoSchema, {})
    for (let i = 0; i < 60; i++) {
      const attribute = create(AttributeProtoSchema, { name: 'body', type: 5, g: graph })
      graph = create(GraphProtoSchema, { node: [{ opType: 'Loop', attribute: [attribute] }] })
    }
    expectInvalid(theirModel(graph), /nested more than 100/)
  })

  it('skips fields it does not know', () => {
    const extra = [0x9a, 0x06, 0x02, 1, 2, 0xa0, 0x06, 5, 0xad, 0x06, 1, 2, 3, 4, 0xb1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]
    expect(decodeModel(Uint8Array.of(...encodeModel(small), ...extra))).toEqual(small)
  })

  function expectInvalidOrModel(bytes: Uint8Array): void {
    try {
      decodeModel(bytes)
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== 'file-invalid') throw error
    }
  }
})
