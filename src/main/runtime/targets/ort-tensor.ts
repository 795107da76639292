// Element types and shapes between JavaScript's typed arrays and ONNX Runtime.

import { HeddleError } from '#core/errors.ts'

/** Typed arrays that a tensor may lie in; 16-bit floats are passed as their bits. */
export type OrtArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Int8Array
  | Int16Array
  | Uint32Array
  | BigUint64Array

/** Element types, in the names of the graph where it has them. */
export type OrtDtype =
  'f32' | 'f64' | 'i32' | 'i64' | 'bool' | 'u8' | 'f16' | 'bf16' | 'i8' | 'i16' | 'u16' | 'u32' | 'u64'

/** Elements in row-major order and their shape; the element type is the one that the model declares. */
export interface OrtTensor<A extends OrtArray = OrtArray> {
  readonly data: A
  readonly shape: readonly number[]
}

/** An input or output of a model; a dimension is a number, a name for a symbolic size, or '' for an unknown one. */
export interface OrtValueInfo {
  readonly name: string
  readonly dtype: OrtDtype
  readonly shape: readonly (number | string)[]
}

interface Element {
  /** ONNXTensorElementDataType. */
  readonly code: number
  readonly array: new (length: number) => OrtArray
}

const ELEMENTS: Readonly<Record<OrtDtype, Element>> = {
  f32: { code: 1, array: Float32Array },
  u8: { code: 2, array: Uint8Array },
  i8: { code: 3, array: Int8Array },
  u16: { code: 4, array: Uint16Array },
  i16: { code: 5, array: Int16Array },
  i32: { code: 6, array: Int32Array },
  i64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  f16: { code: 10, array: Uint16Array },
  f64: { code: 11, array: Float64Array },
  u32: { code: 12, array: Uint32Array },
  u64: { code: 13, array: BigUint64Array },
  bf16: { code: 16, array: Uint16Array },
}

const DTYPES: ReadonlyMap<number, OrtDtype> = new Map(
  Object.entries(ELEMENTS).map(([dtype, { code }]) => [code, dtype as OrtDtype]),
)

/** ONNX Runtime's number of an element type. */
export const elementCode = (dtype: OrtDtype): number => ELEMENTS[dtype].code

/** The element type of ONNX Runtime's number, if a typed array can hold it. */
export const dtypeOfCode = (code: number): OrtDtype | undefined => DTYPES.get(code)

/** An array of zeros for a number of elements. */
export const newArray = (dtype: OrtDtype, length: number): OrtArray => new ELEMENTS[dtype].array(length)

/**
 * Checks that a tensor may stand for a value of a model.
 * @throws HeddleError `target-failed` naming the value when array type, length or shape do not fit
 */
export function checkTensor(info: OrtValueInfo, tensor: OrtTensor): void {
  const { name, dtype, shape: declared } = info
  const { data, shape } = tensor
  const fail = (what: string): never => {
    throw new HeddleError('target-failed', `onnx runtime: value ${JSON.stringify(name)} ${what}`, { path: name })
  }
  const expected = ELEMENTS[dtype].array
  if (!(data instanceof expected)) {
    fail(`is ${dtype} and needs a ${expected.name}, got ${(data as object | undefined)?.constructor.name ?? 'nothing'}`)
  }
  if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) fail(`has the shape [${shape.join(', ')}]`)
  if (shape.length !== declared.length || declared.some((dim, i) => typeof dim === 'number' && dim !== shape[i])) {
    fail(
      `has the shape [${shape.join(', ')}], but the model declares [${declared.map((dim) => dim || '?').join(', ')}]`,
    )
  }
  const size = shape.reduce((product, dim) => product * dim, 1)
  if (data.length !== size) fail(`has ${data.length} elements, but its shape [${shape.join(', ')}] needs ${size}`)
  const buffer = data.buffer
  if (buffer instanceof ArrayBuffer ? buffer.resizable : buffer.growable)
    fail('lies in a resizable buffer, whose memory may move')
}
