import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatDuration,
  formatExact,
  formatNumber,
  formatShare,
  formatWithUnit,
} from '../../../src/renderer/ui/format.ts'

const plain = (text: string) => text.replaceAll('\u2009', ' ').replaceAll('\u2212', '-')

describe('formatNumber', () => {
  it.each([
    [12.345, 'ms', '12.3 ms'],
    [0.0124, 'ms/token', '12.4 µs/token'],
    [1500, 'ms', '1.50 s'],
    [0.00042, 'ms', '420 ns'],
    [999.9, 'ms', '1.00 s'],
    [0, 'ms', '0 ms'],
    [123_456_789, 'parameters', '123 M parameters'],
    [9999, '', '9999'],
    [10_000, '', '10.0 k'],
    [4.2e9, 'FLOPs/token', '4.20 GFLOPs/token'],
    [3_000_000, 'bytes', '2.86 MiB'],
    [512, 'bytes', '512 B'],
    [1.23456, 'bits/byte', '1.23 bits/byte'],
    [-2.5, '', '-2.50'],
    [1e-9, '', '1.00e-9'],
    [Infinity, 'ms', '∞ ms'],
  ])('%d %s -> %s', (value, unit, expected) => {
    expect(plain(formatWithUnit(value, unit))).toBe(expected)
  })

  it('has a dash for what is not there', () => {
    for (const value of [null, undefined, NaN]) expect(formatNumber(value, 'ms')).toEqual({ text: '–', unit: '' })
  })

  it('reads back within half a unit of the third digit', () => {
    const factors: Record<string, number> = { ns: 1e-6, µs: 1e-3, ms: 1, s: 1e3 }
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1e6, noNaN: true }), (value) => {
        const { text, unit } = formatNumber(value, 'ms')
        expect(Math.abs(Number(plain(text)) * factors[unit]! - value)).toBeLessThanOrEqual(value * 0.00501)
      }),
    )
  })
})

it('keeps every digit for the clipboard', () => {
  expect(formatExact(0.1234567890123, 'ms')).toBe('0.1234567890123 ms')
  expect(formatExact(null, 'ms')).toBe('')
})

it.each([
  [0.44, '0.4 s'],
  [12.4, '12 s'],
  [59.7, '1 min'],
  [200, '3 min 20 s'],
  [3599.9, '1 h'],
  [7500, '2 h 5 min'],
  [270_000, '3 d 3 h'],
  [-1, '–'],
  [Infinity, '–'],
])('formatDuration(%d) is %s', (seconds, expected) => {
  expect(formatDuration(seconds)).toBe(expected)
})

it.each([
  [0, '0 %'],
  [0.004, '0.4 %'],
  [0.123, '12 %'],
  [1, '100 %'],
  [NaN, '–'],
])('formatShare(%d) is %s', (share, expected) => {
  expect(plain(formatShare(share))).toBe(expected)
})
