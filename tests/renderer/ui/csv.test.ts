import { expect, it } from 'vitest'
import { tableCsv, toCsv } from '../../../src/renderer/ui/table/csv.ts'

it('quotes what needs it; missing and infinite values are empty', () => {
  expect(
    toCsv(
      ['a', 'b,c'],
      [
        [1.25e-7, 'say "no"'],
        [null, NaN],
        [true, 'two\nlines'],
      ],
    ),
  ).toBe('a,"b,c"\n1.25e-7,"say ""no"""\n,\ntrue,"two\nlines"')
})

it('a text that begins like a formula does not run', () => {
  expect(toCsv(['x'], [['=1+1'], ['@sum'], ['-5'], ['+a'], [-5]])).toBe("x\n'=1+1\n'@sum\n-5\n'+a\n-5")
})

it('titles carry units', () => {
  const column = { key: 'p', title: 'Median', unit: 'ms', value: (row: number) => row }
  expect(tableCsv([column], [0.5])).toBe('Median (ms)\n0.5')
})
