import { expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { drawDistinct, fillUniform, idRange } from '#core/tasks/sampling.ts'

it('lists the ids of a part of the vocabulary', () => {
  expect(idRange(5, 3)).toEqual(Int32Array.of(5, 6, 7))
  expect(idRange(5, 0).length).toBe(0)
})

it('fills with every id of a part equally often', () => {
  const tokens = new Int32Array(40000)
  fillUniform(rng('fill'), tokens, 3, 4)
  for (const id of [3, 4, 5, 6]) {
    const share = tokens.filter((token) => token === id).length / tokens.length
    expect(Math.abs(share - 1 / 4)).toBeLessThan(5 * Math.sqrt(3 / 16 / tokens.length))
  }
})

it('draws every ordered choice of distinct elements equally often, also from a used pool', () => {
  const random = rng('distinct')
  for (const reuse of [false, true]) {
    const draws = 24000
    const counts = new Map<string, number>()
    let pool = idRange(1, 4)
    for (let i = 0; i < draws; i++) {
      if (!reuse) pool = idRange(1, 4)
      drawDistinct(random, pool, 3)
      expect(pool.reduce((sum, id) => sum + id)).toBe(10)
      const name = pool.subarray(0, 3).join()
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    for (const count of counts.values())
      expect(Math.abs(count / draws - 1 / 24)).toBeLessThan(5 * Math.sqrt(23 / 576 / draws))
  }
})
