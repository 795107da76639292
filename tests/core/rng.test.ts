import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { rng } from '#core/rng.ts'

it('normals into an array are those drawn one by one, whatever was drawn before', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
      (before, sizes) => {
        const [one, whole] = [rng('same'), rng('same')]
        for (let i = 0; i < before; i++) expect(whole.normal()).toBe(one.normal())
        for (const size of sizes) {
          const array = new Float32Array(size)
          whole.fillNormal(array, 0.02)
          expect(array).toEqual(Float32Array.from({ length: size }, () => 0.02 * one.normal()))
        }
        expect(whole.uniform()).toBe(one.uniform())
      },
    ),
  )
})
