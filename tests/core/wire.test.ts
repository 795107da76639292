import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, toBase64 } from '#core/base64.ts'
import { decodeWire, encodeWire } from '#core/wire.ts'

const numbers = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0), fc.integer())
const keys = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('$n', '$f64', '$$n', '$', '__proto__', 'constructor'),
)
const typed = fc.oneof(
  fc.float64Array({ maxLength: 9 }),
  fc.float32Array({ maxLength: 9 }),
  fc.int32Array({ maxLength: 9 }),
  fc.uint16Array({ maxLength: 9 }),
  fc.uint8Array({ maxLength: 9 }),
)
/** Pairs become an object with own fields, whatever their names. */
const objectOf = (pairs: readonly (readonly [string, unknown])[]): object => Object.fromEntries(pairs)
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    numbers,
    typed,
    fc.array(tie('data'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('data')), { maxLength: 4 }).map(objectOf),
  ),
}))

describe('base64', () => {
  it('is that of Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(toBase64(bytes)).toBe(text)
        expect([...fromBase64(text)!]).toEqual([...bytes])
      }),
    )
  })

  it.each([191, 192, 193, 1000])('joins its chunks: %i bytes', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) % 256)
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
  })

  it.each(['A', 'AAA', 'AA=A', '====', 'A===', 'AA==AA==', 'AA A', 'AAA\u0141', 'AA-_'])('refuses %j', (text) => {
    expect(fromBase64(text)).toBeUndefined()
  })
})

describe('frames', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(decodeWire(encodeWire(value))).toEqual(value)
      }),
      { numRuns: 1000 },
    )
  })

  it('are JSON where JSON is enough', () => {
    const value = { a: [1, 2.5, 'x', null, true], b: { c: 'd' } }
    expect(encodeWire(value)).toBe(JSON.stringify(value))
  })

  it('hold little-endian bytes', () => {
    expect(encodeWire(Float64Array.of(1))).toBe(
      `{"$f64":"${Buffer.from('000000000000f03f', 'hex').toString('base64')}"}`,
    )
    expect(encodeWire([Number.NaN, -Infinity, -0])).toBe('[{"$n":"NaN"},{"$n":"-Infinity"},{"$n":"-0"}]')
  })

  it('take the part of an array that a view shows', () => {
    const view = Float64Array.of(1, 2, 3, 4).subarray(1, 3)
    expect(decodeWire(encodeWire(view))).toEqual(Float64Array.of(2, 3))
  })

  it('leave out what is undefined', () => {
    expect(decodeWire(encodeWire({ a: undefined, b: 1 }))).toEqual({ b: 1 })
  })

  it('set no prototype', () => {
    const value = decodeWire('{"__proto__": {"polluted": {"$n": "NaN"}}, "a": 1}') as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect((value as { polluted?: unknown }).polluted).toBeUndefined()
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['{"$n":"one"}', 'not named'],
    ['{"$n":1}', 'not named'],
    ['{"$f64":"AAAA"}', 'cannot be read'],
    ['{"$f64":"!"}', 'cannot be read'],
    ['{"$f64":[1]}', 'no tag'],
    ['{"$toString":"x"}', 'no tag'],
    ['{', 'JSON'],
    ['['.repeat(200) + ']'.repeat(200), 'nested deeper'],
    ['{"a":'.repeat(200) + '1' + '}'.repeat(200), 'nested deeper'],
  ])('refuse %.40s', (text, message) => {
    expect(() => decodeWire(text)).toThrow(message)
  })

  it.each([[new Map()], [new Date(Number.NaN)], [() => 1], [1n], [Symbol('s')], [new BigInt64Array(1)]])(
    'are of plain data only: not %s',
    (value) => {
      if (value instanceof Date) expect(decodeWire(encodeWire(value))).toBeNull()
      else expect(() => encodeWire({ value })).toThrow('data holds a')
    },
  )

  it('carry a curve of a million points, every bit of it', () => {
    const points = Float64Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i) * i)
    const back = decodeWire(encodeWire({ points })) as { points: Float64Array }
    expect(Buffer.from(back.points.buffer).equals(Buffer.from(points.buffer))).toBe(true)
  })
})
