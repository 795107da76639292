import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultStep, plainNumber, readNumber, stepNumber } from '../../../src/renderer/ui/controls/number-entry.ts'
import { fromPosition, POSITIONS, toPosition } from '../../../src/renderer/ui/controls/slider-scale.ts'

describe('readNumber', () => {
  const rules = { min: 0, max: 1e6 }
  it.each([
    ['12', 12],
    [' 1e-3 ', 0.001],
    ['10 000', 10000],
    ['10_000', 10000],
    ['.5', 0.5],
  ])('%s', (text, value) => {
    expect(readNumber(text, rules)).toEqual({ value })
  })
  it.each(['abc', '0x10', 'Infinity', '1e999', '', '1.5.2', '--1'])('refuses %j', (text) => {
    expect(readNumber(text, rules)).toHaveProperty('error')
  })
  it('says the rule', () => {
    expect(readNumber('1.5', { ...rules, integer: true })).toEqual({ error: '1.5 is not a whole number' })
    expect(readNumber('-1', rules)).toEqual({ error: 'must be from 0 to 1000000' })
    expect(readNumber('', { ...rules, nullable: true })).toEqual({ value: null })
  })
})

it('steps without binary dust and inside the limits', () => {
  const rules = { min: 0, max: 1 }
  expect(stepNumber(0.2, 1, 0.1, rules)).toBe(0.3)
  expect(stepNumber(0.95, 1, 0.1, rules)).toBe(1)
  expect(stepNumber(null, -1, 1, { min: 4, max: 9, integer: true })).toBe(4)
  expect(defaultStep(0.0003, false)).toBeCloseTo(0.00001, 12)
  expect(defaultStep(128, true)).toBe(1)
})

it('slider positions and values are inverse up to rounding, linear and log', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.boolean(), (value, log) => {
      const scale = { min: 1, max: 1e6, log }
      const back = fromPosition(toPosition(value, scale), scale)
      expect(Math.abs(back - value)).toBeLessThanOrEqual(value * 0.0051)
    }),
  )
  expect(fromPosition(POSITIONS, { min: 0, max: 10, step: 3 })).toBe(9)
  expect(toPosition(5, { min: 5, max: 5 })).toBe(0)
})

it('gives accessibility attributes only numbers without an exponent', () => {
  expect([null, 1e-12, 1e21, 1e-6, -4].map(plainNumber)).toEqual([undefined, undefined, undefined, 1e-6, -4])
})
