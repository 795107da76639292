import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention } from '#core/blocks/attention.ts'
import { mamba2 } from '#core/blocks/mamba2.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { rng } from '#core/rng.ts'
import type { MutationKind } from '#core/search/space/encoding.ts'
import type { FreeGenome, Genome, Segment, Stage, StrictGenome } from '#core/search/space/genome.ts'
import { cross, mutate } from '#core/search/space/mutate.ts'
import { depthOf, encodeSpec, keyOf, makeSpace, parseGenome, sampleGenome, specOf } from '#core/search/space/space.ts'
import type { Space } from '#core/search/space/space.ts'
import { parseSpecText } from '#core/model/text.ts'
import { predictLatency } from '../../helpers/landscape.ts'

const SPACES: readonly Space[] = [
  makeSpace({}),
  makeSpace({ encoding: 'free' }),
  makeSpace({ maxBlocks: 8, minBlocks: 6, dModels: [512, 1024], widthTargetMs: 1.5 }, predictLatency),
  makeSpace({ encoding: 'free', maxBlocks: 7, minBlocks: 3, dModels: [512] }),
  makeSpace({
    channelCounts: [1],
    mixers: [{ kind: attention.kind, search: ['window', 'qkNorm'] }, mamba2.kind],
    dModels: [256],
  }),
]

/** Children of random parents of a space. */
function children(
  space: Space,
  count: number,
): {
  readonly parent: Genome
  readonly child: Genome
  readonly kind: MutationKind
  readonly before: string
  readonly after: string
}[] {
  return Array.from({ length: count }, (_, seed) => {
    const random = rng('mutate', seed)
    const parent = sampleGenome(space, random)
    const { genome, mutation } = mutate(parent, space, random)!
    return { parent, child: genome, ...mutation }
  })
}

describe('every child', () => {
  it.each(SPACES)('is a valid stack other than its parent: $config.encoding, $config.maxBlocks blocks', (space) => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(30), (seed, generations) => {
        const random = rng(seed)
        let genome = sampleGenome(space, random)
        for (let i = 0; i <= generations; i++) {
          const { genome: child, mutation } = mutate(genome, space, random)!
          expect(keyOf(child, space)).not.toBe(keyOf(genome, space))
          expect(mutation.before).not.toBe(mutation.after)
          expect(mutation.description).not.toBe('')
          genome = child
        }
        expect(resolveSpec(parseSpec(specOf(genome, space))).blocks.length).toBe(depthOf(genome, space))
        expect(depthOf(genome, space)).toBeGreaterThanOrEqual(space.config.minBlocks)
        expect(depthOf(genome, space)).toBeLessThanOrEqual(space.config.maxBlocks)
        // genomes have one form: what is stored is what is read, and what the spec means
        expect(parseGenome(JSON.parse(JSON.stringify(genome)), space)).toEqual(genome)
        expect(encodeSpec(specOf(genome, space), space)).toEqual(genome)
      }),
      { numRuns: 60 },
    )
  })

  it('depends on the stream alone', () => {
    const [space] = SPACES
    const parent = sampleGenome(space!, rng(1))
    expect(mutate(parent, space!, rng('x'))).toEqual(mutate(parent, space!, rng('x')))
  })
})

describe('the strict encoding', () => {
  const pairs = children(makeSpace({ dModels: [512, 1024] }), 3000)
  const changed = (parent: Genome, child: Genome, field: keyof Stage): boolean[] =>
    (parent as StrictGenome).stages.map(
      (stage, i) => JSON.stringify(stage[field]) !== JSON.stringify((child as StrictGenome).stages[i]![field]),
    )
  const present = (parent: Genome, child: Genome): boolean[] =>
    (parent as StrictGenome).stages.map(({ repeat }, i) => repeat > 0 && (child as StrictGenome).stages[i]!.repeat > 0)

  it('changes one thing, apart from repeats that repair cuts', () => {
    expect(new Set(pairs.map(({ kind }) => kind))).toEqual(
      new Set(['operator', 'ratio', 'channels', 'repeats', 'width']),
    )
    for (const { parent, child, kind } of pairs) {
      const here = present(parent, child)
      const count = (field: keyof Stage): number =>
        changed(parent, child, field).filter((is, i) => is && here[i]).length
      expect([count('mixers'), count('ratio'), count('channels')]).toEqual(
        kind === 'operator'
          ? [1, 0, 0]
          : kind === 'ratio'
            ? [expect.any(Number), 1, 0]
            : kind === 'channels'
              ? [0, 0, 1]
              : [0, 0, 0],
      )
      expect(child.dModel !== parent.dModel).toBe(kind === 'width')
    }
  })

  it('tries every kind about equally often', () => {
    for (const kind of ['operator', 'ratio', 'channels', 'repeats', 'width']) {
      const share = pairs.filter((pair) => pair.kind === kind).length / pairs.length
      expect(share).toBeGreaterThan(0.14)
      expect(share).toBeLessThan(0.26)
    }
  })

  it('swaps one operator for another, or the two of a block type', () => {
    for (const { parent, child, kind } of pairs) {
      if (kind !== 'operator') continue
      const index = changed(parent, child, 'mixers').indexOf(true)
      const [before, after] = [parent, child].map((genome) =>
        (genome as StrictGenome).stages[index]!.mixers.map((m) => m.kind),
      ) as [string[], string[]]
      expect(after).toHaveLength(before.length)
      const differing = before.filter((mixer, i) => mixer !== after[i]).length
      expect(differing === 1 || (differing === 2 && before[0] === after[1] && before[1] === after[0])).toBe(true)
    }
  })

  it('cuts overflow from the last stage', () => {
    const space = makeSpace({ dModels: [512], maxBlocks: 12 })
    const text = 'early:(a f)x2 middle:(d f)x2 late:(m2 f)x2'
    const parent = encodeSpec(parseSpecText(`{dModel: 512} ${text}`), space)
    const seen = new Map<string, string>()
    for (let seed = 0; seed < 500; seed++) {
      const { mutation } = mutate(parent, space, rng(seed))!
      seen.set(mutation.description, mutation.after)
    }
    expect(seen.get('early: channel mixers after each mixer: 1 becomes 2')).toBe(
      'early:(a f f)x2 middle:(d f)x2 late:(m2 f)x1',
    )
    expect(seen.get('middle: x2 becomes x3')).toBe('middle:(d f)x3 late:(m2 f)x1')
    expect(seen.get('early: x2 becomes x3, middle: x2 becomes x1')).toBe('early:(a f)x3 middle:(d f)x1')
    expect(seen.get('early: ratio 0:1 becomes 1:3 with d')).toBe('early:(a f d f d f d f)x1 middle:(d f)x2')
  })
})

describe('the free encoding', () => {
  const space = makeSpace({ encoding: 'free', dModels: [512] })
  const pairs = children(space, 3000)
  const units = (genome: Genome): string[] =>
    (genome as FreeGenome).segments.flatMap(({ units: list, repeat }: Segment) =>
      Array.from({ length: repeat }, () => list.map((unit) => JSON.stringify(unit))).flat(),
    )

  it('inserts, removes and moves units beside the changes of the paper', () => {
    expect(new Set(pairs.map(({ kind }) => kind))).toEqual(
      new Set(['operator', 'ratio', 'channels', 'repeats', 'insert', 'remove', 'move']),
    )
    for (const { parent, child, kind } of pairs) {
      const [before, after] = [units(parent), units(child)]
      // where there is no room, repair cuts repeats and units of the last segment
      const hadRoom = depthOf(parent, space) <= 15
      if (kind === 'insert' && hadRoom) expect(after.length).toBeGreaterThan(before.length)
      if (kind === 'remove') expect(after.length).toBeLessThan(before.length)
      if (kind === 'operator' || kind === 'channels') expect(after.length).toBeLessThanOrEqual(before.length)
      // a unit that moves between segments counts with the repeats of either
      if (kind === 'move') expect(new Set([...before, ...after]).size).toBe(new Set(before).size)
    }
  })

  it('changes one copy of a repeated segment as well as all of them', () => {
    const parent = encodeSpec(parseSpecText('{dModel: 512} (d f)x4'), space)
    const after = new Set(Array.from({ length: 400 }, (_, seed) => mutate(parent, space, rng(seed))!.mutation.after))
    expect(after).toContain('segment1:(a f)x4')
    expect(after).toContain('segment1:(d f)x1 segment2:(a f)x1 segment3:(d f)x2')
    expect(after).toContain('segment1:(d f)x3')
  })
})

describe('tiny spaces', () => {
  it('have no child', () => {
    const space = makeSpace({ mixers: [mamba2.kind], channelCounts: [0], maxBlocks: 1, dModels: [64] })
    const parent = sampleGenome(space, rng(1))
    expect(mutate(parent, space, rng(2))).toBeUndefined()
    expect(cross(parent, parent, space, rng(2))).toBeUndefined()
  })
})

describe('crossover', () => {
  it.each(SPACES)('has parts of both parents: $config.encoding, $config.maxBlocks blocks', (space) => {
    let found = 0
    for (let seed = 0; seed < 200; seed++) {
      const random = rng('cross', seed)
      const [a, b] = [sampleGenome(space, random), sampleGenome(space, random)]
      const child = cross(a, b, space, random)
      if (child === undefined) continue
      found++
      parseGenome(JSON.parse(JSON.stringify(child.genome)), space)
      expect([keyOf(a, space), keyOf(b, space)]).not.toContain(keyOf(child.genome, space))
      const parts = (genome: Genome): string[] =>
        genome.encoding === 'strict'
          ? genome.stages.map(({ mixers, ratio, channels }) => JSON.stringify([mixers, ratio, channels]))
          : genome.segments.flatMap(({ units }) => units.map((unit) => JSON.stringify(unit)))
      const known = new Set([...parts(a), ...parts(b)])
      expect(parts(child.genome).filter((part) => !known.has(part))).toEqual([])
    }
    expect(found).toBeGreaterThan(150)
  })
})
