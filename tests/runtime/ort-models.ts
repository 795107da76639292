// Small ONNX models for the tests of the runtime, written with our own encoder.

import { encodeModel } from '#core/onnx/encode.ts'
import { DATA_TYPE } from '#core/onnx/proto.ts'
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '#core/onnx/proto.ts'

export const value = (
  name: string,
  shape: readonly (number | string)[],
  dataType: number = DATA_TYPE.float,
): ValueInfoProto => ({
  name,
  dataType,
  shape,
})

export const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: readonly AttributeProto[],
  domain?: string,
): NodeProto => ({ opType, inputs, outputs, name: `${opType}:${outputs[0]}`, attributes, domain })

export const constant = (name: string, dims: readonly number[], values: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: DATA_TYPE.float,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
})

export function modelOf(graph: Omit<GraphProto, 'name'>): ModelProto {
  return {
    irVersion: 10,
    opsetImport: [
      { domain: '', version: 21 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: { name: 'test', ...graph },
  }
}

/** y = a x b + c with fixed sizes. */
export function affine(rows: number, inner: number, columns: number): Uint8Array {
  return encodeModel(
    modelOf({
      inputs: [value('a', [rows, inner]), value('b', [inner, columns]), value('c', [columns])],
      outputs: [value('y', [rows, columns])],
      nodes: [node('MatMul', ['a', 'b'], ['ab']), node('Add', ['ab', 'c'], ['y'])],
    }),
  )
}

/** `count` values of one shape, each increased by one: y0 = x0 + 1, y1 = x1 + 1 ... */
export function increments(count: number, shape: readonly number[]): Uint8Array {
  const names = Array.from({ length: count }, (_, i) => i)
  return encodeModel(
    modelOf({
      inputs: names.map((i) => value(`x${i}`, shape)),
      outputs: names.map((i) => value(`y${i}`, shape)),
      nodes: names.map((i) => node('Add', [`x${i}`, 'one'], [`y${i}`])),
      initializers: [constant('one', [], [1])],
    }),
  )
}

/** A chain of `depth` products of square matrices, long enough to be interrupted. */
export function matmulChain(size: number, depth: number): Uint8Array {
  const steps = Array.from({ length: depth }, (_, i) => i)
  return encodeModel(
    modelOf({
      inputs: [value('x', [size, size]), value('w', [size, size])],
      outputs: [value(`h${depth - 1}`, [size, size])],
      nodes: steps.map((i) => node('MatMul', [i === 0 ? 'x' : `h${i - 1}`, 'w'], [`h${i}`])),
    }),
  )
}

/** One Identity node for an element type, with a free first dimension. */
export function identity(dataType: number, shape: readonly (number | string)[]): Uint8Array {
  return encodeModel(
    modelOf({
      inputs: [value('x', shape, dataType)],
      outputs: [value('y', shape, dataType)],
      nodes: [node('Identity', ['x'], ['y'])],
    }),
  )
}
