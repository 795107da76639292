import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { permutation } from '#main/runtime/data/permutation.ts'

describe('permutation', () => {
  it('takes every element exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer(), (size, seed) => {
        const at = permutation(size, seed)
        const seen = new Set(Array.from({ length: size }, (_, place) => at(place)))
        expect(seen.size).toBe(size)
        expect(Math.min(...seen)).toBe(0)
        expect(Math.max(...seen)).toBe(size - 1)
      }),
    )
  })

  it('has no collisions in a domain that needs more than 32 bits', () => {
    const size = 2 ** 45 + 12_345
    const at = permutation(size, 'large')
    const found = Array.from({ length: 20_000 }, (_, i) => at(i * 1_234_567_891))
    expect(new Set(found).size).toBe(found.length)
    expect(found.every((value) => Number.isInteger(value) && value >= 0 && value < size)).toBe(true)
    // spread over the whole domain: the mean of uniform draws lies within four standard errors
    const mean = found.reduce((sum, value) => sum + value / size, 0) / found.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 / Math.sqrt(12 * found.length))
  })

  it('follows from its keys alone', () => {
    const first = Array.from({ length: 100 }, (_, place) => permutation(100, 3, 1)(place))
    expect(Array.from({ length: 100 }, (_, place) => permutation(100, 3, 1)(place))).toEqual(first)
    expect(Array.from({ length: 100 }, (_, place) => permutation(100, 3, 2)(place))).not.toEqual(first)
    expect(Array.from({ length: 100 }, (_, place) => permutation(100, 4, 1)(place))).not.toEqual(first)
  })

  it('mixes: neighbours do not stay neighbours', () => {
    const size = 10_000
    const at = permutation(size, 7)
    let close = 0
    for (let place = 1; place < size; place++) if (Math.abs(at(place) - at(place - 1)) <= 10) close++
    // 20 of 10,000 places are that close, so about 20 of the pairs are by chance
    expect(close).toBeLessThan(60)
  })

  it('refuses sizes and places out of range', () => {
    expect(() => permutation(0)).toThrow(RangeError)
    expect(() => permutation(2.5)).toThrow(RangeError)
    expect(() => permutation(5)(5)).toThrow(RangeError)
    expect(() => permutation(5)(-1)).toThrow(RangeError)
  })
})
