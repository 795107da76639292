// The part of the ONNX format that Heddle writes and reads, as plain objects. Names follow onnx.proto in camel case with
// plural lists. Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers stand in encode.ts and decode.ts).

/** ONNX's numbers for element types (TensorProto.DataType), limited to the types with whole bytes per element. */
export const DATA_TYPE = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const

const BYTES: ReadonlyMap<number, number> = new Map([
  [1, 4],
  [2, 1],
  [3, 1],
  [4, 2],
  [5, 2],
  [6, 4],
  [7, 8],
  [9, 1],
  [10, 2],
  [11, 8],
  [12, 4],
  [13, 8],
  [16, 2],
])

/** Bytes per element of an ONNX data type; `undefined` for strings, packed and unknown types. */
export function bytesPerElement(dataType: number): number | undefined {
  return BYTES.get(dataType)
}

export interface ModelProto {
  readonly irVersion: number
  readonly opsetImport: readonly OperatorSetId[]
  readonly graph: GraphProto
  readonly producerName?: string | undefined
  readonly producerVersion?: string | undefined
  readonly docString?: string | undefined
  readonly metadataProps?: readonly StringStringEntry[] | undefined
}

/** A version of an operator set; the domain of the standard operators is the empty string. */
export interface OperatorSetId {
  readonly domain: string
  readonly version: number
}

export interface StringStringEntry {
  readonly key: string
  readonly value: string
}

/** A graph, or the body of a Loop, Scan or If node. */
export interface GraphProto {
  readonly name: string
  readonly nodes: readonly NodeProto[]
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
  readonly initializers?: readonly TensorProto[] | undefined
  readonly valueInfo?: readonly ValueInfoProto[] | undefined
  readonly docString?: string | undefined
}

/** One application of an operator; an omitted optional input or output is the empty string. */
export interface NodeProto {
  readonly opType: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly name?: string | undefined
  readonly domain?: string | undefined
  readonly attributes?: readonly AttributeProto[] | undefined
  readonly docString?: string | undefined
}

/** An attribute; `type` is the name of the protobuf field that carries the value. */
export type AttributeProto = { readonly name: string } & (
  | { readonly type: 'f'; readonly value: number }
  | { readonly type: 'i'; readonly value: number | bigint }
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 't'; readonly value: TensorProto }
  | { readonly type: 'g'; readonly value: GraphProto }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
)

/** A constant: little-endian elements in row-major order in `rawData`, or in a file beside the model. */
export interface TensorProto {
  readonly name: string
  readonly dataType: number
  readonly dims: readonly number[]
  readonly rawData?: Uint8Array | undefined
  readonly external?: ExternalData | undefined
}

/** Where the bytes of a tensor lie in another file; `location` is a path relative to the model's folder. */
export interface ExternalData {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/**
 * The name and tensor type of a value. A dimension is a number, the name of a symbolic size, or '' for an unknown size;
 * an absent `shape` is an unknown rank, an absent `dataType` an unknown type (allowed for outputs of loop bodies).
 */
export interface ValueInfoProto {
  readonly name: string
  readonly dataType?: number | undefined
  readonly shape?: readonly (number | string)[] | undefined
}
