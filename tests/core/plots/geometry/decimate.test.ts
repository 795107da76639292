import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimate } from '#core/plots/geometry/decimate.ts'
import { MovingAverage, Series } from '#core/plots/geometry/series.ts'

function seriesOf(values: readonly number[], gaps: readonly number[] = []): Series {
  const series = new Series()
  let x = 0
  values.forEach((y, i) => series.append((x += gaps.length === 0 ? 1 : gaps[i % gaps.length]!), y))
  return series
}

const value = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
)
const values = fc.array(value, { maxLength: 3000, size: 'max' })

describe('series', () => {
  it('finds the extremes of any range', () => {
    fc.assert(
      fc.property(values, fc.nat(3000), fc.nat(3000), (list, a, b) => {
        const series = seriesOf(list)
        const from = Math.min(a, b),
          to = Math.max(a, b)
        const part = list.slice(from, to).filter(Number.isFinite)
        const { least, greatest } = series.extremes(from, to)
        if (part.length === 0) expect([least, greatest]).toEqual([-1, -1])
        else {
          expect(list[least]).toBe(part.reduce((p, q) => Math.min(p, q)))
          expect(list[greatest]).toBe(part.reduce((p, q) => Math.max(p, q)))
          expect(least >= from && least < to && greatest >= from && greatest < to).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('finds the nearest x', () => {
    const series = seriesOf([1, 2, 3, 4])
    expect([0, 1.4, 1.6, 9].map((x) => series.nearest(x))).toEqual([0, 0, 1, 3])
    expect(new Series().nearest(1)).toBe(-1)
  })
})

describe('decimation', () => {
  it('keeps the first, last, least and greatest of every pixel column, and no more than four', () => {
    fc.assert(
      fc.property(
        values,
        fc.array(fc.constantFrom(0, 0.5, 1, 7), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (list, gaps, count, start, span) => {
          const series = seriesOf(list, gaps)
          const last = series.length > 0 ? series.x(series.length - 1) : 1
          const from = start * last,
            to = from + span * last + 1e-9
          const kept = decimate(series, { from, to, count })
          const columnOf = (i: number): number =>
            Math.min(count - 1, Math.floor(((series.x(i) - from) / (to - from)) * count))
          const inView = list.map((_, i) => i).filter((i) => series.x(i) >= from && series.x(i) <= to)
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
          expect(kept.every((i) => Number.isFinite(series.y(i)))).toBe(true)
          // one point of slack on each side of the view
          expect(kept.length).toBeLessThanOrEqual(4 * count + 2)
          const finite = inView.filter((i) => Number.isFinite(list[i]))
          const drawn = new Set(kept.map((i) => series.y(i)))
          for (const [, column] of Map.groupBy(finite, columnOf)) {
            const ys = column.map((i) => series.y(i))
            expect(drawn.has(ys.reduce((p, q) => Math.min(p, q)))).toBe(true)
            expect(drawn.has(ys.reduce((p, q) => Math.max(p, q)))).toBe(true)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('leaves short series whole, one point beyond each end', () => {
    const series = seriesOf([5, 1, 4, 2, 3])
    expect(decimate(series, { from: 1, to: 5, count: 100 })).toEqual([0, 1, 2, 3, 4])
    expect(decimate(series, { from: 2.5, to: 3.5, count: 100 })).toEqual([1, 2, 3])
    expect(decimate(new Series(), { from: 0, to: 1, count: 10 })).toEqual([])
  })

  it('draws a million points within a frame', () => {
    const series = new Series()
    for (let i = 0; i < 1_000_000; i++) series.append(i, Math.sin(i * 0.37) + (i === 654_321 ? 9 : 0))
    // other programs lengthen the wall clock, not the time that this thread works
    const before = process.threadCpuUsage()
    const kept = decimate(series, { from: 0, to: 999_999, count: 1000 })
    const { user, system } = process.threadCpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(100)
    expect(kept).toContain(654_321)
    expect(kept.length).toBeLessThanOrEqual(4002)
  })
})

it('a moving average of a constant is the constant from its first value', () => {
  const average = new MovingAverage(0.9)
  expect([3, 3, NaN, 3].map((v) => average.next(v))).toEqual([3, 3, 3, 3].map((v) => expect.closeTo(v, 12)))
  const other = new MovingAverage(0.5)
  // weights 0.5 and 0.25, divided by their sum
  expect([1, 4].map((v) => other.next(v))).toEqual([1, expect.closeTo(3, 12)])
  expect(new MovingAverage(0.5).next(NaN)).toBeNaN()
})
