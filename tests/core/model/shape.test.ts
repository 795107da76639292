import { expect, it } from 'vitest'
import { mixOf, shapeOf } from '#core/model/shape.ts'
import { parseSpecText } from '#core/model/text.ts'

it('depth counts repeats, shares count mixers only', () => {
  const spec = parseSpecText('{dModel: 64, vocabSize: 257} (d f m2 f d f)x2 a')
  expect(shapeOf(spec)).toEqual({
    depth: 13,
    width: 64,
    shares: new Map([
      ['d', (100 * 4) / 7],
      ['m2', (100 * 2) / 7],
      ['a', 100 / 7],
    ]),
  })
  expect(mixOf(spec)).toBe('d 57 %, m2 29 %, a 14 %')
  expect(mixOf(parseSpecText('{dModel: 64, vocabSize: 257} f'))).toBe('no mixer')
})
