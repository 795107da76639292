import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '#core/half.ts'
import { duplicateKey } from '#core/model/duplicate-key.ts'
import { decodeSafetensors, encodeSafetensors } from '#core/model/safetensors.ts'
import type { SafetensorsTensor } from '#core/model/safetensors.ts'

const root = join(import.meta.dirname, '../../..')
const golden = [join(root, '../shared/golden'), join(root, 'tests/golden/vectors')].find((folder) => existsSync(folder))

/** A file with the given header text and data length, whatever they promise. */
function fileOf(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

function errorOf(action: () => unknown): HeddleError {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(HeddleError)
    return error as HeddleError
  }
  throw new Error('expected an error')
}

const concat = (chunks: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks))

const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] })

describe('safetensors round trip', () => {
  const tensors: SafetensorsTensor[] = [
    { name: 'flag', dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
    { name: 'half', dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
    { name: 'brain', dtype: 'BF16', shape: [1, 2], data: Uint16Array.of(0x3f80, 0xc040) },
    { name: 'größe.ω', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2, Infinity, 1e-40) },
    { name: 'double', dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) },
    { name: 'ids', dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { name: 'count', dtype: 'I32', shape: [1], data: Int32Array.of(-7) },
    { name: 'bytes', dtype: 'U8', shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
    { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
  ]

  it('keeps every dtype, shape and value, and the metadata', () => {
    const file = decodeSafetensors(concat(encodeSafetensors(tensors, { format: 'pt', note: 'a "b"' })))
    expect(Object.fromEntries(file.metadata)).toEqual({ format: 'pt', note: 'a "b"' })
    expect([...file.tensors.keys()].sort()).toEqual(tensors.map((t) => t.name).sort())
    for (const { name, dtype, shape, data } of tensors) {
      expect(file.tensors.get(name)).toMatchObject({ name, dtype, shape })
      expect(file.read(name)).toEqual(data)
    }
  })

  it('aligns every tensor to its element size and does not depend on the order given', () => {
    const bytes = concat(encodeSafetensors(tensors))
    expect(concat(encodeSafetensors([...tensors].reverse()))).toEqual(bytes)
    const file = decodeSafetensors(bytes)
    for (const { name, data } of tensors) {
      expect(file.tensors.get(name)!.offset % ((data as Uint8Array).BYTES_PER_ELEMENT ?? 1)).toBe(0)
      if (data.byteLength > 0) expect(file.read(name).buffer).toBe(bytes.buffer)
    }
  })

  it('copies nothing on encoding', () => {
    const chunks = encodeSafetensors(tensors)
    expect(chunks.some((chunk) => chunk.buffer === tensors[3]!.data.buffer)).toBe(true)
  })

  it('reads tensors at any alignment of the source', () => {
    const bytes = concat(encodeSafetensors(tensors))
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    const file = decodeSafetensors(shifted.subarray(3))
    for (const { name, data } of tensors) expect(file.read(name)).toEqual(data)
  })

  it('round-trips any names, shapes and metadata', () => {
    const name = fc
      .string({ unit: 'binary', maxLength: 10 })
      .filter((n) => !['__metadata__', '__proto__', 'constructor', 'prototype'].includes(n))
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })
    const list = fc.uniqueArray(fc.tuple(name, shape), { selector: ([n]) => n, maxLength: 6 })
    fc.assert(
      fc.property(list, fc.dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 3 }), (items, metadata) => {
        const given = items.map(([n, s], i): SafetensorsTensor => {
          const size = s.reduce((a, b) => a * b, 1)
          return { name: n, dtype: 'F32', shape: s, data: new Float32Array(size).fill(i) }
        })
        const file = decodeSafetensors(concat(encodeSafetensors(given, metadata)))
        expect(Object.fromEntries(file.metadata)).toEqual({ ...metadata })
        for (const t of given) expect(file.read(t.name)).toEqual(t.data)
      }),
    )
  })

  it('reads only what is asked for', () => {
    const bytes = concat(encodeSafetensors(tensors))
    const reads: [number, number][] = []
    const file = decodeSafetensors({
      size: bytes.length,
      read: (offset, length) => {
        reads.push([offset, length])
        return bytes.slice(offset, offset + length)
      },
    })
    const { offset, byteLength } = file.tensors.get('ids')!
    expect(reads.length).toBe(2)
    file.read('ids')
    expect(reads.slice(2)).toEqual([[offset, byteLength]])
  })

  it('refuses data that does not fit, and names that clash', () => {
    const tensor: SafetensorsTensor = { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array(3) }
    expect(errorOf(() => encodeSafetensors([tensor])).message).toBe(
      'safetensors: the tensor "w" has 12 bytes, but F32 [2] needs 8',
    )
    const good = { ...tensor, shape: [3] }
    expect(errorOf(() => encodeSafetensors([good, good])).message).toMatch(/"w" is given twice/)
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      expect(errorOf(() => encodeSafetensors([{ ...good, name }])).path).toBe(name)
    }
    expect(errorOf(() => encodeSafetensors([{ ...good, name: '__metadata__' }])).code).toBe('file-invalid')
    expect(errorOf(() => encodeSafetensors([{ ...good, shape: [-1, -3] }])).message).toMatch(/shape \[-1,-3\]/)
  })
})

describe('16-bit floats', () => {
  it('widens all f16 values as the platform does', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const platform = (globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => ArrayLike<number> }).Float16Array
    expect(platform).toBeDefined()
    expect(f16ToF32(bits)).toEqual(Float32Array.from(new platform!(bits.buffer)))
    expect(Object.is(f16ToF32(Uint16Array.of(0x8000))[0], -0)).toBe(true)
  })

  it('widens bf16 exactly', () => {
    const values = Float32Array.of(1, -2.5, 3.140625, Infinity, -0, 2 ** -130)
    const bits = Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16)
    expect(bf16ToF32(bits)).toEqual(values)
    expect(f32ToBf16(values)).toEqual(bits)
  })

  it('rounds to bf16, ties to even, and keeps what is no number', () => {
    const values = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, 3.4e38, NaN)
    expect(bf16ToF32(f32ToBf16(values))).toEqual(Float32Array.of(1, 1 + 2 ** -6, 1 + 2 ** -7, Infinity, NaN))
  })

  it('rounds to f16 and back: every finite number is kept, halves go to the even one, large ones are infinite', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter((i) => (i & 0x7c00) !== 0x7c00)
    expect(f32ToF16(f16ToF32(bits))).toEqual(bits)
    const values = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25, 2047.9, NaN)
    expect(f16ToF32(f32ToF16(values))).toEqual(Float32Array.of(1, 1 + 2 ** -9, 65504, Infinity, 0, 2 ** -23, 2048, NaN))
  })

  it('are converted on request, and integers are not', () => {
    const file = decodeSafetensors(
      concat(
        encodeSafetensors([
          { name: 'h', dtype: 'F16', shape: [2], data: Uint16Array.of(0x3555, 0x0001) },
          { name: 'b', dtype: 'BF16', shape: [1], data: Uint16Array.of(0xc040) },
          { name: 'd', dtype: 'F64', shape: [1], data: Float64Array.of(0.1) },
          { name: 'i', dtype: 'I32', shape: [1], data: Int32Array.of(1) },
        ]),
      ),
    )
    expect([...file.readFloats('h')]).toEqual([0.333251953125, 2 ** -24])
    expect([...file.readFloats('b')]).toEqual([-3])
    expect([...file.readFloats('d')]).toEqual([Math.fround(0.1)])
    expect(errorOf(() => file.readFloats('i')).message).toMatch(/"i" is I32, expected floats/)
    expect(errorOf(() => file.read('nope')).path).toBe('nope')
  })
})

describe('hostile safetensors', () => {
  const cases: [what: string, bytes: Uint8Array, message: RegExp, path?: string][] = [
    ['empty', new Uint8Array(0), /too few/],
    ['7 bytes', new Uint8Array(7), /too few/],
    ['a header longer than the file', fileOf('{}', 0, 3n), /announced/],
    ['a header of 2^63 bytes', fileOf('{}', 0, 2n ** 63n), /limit/],
    ['a header above 100 MB', fileOf('{}', 0, 100_000_001n), /limit of 100000000/],
    ['a header of no bytes', fileOf('', 0), /not a json object/],
    ['text that is not json', fileOf('{"a":'), /not valid json/],
    ['an array', fileOf('[]'), /not a json object/],
    ['bytes that are not utf-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /utf-8/],
    ['a number for a tensor', fileOf('{"w":3}'), /"w" is 3/, 'w'],
    ['null for a tensor', fileOf('{"w":null}'), /"w" is null/, 'w'],
    ['a bad dtype', fileOf(`{"w":${entry('F8', [1], 0, 1)}}`, 1), /"w" has the dtype "F8"/, 'w'],
    ['a dtype of the prototype', fileOf(`{"w":${entry('toString', [1], 0, 1)}}`, 1), /dtype "toString"/, 'w'],
    ['a missing shape', fileOf('{"w":{"dtype":"U8","data_offsets":[0,1]}}', 1), /"w" has the shape/, 'w'],
    ['a negative dimension', fileOf(`{"w":${entry('U8', [-1], 0, 1)}}`, 1), /shape \[-1\]/, 'w'],
    ['a fractional dimension', fileOf(`{"w":${entry('U8', [0.5], 0, 1)}}`, 1), /shape \[0\.5\]/, 'w'],
    ['a string dimension', fileOf(`{"w":${entry('U8', ['1'], 0, 1)}}`, 1), /shape/, 'w'],
    ['a product that overflows', fileOf(`{"w":${entry('U8', [2 ** 30, 2 ** 30], 0, 1)}}`, 1), /needs/, 'w'],
    [
      'fewer bytes than the shape',
      fileOf(`{"w":${entry('F32', [2], 0, 4)}}`, 4),
      /has 4 bytes, but F32 \[2\] needs 8/,
      'w',
    ],
    ['offsets in reverse', fileOf(`{"w":${entry('U8', [1], 1, 0)}}`, 1), /data offsets \[1,0\]/, 'w'],
    ['three offsets', fileOf('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1), /data offsets/, 'w'],
    ['negative offsets', fileOf(`{"w":${entry('U8', [1], -1, 0)}}`, 1), /data offsets/, 'w'],
    ['offsets beyond the end', fileOf(`{"w":${entry('U8', [9], 0, 9)}}`, 4), /reaches 5 bytes beyond/, 'w'],
    ['a hole at the start', fileOf(`{"w":${entry('U8', [1], 1, 2)}}`, 2), /hole of 1 bytes before the tensor "w"/, 'w'],
    ['a hole', fileOf(`{"a":${entry('U8', [1], 0, 1)},"b":${entry('U8', [1], 2, 3)}}`, 3), /hole/, 'b'],
    ['bytes at the end', fileOf(`{"w":${entry('U8', [1], 0, 1)}}`, 2), /1 bytes after the last tensor/],
    ['an overlap', fileOf(`{"a":${entry('U8', [3], 0, 3)},"b":${entry('U8', [2], 2, 4)}}`, 4), /"b" overlaps/, 'b'],
    [
      'two tensors on one range',
      fileOf(`{"a":${entry('U8', [2], 0, 2)},"b":${entry('U8', [2], 0, 2)}}`, 2),
      /overlaps/,
      'b',
    ],
    [
      'a repeated tensor',
      fileOf(`{"w":${entry('U8', [1], 0, 1)},"w":${entry('U8', [1], 0, 1)}}`, 1),
      /"w" appears twice/,
      'w',
    ],
    [
      'a repeated name by escape',
      fileOf(`{"w":${entry('U8', [1], 0, 1)},"\\u0077" :${entry('U8', [1], 0, 1)}}`, 1),
      /"w" appears twice/,
      'w',
    ],
    [
      'a repeated field',
      fileOf('{"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
      /"dtype" appears twice/,
    ],
    [
      'an unknown field',
      fileOf('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1),
      /unknown key "x"/,
      'w',
    ],
    ['__proto__', fileOf(`{"__proto__":${entry('U8', [1], 0, 1)}}`, 1), /"__proto__" is not allowed/, '__proto__'],
    ['constructor', fileOf(`{"constructor":${entry('U8', [1], 0, 1)}}`, 1), /not allowed/, 'constructor'],
    ['metadata __proto__', fileOf('{"__metadata__":{"__proto__":"x"}}'), /not allowed/, '__proto__'],
    ['metadata that is not text', fileOf('{"__metadata__":{"a":1}}'), /metadata "a" is not a string/, 'a'],
    ['metadata that is a list', fileOf('{"__metadata__":[]}'), /"__metadata__" is \[\]/],
  ]

  it.each(cases)('is refused: %s', (_what, bytes, message, path) => {
    const error = errorOf(() => decodeSafetensors(bytes))
    expect(error.code).toBe('file-invalid')
    expect(error.message).toMatch(message)
    if (path !== undefined) expect(error.path).toBe(path)
  })

  it('of any mutation or truncation gives a file or file-invalid', () => {
    const bytes = concat(
      encodeSafetensors(
        [
          { name: 'a', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
          { name: 'b', dtype: 'I32', shape: [2], data: new Int32Array(2) },
        ],
        { format: 'pt' },
      ),
    )
    const check = (hostile: Uint8Array): void => {
      try {
        const file = decodeSafetensors(hostile)
        for (const name of file.tensors.keys()) file.read(name)
      } catch (error) {
        if (!(error instanceof HeddleError) || error.code !== 'file-invalid') throw error
      }
    }
    for (let end = 0; end < bytes.length; end++)
      expect(errorOf(() => decodeSafetensors(bytes.subarray(0, end))).code).toBe('file-invalid')
    const mutation = fc.record({ position: fc.nat(bytes.length - 1), value: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const copy = bytes.slice()
        for (const { position, value } of mutations) copy[position] = value
        check(copy)
      }),
      { numRuns: 3000 },
    )
  })

  it('with a source that shrinks after opening is refused on reading', () => {
    const bytes = concat(encodeSafetensors([{ name: 'w', dtype: 'U8', shape: [4], data: new Uint8Array(4) }]))
    let end = bytes.length
    const file = decodeSafetensors({
      size: bytes.length,
      read: (at, length) => bytes.subarray(at, Math.min(at + length, end)),
    })
    end -= 2
    expect(errorOf(() => file.read('w')).message).toMatch(/"w" is cut off/)
  })

  it('with a long header of escapes or brackets costs little', () => {
    const escapes = '\\u0041'.repeat(1_000_000)
    expect(errorOf(() => decodeSafetensors(fileOf(`{"${escapes}":1}`))).message).toMatch(/expected an object/)
    expect(errorOf(() => decodeSafetensors(fileOf(`{"a":${'['.repeat(3_000_000)}`))).message).toMatch(/not valid json/)
  })
})

describe('duplicateKey', () => {
  it('finds a repeated key in any object of any json', () => {
    fc.assert(
      fc.property(fc.json(), (json) => void expect(duplicateKey(JSON.stringify(JSON.parse(json)))).toBeUndefined()),
    )
    expect(duplicateKey('[{"a":1},{"a":{"b":"a"}}]')).toBeUndefined()
    expect(duplicateKey('[{"x":[{"b\\"":1 , "b\\"" : 2}]}]')).toBe('b"')
    expect(duplicateKey('{"a":"{\\"a\\":1,","b":["a","a"]}')).toBeUndefined()
  })
})

describe.skipIf(golden === undefined)('golden files', () => {
  const index =
    golden === undefined ? { cases: [] } : (JSON.parse(readFileSync(join(golden, 'index.json'), 'utf8')) as GoldenIndex)

  it('agree with the index of dtypes and shapes', () => {
    let count = 0
    for (const { file, tensors } of index.cases) {
      if (file === undefined) continue
      const opened = decodeSafetensors(readFileSync(join(golden!, file)))
      const found = Object.fromEntries(
        [...opened.tensors.values()].map(({ name, dtype, shape }) => [name, { dtype, shape }]),
      )
      expect(found).toEqual(tensors)
      for (const name of opened.tensors.keys())
        expect(opened.read(name).every((x) => Number.isFinite(Number(x)))).toBe(true)
      count++
    }
    expect(count).toBeGreaterThan(30)
  })

  it('of Hugging Face come out byte for byte when written again', () => {
    const folder = join(golden!, 'hf')
    const models = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('model.safetensors'),
    )
    expect(models.length).toBeGreaterThan(0)
    for (const path of models) {
      const bytes = readFileSync(join(folder, path))
      const opened = decodeSafetensors(bytes)
      const tensors = [...opened.tensors.values()].map(({ name, dtype, shape }) => ({
        name,
        dtype,
        shape,
        data: opened.read(name),
      }))
      expect(Buffer.concat(encodeSafetensors(tensors, Object.fromEntries(opened.metadata))).equals(bytes)).toBe(true)
    }
  })
})

interface GoldenIndex {
  readonly cases: readonly {
    readonly file?: string
    readonly tensors?: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[] }>>
  }[]
}
