import { expect, it } from 'vitest'
import { choice, flag, integer, optionalInteger } from '../../../src/core/params.ts'
import { formRows, printRange, printValue } from '../../../src/renderer/ui/form/form.ts'

const schema = {
  width: integer({ doc: 'Inner width.', min: 8, max: 4096, default: ({ dModel }) => 3 * dModel }),
  window: optionalInteger({ doc: 'Sliding window; none: all.', unit: 'tokens', min: 1, max: 99, default: null }),
  heads: optionalInteger({ doc: 'Heads; derived by default.', min: 1, max: 99, default: null }),
  act: choice({ doc: 'Activation.', choices: ['silu', 'gelu'], default: 'silu' }),
  gate: flag({ doc: 'Output gate.', default: false }),
}
const dims = { dModel: 64 }
const row = (name: string, values = {}, errors = {}) =>
  formRows(schema, values, dims, errors).find((r) => r.name === name)!

it('shows derived defaults and marks what differs from them', () => {
  expect(formRows(schema, {}, dims).map(({ value }) => value)).toEqual([192, null, null, 'silu', false])
  expect(
    formRows(schema, { width: 192, gate: true }, dims)
      .filter((r) => r.changed)
      .map((r) => r.name),
  ).toEqual(['gate'])
  expect(row('width', { width: undefined }).changed).toBe(false)
})

it('says what null means', () => {
  expect(printValue(row('window'), null)).toBe('none')
  expect(printValue(row('heads'), null)).toBe('automatic')
  expect(printValue(row('window'), 12)).toBe('12 tokens')
  expect(printRange(schema.window)).toBe('From 1 to 99 tokens.')
})

it('names the broken rule; given messages come first', () => {
  expect(row('width', { width: 1.5 }).error).toContain('must be an integer from 8 to 4096')
  expect(row('act', { act: 'tanh' }).error).toContain('one of silu, gelu')
  expect(row('width', {}, { width: 'too wide' }).error).toBe('too wide')
  expect(row('act', {}, { width: 'too wide' }).error).toBeUndefined()
})

it('finds parameters by words of name and sentence', () => {
  expect(formRows(schema, {}, dims, {}, 'output GATE').map((r) => r.name)).toEqual(['gate'])
  expect(formRows(schema, {}, dims, {}, 'zzz')).toEqual([])
})
