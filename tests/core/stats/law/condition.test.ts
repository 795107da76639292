import { describe, expect, it } from 'vitest'
import { conditionNumber } from '#core/stats/law/condition.ts'

describe('conditionNumber', () => {
  it('is 1 for orthogonal columns of any length', () => {
    expect(conditionNumber([Float64Array.of(5, 0, 0), Float64Array.of(0, 0.001, 0)])).toBeCloseTo(1, 12)
    expect(conditionNumber([])).toBe(1)
  })

  it('follows the angle of two columns', () => {
    // singular values of two unit vectors at an angle t: sqrt(1 + cos t), sqrt(1 - cos t)
    for (const angle of [1, 0.1, 0.001]) {
      const columns = [Float64Array.of(3, 0), Float64Array.of(Math.cos(angle), Math.sin(angle))]
      const expected = Math.sqrt((1 + Math.cos(angle)) / (1 - Math.cos(angle)))
      expect(conditionNumber(columns) / expected).toBeCloseTo(1, 6)
    }
  })

  it('agrees with numpy.linalg.cond after scaling the columns', () => {
    const columns = [Float64Array.of(1, 1, 1, 1), Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 4, 9, 16)]
    expect(conditionNumber(columns)).toBeCloseTo(29.30023880023473, 9)
  })

  it('is huge for dependent columns and leaves out zeros', () => {
    const column = Float64Array.of(1, 2, 3)
    expect(conditionNumber([column, column.map((value) => 2 * value)])).toBeGreaterThan(1e14)
    expect(conditionNumber([column, new Float64Array(3)])).toBe(1)
    expect(conditionNumber([Float64Array.of(1), Float64Array.of(2)])).toBe(Infinity)
  })
})
