import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairMerger, type Merge } from '#main/runtime/data/tokenizers/pair-merger.ts'

/** Merges the leftmost pair of lowest rank until none is left, by scanning all pairs each time. */
function naive(bytes: readonly number[], merges: readonly Merge[]): number[] {
  const ids = [...bytes]
  while (true) {
    let best = -1
    let at = -1
    for (let i = 0; i + 1 < ids.length; i++) {
      const rank = merges.findIndex(([left, right]) => left === ids[i] && right === ids[i + 1])
      if (rank >= 0 && (best < 0 || rank < best)) [best, at] = [rank, i]
    }
    if (best < 0) return ids
    ids.splice(at, 2, merges[best]![2])
  }
}

const byteIds = Uint32Array.from({ length: 256 }, (_, byte) => byte)

describe('pairMerger', () => {
  it('agrees with scanning for the lowest rank', () => {
    // few symbols and random merges of anything made so far give many overlaps and chains
    const cases = fc.record({
      choices: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 }),
      word: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }),
    })
    fc.assert(
      fc.property(cases, ({ choices, word }) => {
        const ids = [0, 1, 2, 3]
        const merges: Merge[] = []
        for (const [a, b] of choices) {
          const pair = [ids[a % ids.length]!, ids[b % ids.length]!] as const
          if (merges.some(([left, right]) => left === pair[0] && right === pair[1])) continue
          merges.push([...pair, 256 + merges.length])
          ids.push(255 + merges.length)
        }
        expect([...pairMerger(byteIds, merges, 1000)(Uint8Array.from(word))]).toEqual(naive(word, merges))
      }),
      { numRuns: 500 },
    )
  })

  it('merges a word of 262,144 bytes in less than quadratic time', () => {
    const merges: Merge[] = Array.from({ length: 16 }, (_, i) => {
      const token = i === 0 ? 97 : 255 + i
      return [token, token, 256 + i]
    })
    const ids = pairMerger(byteIds, merges, 1000)(new Uint8Array(2 ** 18).fill(97))
    expect(ids.length).toBe(4)
    expect(ids.every((id) => id === 271)).toBe(true)
  })
})
