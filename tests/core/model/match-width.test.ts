import { expect, it } from 'vitest'
import { countSpec } from '#core/model/counts.ts'
import { matchWidth, stackOfDepth } from '#core/model/match-width.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'

const pattern = parseSpecText('{vocabSize: 257} a{headDim: 32} f')
const at = (depth: number) => (width: number) => stackOfDepth(pattern.blocks, pattern.model, depth, width)

it('is the nearest of all allowed widths', () => {
  for (const [depth, params] of [
    [1, 30_000],
    [2, 100_000],
    [5, 400_000],
  ] as const) {
    const found = matchWidth(at(depth), params, { min: 32, max: 512, step: 16 })
    // every multiple of 32 is allowed, other multiples of 16 are not
    const distance = (width: number): number =>
      Math.abs(countSpec(resolveSpec(at(depth)(width)), 1).decoderParams - params)
    const best = Array.from({ length: 16 }, (_, i) => 32 * (i + 1)).reduce((a, b) =>
      distance(b) < distance(a) ? b : a,
    )
    expect(found.width).toBe(best)
    expect(found.spec.blocks).toHaveLength(depth)
    expect(found.relativeError).toBeCloseTo(found.params / params - 1)
  }
})

it('goes round the pattern', () => {
  expect(stackOfDepth(pattern.blocks, {}, 5, 64).blocks.map((b) => 'kind' in b && b.kind)).toEqual(
    [0, 1, 0, 1, 0].map((i) => (pattern.blocks[i] as { kind: string }).kind),
  )
})

it('says when no width fits', () => {
  expect(() => matchWidth(at(2), 1000, { min: 8, max: 24, step: 8 })).toThrow('no multiple of 8 from 8 to 24')
})
