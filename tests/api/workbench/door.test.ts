// The door: names and arguments of any shape come in, and only what a call takes goes through.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { call, dispatch } from '#main/api/workbench/door.ts'
import type { Context } from '#main/api/workbench/context.ts'
import { integer, listOf, note, optional, spec, text, word } from '#main/api/workbench/readers.ts'

const context = {} as Context
let calls = 0
const nouns = {
  things: {
    add: call({ id: integer(1, 9), name: optional(text(5)), kind: word(['a', 'b']) }, (_, args) => {
      calls++
      return args
    }),
    none: call({}, () => 'ok'),
  },
}
const send = (name: unknown, args?: unknown): Promise<unknown> => dispatch(nouns, context, name, args)

describe('dispatch', () => {
  it('gives a call its checked arguments', async () => {
    expect(await send('things.add', { id: 3, kind: 'b' })).toEqual({ id: 3, name: undefined, kind: 'b' })
    expect(await send('things.none')).toBe('ok')
  })

  it.each([
    ['things.add', { id: 0, kind: 'a' }, 'id (0) must be an integer from 1 to 9'],
    ['things.add', { id: '3', kind: 'a' }, 'id'],
    ['things.add', { id: 3, kind: 'c' }, 'one of a, b'],
    ['things.add', { id: 3, kind: 'a', name: 'too long' }, 'text of 1 to 5'],
    ['things.add', { id: 3, kind: 'a', more: 1 }, 'has no argument more'],
    ['things.add', [], 'takes an object'],
    ['things.add', null, 'takes an object'],
    ['things', {}, 'there is no call things'],
    ['things.add.x', {}, 'there is no call'],
    ['toString.call', {}, 'there is no call'],
    ['__proto__.toString', {}, 'there is no call'],
    ['things.constructor', {}, 'there is no call'],
    [42, {}, 'there is no call 42'],
  ])('refuses %s %j', async (name, args, message) => {
    await expect(send(name, args)).rejects.toThrow(message)
  })

  it('never runs a call on arguments that do not fit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.anything(), async (name, args) => {
        const before = calls
        const fits = name === 'things.none' && (args === undefined || JSON.stringify(args) === '{}')
        if (fits) return
        await send(`things.${name}`, args).catch((error: Error) => expect(error.name).toBe('HeddleError'))
        expect(calls).toBe(before)
      }),
    )
  })
})

describe('readers', () => {
  it('bound lists and texts', () => {
    expect(() => listOf(integer(), 2)([1, 2, 3], 'list')).toThrow('at most 2')
    expect(() => listOf(integer(), 2)([1, -1], 'list')).toThrow('list[1]')
    expect(() => note('x'.repeat(20_001), 'note')).toThrow('note')
    expect(note('', 'note')).toBe('')
  })

  it('a spec is parsed, with the path of what is wrong', () => {
    expect(() => spec({ heddle: 1, model: {}, blocks: [{ kind: 'nothing' }] }, 'spec')).toThrow(
      expect.objectContaining({ code: 'spec-invalid', path: expect.stringContaining('blocks[0]') as string }),
    )
  })
})
