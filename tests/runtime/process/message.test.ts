import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPlain, MESSAGE_LIMIT_BYTES, parseReply, parseRequest } from '../../../src/main/runtime/process/message.ts'

describe('plain data', () => {
  it('passes, and survives the crossing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(checkPlain(value, 'it')).toBeGreaterThanOrEqual(0)
        expect(checkPlain(deserialize(serialize(value)), 'it')).toBe(checkPlain(value, 'it'))
      }),
    )
    expect(checkPlain({ floats: new Float32Array(10), text: 'abc' }, 'it')).toBe(40 + 6 + 2 * 'floatstext'.length)
  })

  it('is bounded in bytes, values and depth', () => {
    expect(checkPlain(new Uint8Array(MESSAGE_LIMIT_BYTES), 'it')).toBe(MESSAGE_LIMIT_BYTES)
    expect(() => checkPlain([new Uint8Array(MESSAGE_LIMIT_BYTES), 1], 'the result')).toThrow(
      'the result is larger than 64 MiB',
    )
    expect(() => checkPlain('x'.repeat(MESSAGE_LIMIT_BYTES / 2 + 1), 'it')).toThrow('64 MiB')
    expect(() => checkPlain(Array(200_000).fill(0), 'it')).toThrow('more than 200000 values')
    let deep: unknown = 1
    for (let i = 0; i < 101; i++) deep = [deep]
    expect(() => checkPlain(deep, 'it')).toThrow('nested deeper')
  })

  it('is nothing else', () => {
    for (const value of [
      () => 1,
      Symbol('s'),
      new Date(),
      new Map(),
      new Error('e'),
      /x/,
      new (class Thing {})(),
      new ArrayBuffer(8),
    ]) {
      expect(() => checkPlain({ value }, 'it')).toThrow(/^it contains a/)
    }
  })
})

describe('messages', () => {
  it('are taken in their shape only', () => {
    expect(parseRequest({ type: 'run', id: 1, kind: 'ping', payload: 2, more: 3 })).toEqual({
      type: 'run',
      id: 1,
      kind: 'ping',
      payload: 2,
    })
    expect(parseRequest({ type: 'cancel', id: 1 })).toEqual({ type: 'cancel', id: 1 })
    expect(parseReply({ type: 'result', id: 1, value: [1] })).toEqual({ type: 'result', id: 1, value: [1] })
    expect(parseReply({ type: 'error', id: 1, error: { code: 'usage', message: 'm', path: 7 } })).toEqual({
      type: 'error',
      id: 1,
      error: { code: 'usage', message: 'm', path: undefined, hint: undefined },
    })
    expect(parseReply({ type: 'error', id: 1, error: { code: 'toString' } })).toMatchObject({
      error: { code: 'target-failed' },
    })
    expect(parseReply({ type: 'result', id: 1, value: new Map() })).toMatch('Map')
    for (const kind of ['', 'Ping', '../ping', 'p'.repeat(65), 7])
      expect(typeof parseRequest({ type: 'run', id: 1, kind })).toBe('string')
  })

  it('of any other shape give a short sentence and never throw', () => {
    fc.assert(
      fc.property(
        fc.anything({ withTypedArray: true, withMap: true, withBigInt: true, withNullPrototype: true }),
        (raw) => {
          for (const parsed of [parseRequest(raw), parseReply(raw)]) {
            expect(typeof parsed).toBe('string')
            expect((parsed as string).length).toBeLessThan(200)
          }
        },
      ),
    )
  })
})
