import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attainment, attainmentSurface } from '#core/stats/attainment.ts'

describe('attainment', () => {
  const runs = [
    [
      [1, 5],
      [3, 2],
    ],
    [[2, 4]],
    [
      [2, 6],
      [4, 1],
    ],
  ]

  it('gives what any, half and all runs reach', () => {
    const { best, median, worst } = attainment(runs)
    expect(best).toEqual([
      [1, 5],
      [2, 4],
      [3, 2],
      [4, 1],
    ])
    expect(median).toEqual([
      [2, 5],
      [3, 4],
      [4, 2],
    ])
    expect(worst).toEqual([
      [2, 6],
      [4, 4],
    ])
  })

  it('turns with the directions', () => {
    const flipped = runs.map((points) => points.map(([x, y]) => [x!, -y!]))
    const { median } = attainment(flipped, ['minimise', 'maximise'])
    expect(median).toEqual([
      [2, -5],
      [3, -4],
      [4, -2],
    ])
  })

  it('counts runs exactly, for any runs and share', () => {
    const coordinate = fc.integer({ min: 0, max: 6 })
    const anyRuns = fc.array(fc.array(fc.tuple(coordinate, coordinate), { maxLength: 5 }), {
      minLength: 1,
      maxLength: 10,
    })
    fc.assert(
      fc.property(anyRuns, fc.integer({ min: 1, max: 10 }), (points, tenths) => {
        const surface = attainmentSurface(points, tenths / 10)
        for (let x = 0; x <= 6; x++) {
          for (let y = 0; y <= 6; y++) {
            const reaching = points.filter((run) => run.some(([a, b]) => a <= x && b <= y)).length
            const isAttained = surface.some(([a, b]) => a <= x && b <= y)
            expect(isAttained).toBe(10 * reaching >= tenths * points.length)
          }
        }
      }),
    )
  })

  it('ignores points that are not finite and reaches nothing with an empty run', () => {
    expect(attainmentSurface([[[1, NaN]], [[2, 3]]], 0.5)).toEqual([[2, 3]])
    expect(attainmentSurface([[], [[2, 3]]], 1)).toEqual([])
    expect(() => attainmentSurface([], 1)).toThrow(/at least one run/)
    expect(() => attainmentSurface([[[1, 2, 3]]], 1)).toThrow(/two metrics, not 3/)
    expect(() => attainmentSurface(runs, 0)).toThrow(/share \(0\)/)
  })
})
