// TensorProto from bytes: whatever field a writer chose for the elements, the result has them as raw little-endian bytes.

import { bytesPerElement, DATA_TYPE } from './proto.ts'
import type { ExternalData, StringStringEntry, TensorProto } from './proto.ts'
import { invalid } from './reader.ts'
import type { Reader } from './reader.ts'

/** Reads a TensorProto; throws HeddleError `file-invalid` when its bytes do not fit its type and dims. */
export function readTensor(reader: Reader): TensorProto {
  let name = ''
  let dataType = 0
  let rawData: Uint8Array | undefined
  let isExternal = false
  const dims: (number | bigint)[] = []
  const entries: StringStringEntry[] = []
  const integers: (number | bigint)[] = []
  const reals: number[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        reader.integersInto(dims)
        break
      case 2:
        dataType = reader.safeInteger()
        break
      case 3:
        throw invalid(`tensor ${JSON.stringify(name)} is stored in segments, which are not supported`)
      case 4:
        reader.floatsInto(reals)
        break
      case 5:
      case 7:
      case 11:
        reader.integersInto(integers)
        break
      case 6:
        throw invalid(`tensor ${JSON.stringify(name)} holds strings, which are not supported`)
      case 8:
        name = reader.string()
        break
      case 9:
        rawData = reader.bytes()
        break
      case 10:
        reader.doublesInto(reals)
        break
      case 13:
        entries.push(readEntry(reader.message()))
        break
      case 14:
        isExternal = reader.safeInteger() === 1
        break
      default:
        reader.skip()
    }
  }
  const label = `tensor ${JSON.stringify(name)}`
  const width = bytesPerElement(dataType)
  if (width === undefined) throw invalid(`${label} has the data type ${dataType}, which is not supported`)
  const shape = dims.map((dim) => {
    if (typeof dim === 'bigint' || dim < 0) throw invalid(`${label} has the dimension ${dim}`)
    return dim
  })
  const size = shape.reduce((product, dim) => product * dim, width)
  if (!Number.isSafeInteger(size)) throw invalid(`${label} has the dims [${shape.join(', ')}], which overflow`)
  const base = { name, dataType, dims: shape }
  if (isExternal) {
    const external = readExternal(entries, label, size)
    return { ...base, external }
  }
  const data = rawData ?? (integers.length > 0 ? packIntegers(integers, dataType) : packReals(reals, dataType))
  if (data.length !== size)
    throw invalid(`${label} has ${data.length} bytes, but its dims [${shape.join(', ')}] need ${size}`)
  return { ...base, rawData: data }
}

function readExternal(entries: readonly StringStringEntry[], label: string, size: number): ExternalData {
  const values = new Map(entries.map(({ key, value }) => [key, value]))
  const count = (key: string, missing: number): number => {
    const text = values.get(key)
    if (text === undefined) return missing
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (!Number.isSafeInteger(value)) throw invalid(`${label} has the external ${key} ${JSON.stringify(text)}`)
    return value
  }
  const location = values.get('location')
  if (location === undefined || location === '') throw invalid(`${label} is external but names no file`)
  const external = { location, offset: count('offset', 0), length: count('length', size) }
  if (external.length !== size)
    throw invalid(`${label} has ${external.length} external bytes, but its dims need ${size}`)
  return external
}

/** Elements of `int32_data`, `int64_data` and `uint64_data`; 16-bit floats are stored there as their bits. */
function packIntegers(values: readonly (number | bigint)[], dataType: number): Uint8Array {
  const wide: ReadonlySet<number> = new Set([DATA_TYPE.int64, DATA_TYPE.uint64])
  if (wide.has(dataType)) return new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
  const numbers = values.map(Number)
  const width = bytesPerElement(dataType)
  if (dataType === DATA_TYPE.float || dataType === DATA_TYPE.double || width === undefined) {
    throw invalid(`a tensor of data type ${dataType} stores its elements as integers`)
  }
  if (width === 1) return Uint8Array.from(numbers)
  return new Uint8Array(width === 2 ? Uint16Array.from(numbers).buffer : Uint32Array.from(numbers).buffer)
}

/** Elements of `float_data` and `double_data`. */
function packReals(values: readonly number[], dataType: number): Uint8Array {
  if (values.length === 0) return new Uint8Array(0)
  if (dataType === DATA_TYPE.float) return new Uint8Array(Float32Array.from(values).buffer)
  if (dataType === DATA_TYPE.double) return new Uint8Array(Float64Array.from(values).buffer)
  throw invalid(`a tensor of data type ${dataType} stores its elements as reals`)
}

/** Reads a StringStringEntryProto. */
export function readEntry(reader: Reader): StringStringEntry {
  const entry = { key: '', value: '' }
  while (reader.next()) {
    if (reader.field === 1) entry.key = reader.string()
    else if (reader.field === 2) entry.value = reader.string()
    else reader.skip()
  }
  return entry
}
