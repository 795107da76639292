import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention } from '#core/blocks/attention.ts'
import { ffn } from '#core/blocks/ffn.ts'
import { mamba2 } from '#core/blocks/mamba2.ts'
import { rwkv7ChannelMix } from '#core/blocks/rwkv7.ts'
import { hashSpec, isGroup } from '#core/model/spec.ts'
import type { StackItem } from '#core/model/spec.ts'
import { parseSpecText, printPattern } from '#core/model/text.ts'
import { rng } from '#core/rng.ts'
import { blocksOf } from '#core/search/space/genome.ts'
import type { FreeGenome, StrictGenome } from '#core/search/space/genome.ts'
import { encodeSpec, makeSpace, sampleGenome, specOf } from '#core/search/space/space.ts'

// arXiv 2511.18890 table 2
const LATENCY_OPTIMUM = 'd f m2 f a f m2 f d f m2 f a f m2 f d f m2 f d f m2 f'
const PARAMETER_OPTIMUM = '(m2 f a f a f d)x3 m2 f a f d f f'

const strict = makeSpace({ dModels: [1024, 2048] })
const free = makeSpace({ encoding: 'free', dModels: [1024, 2048] })

const inStrict = (text: string) => encodeSpec(parseSpecText(`{dModel: 1024} ${text}`), strict) as StrictGenome
const inFree = (text: string) => encodeSpec(parseSpecText(`{dModel: 1024} ${text}`), free) as FreeGenome
const textOf = (genome: StrictGenome | FreeGenome): string =>
  printPattern(specOf(genome, genome.encoding === 'strict' ? strict : free).blocks)

it.each([
  ['strict', strict],
  ['free', free],
] as const)('the units of the %s encoding count what its items unroll to', (_, space) => {
  for (let i = 0; i < 200; i++) {
    const genome = sampleGenome(space, rng('units', i))
    const counted = space.encoding
      .units(genome)
      .flatMap(({ unit, count }) => Array.from({ length: count }, () => blocksOf([unit])).flat())
    const unrolled = specOf(genome, space).blocks.flatMap((item) =>
      isGroup(item) ? Array.from({ length: item.repeat }, () => item.blocks).flat() : [item],
    )
    const symbols = (blocks: readonly StackItem[]): string[] => blocks.map((block) => printPattern([block])).sort()
    expect(symbols(counted)).toEqual(symbols(unrolled))
  }
})

describe('the free encoding', () => {
  it.each([
    [LATENCY_OPTIMUM, 24, { d: 4, a: 2, m2: 6, f: 12 }],
    [PARAMETER_OPTIMUM, 28, { m2: 4, a: 7, d: 4, f: 13 }],
  ])('expresses the published optimum %s', (text, depth, counts) => {
    const spec = parseSpecText(`{dModel: 2048} ${text}`)
    const genome = encodeSpec(spec, free)
    const decoded = specOf(genome, free)
    expect(hashSpec(decoded)).toBe(hashSpec(spec))
    expect(encodeSpec(decoded, free)).toEqual(genome)
    expect(encodeSpec(parseSpecText(`{dModel: 2048} ${printPattern(decoded.blocks)}`), free)).toEqual(genome)
    const symbols = printPattern(
      decoded.blocks.flatMap((item) =>
        'repeat' in item ? Array.from({ length: item.repeat }, () => item.blocks).flat() : [item],
      ),
    ).split(' ')
    expect(symbols).toHaveLength(depth)
    expect(
      Object.fromEntries(Object.keys(counts).map((symbol) => [symbol, symbols.filter((s) => s === symbol).length])),
    ).toEqual(counts)
  })

  it('keeps the groups of a spec and labels them', () => {
    expect(textOf(inFree('(m2 f a f a f d)x3 m2 f a f d f f'))).toBe(
      'segment1:(m2 f a f a f d)x3 segment2:(m2 f a f d f f)x1',
    )
    expect(textOf(inFree('a f ((d f)x2 a)x2 d'))).toBe('segment1:(a f)x1 segment2:(d f d f a)x2 segment3:(d)x1')
    expect(textOf(inFree('(a f)x2 (a f)x1 !gla d'))).toBe('segment1:(a f)x3 segment2:(d)x1')
  })

  it('divides a spec anew where a group starts with a channel mixer', () => {
    expect(textOf(inFree('a (f d)x2'))).toBe('segment1:(a f d f d)x1')
    expect(textOf(inFree('(a f)x2 f'))).toBe('segment1:(a f a f f)x1')
  })

  it.each([
    ['f a', 'starts with a sequence mixer, not ffn'],
    ['a f f f', '3 channel mixers after it'],
    ['(a f)x20', 'the stack has 40 blocks'],
    ['', 'the stack has 0 blocks'],
    ['a gla f', 'gla is not in the search space'],
    ['a{window: 64}', 'not in the search space'],
  ])('refuses %s', (text, message) => {
    expect(() => inFree(text)).toThrow(message)
  })

  it('takes channel mixers of several kinds', () => {
    const space = makeSpace({ encoding: 'free', channelMixers: [ffn.kind, rwkv7ChannelMix.kind], dModels: [256] })
    const text = 'segment1:(a f r7f d r7f)x2'
    expect(printPattern(specOf(encodeSpec(parseSpecText(`{dModel: 256} ${text}`), space), space).blocks)).toBe(text)
  })
})

describe('the strict encoding', () => {
  it.each([LATENCY_OPTIMUM, PARAMETER_OPTIMUM])('does not express the published optimum %s', (text) => {
    expect(() => inStrict(text)).toThrow('not three stages')
  })

  it.each([
    ['early:(d f m2 f)x3 middle:(a f f)x2 late:(m2 a a a)x1'],
    ['early:(a f)x2 middle:(a f)x2 late:(a f)x2'],
    ['early:(d)x1'],
    ['early:(d f)x2 late:(m2 d d)x3'],
  ])('reads back %s', (text) => {
    expect(textOf(inStrict(text))).toBe(text)
  })

  it('divides flat stacks and groups without labels', () => {
    expect(textOf(inStrict('a f a f a f'))).toBe('early:(a f)x3')
    expect(textOf(inStrict('d f m2 f d f m2 f a a'))).toBe('early:(d f m2 f)x2 middle:(a)x2')
    expect(textOf(inStrict('d m2 m2 m2 a f f m2 d'))).toBe('early:(d m2 m2 m2)x1 middle:(a f f)x1 late:(m2 d)x1')
    expect(textOf(inStrict('(a f a f)x2 (d f)x1 (m2)x4'))).toBe('early:(a f)x4 middle:(d f)x1 late:(m2)x4')
    // labels out of order are only labels
    expect(textOf(inStrict('late:(a f)x2 early:(d)x1'))).toBe('early:(a f)x2 middle:(d)x1')
  })

  it.each([
    ['a d m2 a d m2 d a m2', 'not three stages'],
    ['a f d f f a f d f f', 'not three stages'],
    ['a d d d d', 'early'],
  ])('takes %s only if it fits', (text, expected) => {
    // a d d d d is a x1, d x4
    if (expected === 'early') expect(textOf(inStrict(text))).toBe('early:(a)x1 middle:(d)x4')
    else expect(() => inStrict(text)).toThrow(expected)
  })

  it('has stages of at most two mixers in the ratios of the paper', () => {
    const random = rng('template')
    const shapes = new Set<string>()
    for (let i = 0; i < 3000; i++) {
      const { stages } = sampleGenome(strict, random) as StrictGenome
      expect(stages).toHaveLength(3)
      for (const { mixers, ratio, channels } of stages) {
        expect(mixers.length).toBe(ratio === '0:1' ? 1 : 2)
        expect(mixers[0]).not.toEqual(mixers[1])
        shapes.add(`${ratio} ${channels.length}`)
      }
    }
    expect(shapes.size).toBe(12)
  })
})

it.each([strict, free])('decoding and encoding are inverse: $config.encoding', (space) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const genome = sampleGenome(space, rng('inverse', seed))
      const spec = specOf(genome, space)
      expect(encodeSpec(spec, space)).toEqual(genome)
      expect(encodeSpec(parseSpecText(`{dModel: ${genome.dModel}} ${printPattern(spec.blocks)}`), space)).toEqual(
        genome,
      )
    }),
    { numRuns: 300 },
  )
})

it('variants of one kind survive both ways', () => {
  const json = {
    mixers: [
      { kind: attention.kind, search: ['window'] },
      { kind: mamba2.kind, params: { expand: 1 }, search: ['dState'] },
    ],
    dModels: [256],
  }
  for (const encoding of ['strict', 'free']) {
    const space = makeSpace({ ...json, encoding })
    for (let seed = 0; seed < 50; seed++) {
      const genome = sampleGenome(space, rng(seed))
      expect(encodeSpec(specOf(genome, space), space)).toEqual(genome)
    }
  }
})
