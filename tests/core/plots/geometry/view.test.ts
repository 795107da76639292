import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { between, panned, shareOf, valueAt, zoomed, type Domain } from '#core/plots/geometry/view.ts'

const domain = fc
  .tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0.5, max: 100, noNaN: true }))
  .map(([low, span]): Domain => [low, low + span])
const share = fc.double({ min: 0, max: 1, noNaN: true })
const WHOLE: Domain = [0.001, 1000]

describe.each([false, true])('views, log %s', (log) => {
  it('a zoom keeps the value under the pointer', () => {
    fc.assert(
      fc.property(domain, share, fc.double({ min: 0.8, max: 1.25, noNaN: true }), (view, at, factor) => {
        const next = zoomed(view, at, factor, WHOLE, log)
        const before = valueAt(at, view, log)
        expect(shareOf(before, next, log)).toBeCloseTo(at, 6)
      }),
    )
  })

  it('shares and values are inverse', () => {
    fc.assert(
      fc.property(domain, share, (view, at) => {
        expect(shareOf(valueAt(at, view, log), view, log)).toBeCloseTo(at, 6)
      }),
    )
  })

  it('panning there and back returns', () => {
    fc.assert(
      fc.property(domain, fc.double({ min: -0.2, max: 0.2, noNaN: true }), (view, by) => {
        const back = panned(panned(view, by, WHOLE, log), -by, WHOLE, log)
        expect(back[0]).toBeCloseTo(view[0], 4)
        expect(back[1]).toBeCloseTo(view[1], 4)
      }),
    )
  })
})

it('a zoom ends at its limits', () => {
  let view: Domain = [0, 1]
  for (let i = 0; i < 200; i++) view = zoomed(view, 0.5, 2, [0, 1])
  expect(view[1] - view[0]).toBeCloseTo(1e-6, 12)
  for (let i = 0; i < 200; i++) view = zoomed(view, 0.5, 0.5, [0, 1])
  expect(view[1] - view[0]).toBeCloseTo(4, 9)
})

it('the middle of a view stays in the whole domain', () => {
  expect(panned([0, 1], 50, [0, 10])).toEqual([9.5, 10.5])
  expect(panned([0, 1], -50, [0, 10])).toEqual([-0.5, 0.5])
})

it('a log zoom by ten shows a tenth of the decades', () => {
  const [low, high] = zoomed([1, 10_000_000_000], 0, 10, [1, 10_000_000_000], true)
  expect(low).toBeCloseTo(1)
  expect(high).toBeCloseTo(10)
  expect(between([1, 100], 1, 0.5, true)).toEqual([10, 100])
})
