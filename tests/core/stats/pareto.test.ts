import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Direction } from '#core/stats/direction.ts'
import { crowdingDistance, dominates, knee, nonDominatedSort, paretoFront } from '#core/stats/pareto.ts'

const value = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(NaN, Infinity, -Infinity))
const cloud = fc
  .integer({ min: 1, max: 4 })
  .chain((dimensions) =>
    fc.tuple(
      fc.array(fc.array(value, { minLength: dimensions, maxLength: dimensions }), { maxLength: 25 }),
      fc.array(fc.constantFrom<Direction>('minimise', 'maximise'), { minLength: dimensions, maxLength: dimensions }),
    ),
  )

/** The front by its definition, over pairs. */
function naiveFront(points: readonly (readonly number[])[], directions: readonly Direction[]): number[] {
  const better = (a: number, b: number, axis: number): boolean => (directions[axis] === 'maximise' ? a > b : a < b)
  const isUsable = (point: readonly number[]): boolean => point.every(Number.isFinite)
  return [...points.keys()].filter(
    (i) =>
      isUsable(points[i]!) &&
      !points.some(
        (other) =>
          isUsable(other) &&
          other.some((v, axis) => better(v, points[i]![axis]!, axis)) &&
          !other.some((v, axis) => better(points[i]![axis]!, v, axis)),
      ),
  )
}

describe('paretoFront', () => {
  it('is exactly the non-dominated set', () => {
    fc.assert(
      fc.property(cloud, ([points, directions]) => {
        expect(paretoFront(points, directions)).toEqual(naiveFront(points, directions))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps all copies of a point and drops points that are not finite', () => {
    const points = [
      [1, 2],
      [2, 1],
      [1, 2],
      [2, 2],
      [NaN, 0],
      [0, Infinity],
    ]
    expect(paretoFront(points)).toEqual([0, 1, 2])
    expect(paretoFront(points, ['maximise', 'minimise'])).toEqual([1])
    expect(paretoFront([])).toEqual([])
    expect(paretoFront([[NaN, 1]])).toEqual([])
  })

  it('refuses points of different lengths', () => {
    expect(() => paretoFront([[1, 2], [1]])).toThrow(/point 1 has 1 values, expected 2/)
    expect(() => paretoFront([[1, 2]], ['minimise'])).toThrow(/point 0 has 2 values, expected 1/)
  })
})

describe('dominates', () => {
  it('needs one strictly better metric and none worse', () => {
    expect(dominates([1, 2], [1, 3])).toBe(true)
    expect(dominates([1, 2], [1, 2])).toBe(false)
    expect(dominates([1, 3], [2, 2])).toBe(false)
    expect(dominates([1, 3], [1, 2], ['minimise', 'maximise'])).toBe(true)
    expect(dominates([1, NaN], [2, 2])).toBe(false)
    expect(() => dominates([1], [1, 2])).toThrow(/expected 1/)
  })
})

describe('nonDominatedSort', () => {
  it('peels fronts one by one', () => {
    fc.assert(
      fc.property(cloud, ([points, directions]) => {
        let rest = [...points.keys()]
        const expected: number[][] = []
        for (;;) {
          const front = naiveFront(
            rest.map((i) => points[i]!),
            directions,
          ).map((position) => rest[position]!)
          if (front.length === 0) break
          expected.push(front)
          rest = rest.filter((i) => !front.includes(i))
        }
        expect(nonDominatedSort(points, directions)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('crowdingDistance', () => {
  it('sums the gaps of neighbours, relative to the range', () => {
    const points = [
      [0, 10],
      [1, 6],
      [3, 5],
      [10, 0],
    ]
    // second: (3 - 0) / 10 + (10 - 5) / 10; third: (10 - 1) / 10 + (6 - 0) / 10
    expect([...crowdingDistance(points)]).toEqual([Infinity, 0.8, 1.5, Infinity])
    expect([...crowdingDistance([[1, 1]])]).toEqual([Infinity])
    expect([...crowdingDistance([])]).toEqual([])
    expect(() => crowdingDistance([[NaN]])).toThrow(/finite/)
  })

  it('ignores a metric without range', () => {
    const points = [0, 1, 4].map((x) => [x, 7])
    expect(crowdingDistance(points)[1]).toBe(1)
  })
})

describe('knee', () => {
  it('is the member farthest from the chord, in scaled axes', () => {
    const points = [
      [0, 1000],
      [1, 200],
      [2, 150],
      [9, 900],
      [10, 0],
    ]
    const found = knee(points)!
    expect(found.index).toBe(1)
    expect(found.distance).toBeCloseTo((1 - 0.1 - 0.2) / Math.SQRT2, 12)
  })

  it('turns with the directions and does not depend on units', () => {
    const points = [
      [0, 0],
      [1, 8],
      [4, 9],
      [10, 10],
    ]
    const directions = ['minimise', 'maximise'] as const
    expect(knee(points, directions)?.index).toBe(1)
    expect(
      knee(
        points.map(([x, y]) => [1e6 * x! + 5, 1e-6 * y!]),
        directions,
      )?.index,
    ).toBe(1)
  })

  it('is absent for straight, bulging and tiny fronts', () => {
    const line = [0, 1, 2, 3].map((x) => [x, 3 - x])
    expect(knee(line)).toBeUndefined()
    expect(
      knee([
        [0, 10],
        [9, 9],
        [10, 0],
      ]),
    ).toBeUndefined()
    expect(knee([[1, 1]])).toBeUndefined()
    expect(
      knee([
        [1, 2],
        [2, 1],
      ]),
    ).toBeUndefined()
    expect(knee([])).toBeUndefined()
    expect(() => knee([[1, 2, 3]])).toThrow(/two metrics, not 3/)
  })
})
