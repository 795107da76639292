import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { normalPairs } from '#core/normals.ts'
import { rng } from '#core/rng.ts'

it('normals into an array are those drawn one by one, whatever was drawn before', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 4090, max: 8200 })), { maxLength: 4 }),
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

it('normals into an array are those of the library functions, bit for bit, at the edges of their tables as well', () => {
  const random = rng('edges')
  const near = (edge: number): number => (edge + random.integer(64) - 32) >>> 0
  const places = [
    () => random.integer(2 ** 32),
    () => near(2 ** random.integer(33)),
    () => near(2 ** 20 * random.integer(4097)),
  ]
  const uniform = new Uint32Array(3 * 2 ** 16)
  for (let i = 0; i < uniform.length; i++) uniform[i] = random.pick(places)()
  for (const scale of [1, 0.02, -3e5, 1e-42, 0]) {
    const fast = new Float32Array(uniform.length)
    normalPairs(uniform, fast, 0, uniform.length, scale)
    const plain = new Float32Array(uniform.length)
    for (let i = 0; i < uniform.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform[i]! / 2 ** 32))
      const angle = 2 * Math.PI * (uniform[i + 1]! / 2 ** 32)
      plain[i] = scale * (radius * Math.cos(angle))
      plain[i + 1] = scale * (radius * Math.sin(angle))
    }
    expect(Buffer.compare(Buffer.from(fast.buffer), Buffer.from(plain.buffer))).toBe(0)
  }
})
