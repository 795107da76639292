import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { hypervolume, hypervolumeOverTime, referencePoint } from '#core/stats/hypervolume.ts'

/** Volume by inclusion and exclusion over all subsets of points. */
function inclusionExclusion(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = points.filter((point) => point.every((value, axis) => value < reference[axis]!))
  let volume = 0
  for (let subset = 1; subset < 2 ** inside.length; subset++) {
    const members = inside.filter((_, i) => (subset >> i) & 1)
    const box = reference.reduce((product, r, axis) => product * (r - Math.max(...members.map((p) => p[axis]!))), 1)
    volume += members.length % 2 === 1 ? box : -box
  }
  return volume
}

const coordinate = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.double({ min: 0, max: 6, noNaN: true }))
const clouds = (maxDimensions: number, maxPoints: number): fc.Arbitrary<number[][]> =>
  fc
    .integer({ min: 1, max: maxDimensions })
    .chain((d) =>
      fc.array(fc.array(coordinate, { minLength: d, maxLength: d }), { minLength: 1, maxLength: maxPoints }),
    )

describe('hypervolume', () => {
  it('equals inclusion and exclusion for small sets', () => {
    fc.assert(
      fc.property(clouds(5, 8), (points) => {
        const reference = points[0]!.map(() => 5)
        const expected = inclusionExclusion(points, reference)
        expect(Math.abs(hypervolume(points, reference) - expected)).toBeLessThanOrEqual(1e-9 * 5 ** reference.length)
      }),
      { numRuns: 300 },
    )
  })

  it.each([2, 3, 4, 5])('agrees with Monte Carlo in %i metrics', (dimensions) => {
    const random = rng('hypervolume', dimensions)
    const points = Array.from({ length: 40 }, () => Array.from({ length: dimensions }, () => random.uniform()))
    const reference = points[0]!.map(() => 1)
    const samples = 40_000
    let hits = 0
    for (let i = 0; i < samples; i++) {
      const at = reference.map(() => random.uniform())
      if (points.some((point) => point.every((value, axis) => value <= at[axis]!))) hits++
    }
    const share = hits / samples
    const error = Math.sqrt((share * (1 - share)) / samples)
    expect(Math.abs(hypervolume(points, reference) - share)).toBeLessThan(4 * error)
  })

  it('never falls when a point is added, and over time equals the volume of each prefix', () => {
    fc.assert(
      fc.property(clouds(4, 12), (points) => {
        const reference = points[0]!.map(() => 5)
        const volumes = hypervolumeOverTime(points, reference)
        expect(volumes).toHaveLength(points.length)
        volumes.forEach((volume, i) => {
          expect(volume).toBeGreaterThanOrEqual(volumes[i - 1] ?? 0)
          const prefix = hypervolume(points.slice(0, i + 1), reference)
          expect(Math.abs(volume - prefix)).toBeLessThanOrEqual(1e-9 * 5 ** reference.length)
        })
      }),
      { numRuns: 200 },
    )
  })

  it('does not depend on the order of the points', () => {
    fc.assert(
      fc.property(clouds(4, 10), fc.integer(), (points, seed) => {
        const reference = points[0]!.map(() => 7)
        const volume = hypervolume(rng(seed).shuffle(points), reference)
        expect(volume).toBeCloseTo(hypervolume(points, reference), 8)
      }),
    )
  })

  it('turns with the directions', () => {
    expect(hypervolume([[2, 3]], [5, 1], ['minimise', 'maximise'])).toBe(6)
    expect(hypervolume([[-2, 3, 1]], [-5, 1, 2], ['maximise', 'maximise', 'minimise'])).toBe(6)
  })

  it('counts nothing for points that are not finite or not better than the reference everywhere', () => {
    const points = [
      [NaN, 0],
      [-Infinity, 0],
      [1, 3],
      [3, 1],
      [2, 2],
    ]
    expect(hypervolume(points, [3, 3])).toBe(1)
    expect([...hypervolumeOverTime(points, [3, 3])]).toEqual([0, 0, 0, 0, 1])
    expect(hypervolume([], [1, 1])).toBe(0)
  })

  it('refuses references that do not fit', () => {
    expect(() => hypervolume([[1, 2]], [1, Infinity])).toThrow(/must be finite/)
    expect(() => hypervolume([[1, 2]], [1])).toThrow(/point 1 has 2 values, expected 1/)
    expect(() => hypervolume([], [])).toThrow(/1 to 10 metrics, not 0/)
    expect(() => hypervolume([], new Array<number>(11).fill(1))).toThrow(/not 11/)
  })
})

describe('referencePoint', () => {
  it('lies beyond the worst finite values', () => {
    const points = [
      [1, 10],
      [3, 30],
      [NaN, 99],
    ]
    expect(referencePoint(points)).toEqual([3.2, 32])
    expect(referencePoint(points, ['minimise', 'maximise'])).toEqual([3.2, 8])
    expect(referencePoint([[5, 0]], undefined, 0.2)).toEqual([6, 0.2])
    expect(() => referencePoint([[NaN]])).toThrow(/at least one point/)
    expect(() => referencePoint([[1]], undefined, -1)).toThrow(/margin \(-1\)/)
  })
})
