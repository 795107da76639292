import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention } from '#core/blocks/attention.ts'
import { deltanet } from '#core/blocks/deltanet.ts'
import { ffn } from '#core/blocks/ffn.ts'
import { mamba2 } from '#core/blocks/mamba2.ts'
import { rwkv7 } from '#core/blocks/rwkv7.ts'
import { HeddleError } from '#core/errors.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { parseSpecText, printPattern } from '#core/model/text.ts'
import { rng } from '#core/rng.ts'
import { DEFAULT_SPACE, parseSpaceConfig } from '#core/search/space/config.ts'
import {
  depthOf,
  encodeSpec,
  encodings,
  fitWidth,
  keyOf,
  makeSpace,
  parseGenome,
  sampleGenome,
  sizeOfSpace,
  specOf,
} from '#core/search/space/space.ts'
import { enumerateStrict, predictLatency } from '../../helpers/landscape.ts'

/** The error that work throws. */
function errorOf(work: () => unknown): HeddleError {
  try {
    work()
  } catch (error) {
    if (error instanceof HeddleError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const SYMBOLS = ['a', 'm2', 'd', 'f']

describe('config', () => {
  it('defaults to the space of the paper', () => {
    const config = parseSpaceConfig({})
    expect(config).toEqual(DEFAULT_SPACE)
    expect(config.mixers.map(({ kind }) => kind)).toEqual([attention.kind, mamba2.kind, deltanet.kind])
    expect(config.dModels).toEqual([1024, 1280, 1536, 1792, 2048, 2304, 2560])
    expect(parseSpaceConfig(JSON.parse(JSON.stringify(config)))).toEqual(config)
  })

  it('brings lists to one order', () => {
    expect(parseSpaceConfig({ dModels: [512, 256, 512], channelCounts: [2, 0] })).toMatchObject({
      dModels: [256, 512],
      channelCounts: [0, 2],
    })
  })

  it.each([
    [[], 'space', 'must be an object'],
    [{ mixer: [] }, 'space.mixer', 'unknown field "mixer"'],
    [{ encoding: 'loose' }, 'space.encoding', 'must be one of strict, free'],
    [{ mixers: [] }, 'space.mixers', '1 to 32 items'],
    [{ mixers: ['transformer'] }, 'space.mixers[0].kind', 'unknown block "transformer"'],
    [{ mixers: [ffn.kind] }, 'space.mixers[0].kind', 'not a sequence mixer'],
    [{ channelMixers: [rwkv7.kind] }, 'space.channelMixers[0].kind', 'not a channel mixer'],
    [{ mixers: [{ kind: attention.kind, params: { windows: 1 } }] }, 'space.mixers[0].params.windows', 'unknown field'],
    [
      { mixers: [{ kind: attention.kind, search: ['rope'] }] },
      'space.mixers[0].search[0]',
      'not a searchable parameter',
    ],
    [
      { mixers: [{ kind: attention.kind, params: { window: 8 }, search: ['window'] }] },
      'space.mixers[0].search',
      'given in params and searched',
    ],
    [{ mixers: [{ kind: attention.kind, params: { window: -1 } }] }, 'space.mixers[0]', 'window (-1) must be'],
    [{ mixers: [attention.kind, attention.kind] }, 'space.mixers[1]', 'offered twice'],
    [{ dModels: [96, 160] }, 'space.mixers[0]', 'attention fits no dModel of the space: attention: headDim (128)'],
    [{ dModels: [0] }, 'space.dModels[0]', 'from 1 to 65536'],
    [{ dModels: [1.5] }, 'space.dModels[0]', 'must be an integer'],
    [{ minBlocks: 9, maxBlocks: 8 }, 'space.minBlocks', 'must not exceed maxBlocks'],
    [{ maxBlocks: 1e9 }, 'space.maxBlocks', 'from 1 to 256'],
    [{ channelCounts: [1], minBlocks: 7, maxBlocks: 7 }, 'space.maxBlocks', 'no stack has 7 to 7 blocks'],
    [{ widthTargetMs: 'fast' }, 'space.widthTargetMs', 'must be a number'],
    [{ widthTargetMs: 0 }, 'space.widthTargetMs', 'must be positive'],
    [{ widthTargetMs: 2 }, 'space.widthTargetMs', 'needs latencies'],
    [{ model: { dModel: 4 } }, 'space.model.dModel', 'unknown field'],
    [{ model: { vocabSize: 1 } }, 'space.model.vocabSize', 'from 2 to'],
    [{ seeds: ['a f', 'a gla'] }, 'space.seeds[1] blocks[1]', 'gla is not in the search space'],
    [{ seeds: ['a f('] }, 'space.seeds[0]', 'expected'],
    [{ seeds: ['{dModel: 384} a'] }, 'space.seeds[0] model.dModel', 'dModel (384) is not in the search space'],
  ])('refuses %j', (json, path, message) => {
    const error = errorOf(() => makeSpace(json))
    expect(error.path).toContain(path)
    expect(error.message).toContain(message)
  })
})

describe('operators', () => {
  it('offers every combination of searched parameters that each width allows', () => {
    const { mixers } = makeSpace({
      mixers: [{ kind: attention.kind, search: ['window', 'nKvHeads'] }, mamba2.kind],
      dModels: [128, 256],
    })
    // 1 head at width 128: two or four key heads do not divide it
    expect(mixers[0]).toEqual([
      { kind: attention.kind, params: { nKvHeads: 1 } },
      { kind: attention.kind },
      { kind: attention.kind, params: { window: 512, nKvHeads: 1 } },
      { kind: attention.kind, params: { window: 512 } },
    ])
    expect(mixers[1]).toEqual([{ kind: mamba2.kind }])
  })

  it('takes one kind twice with other parameters, and reads both back', () => {
    const space = makeSpace({
      encoding: 'free',
      mixers: [attention.kind, { kind: attention.kind, params: { window: 512 } }],
      dModels: [256],
    })
    const genome = encodeSpec(parseSpecText('{dModel: 256} a f a{window: 512} f f'), space)
    expect(printPattern(specOf(genome, space).blocks)).toBe('segment1:(a f a{window: 512} f f)x1')
    // a value that is the default by another name
    expect(keyOf(encodeSpec(parseSpecText('{dModel: 256} a{window: none}'), space), space)).toBe('256 a')
    expect(errorOf(() => encodeSpec(parseSpecText('{dModel: 256} a{window: 64}'), space)).message).toContain(
      'not in the search space',
    )
  })
})

describe('size', () => {
  it.each([[{ minBlocks: 1, maxBlocks: 9 }], [{ minBlocks: 5, maxBlocks: 8 }]])(
    'counts the strict genomes of %j',
    (limits) => {
      let count = 0
      enumerateStrict(limits.maxBlocks, (codes) => codes.length >= limits.minBlocks && count++)
      expect(sizeOfSpace(makeSpace({ ...limits, dModels: [512] }))).toEqual({ count, of: 'genomes' })
      expect(sizeOfSpace(makeSpace({ ...limits, dModels: [256, 512] })).count).toBe(2 * count)
      expect(sizeOfSpace(makeSpace({ ...limits, dModels: [256, 512], widthTargetMs: 1 }, () => 0)).count).toBe(count)
    },
  )

  it('counts the stacks of the free encoding', () => {
    // all strings of blocks in which every mixer has one or two channel mixers after it
    const stacks = (length: number): string[] =>
      length === 0 ? [''] : stacks(length - 1).flatMap((s) => ['a', 'd', 'f'].map((c) => s + c))
    const count = [1, 2, 3, 4, 5, 6, 7].flatMap(stacks).filter((s) => /^([ad]ff?)+$/.test(s)).length
    const space = makeSpace({
      encoding: 'free',
      mixers: [attention.kind, deltanet.kind],
      channelCounts: [1, 2],
      maxBlocks: 7,
      dModels: [512],
    })
    expect(sizeOfSpace(space)).toEqual({ count, of: 'stacks' })
  })
})

describe('samples', () => {
  it.each(encodings.map(({ kind }) => kind))('reach every depth, shape and mixer of a small %s space', (encoding) => {
    const space = makeSpace({ encoding, maxBlocks: 4, dModels: [512] })
    const random = rng('sample', encoding)
    const seen = new Set(Array.from({ length: 20_000 }, () => keyOf(sampleGenome(space, random), space)))
    const all = new Set<string>()
    if (encoding === 'strict')
      enumerateStrict(4, (codes) => all.add(`512 ${codes.map((code) => SYMBOLS[code]).join(' ')}`))
    else {
      const units = ['a', 'm2', 'd'].flatMap((mixer) => [mixer, `${mixer} f`, `${mixer} f f`])
      const grow = (text: string): void => {
        for (const unit of units) {
          const next = `${text} ${unit}`
          if (next.split(' ').length > 5) continue
          all.add(next)
          grow(next)
        }
      }
      grow('512')
    }
    expect([...seen].filter((key) => !all.has(key))).toEqual([])
    expect(seen.size / all.size).toBeGreaterThan(0.95)
  })

  it('are valid, within the limits, and the same from the same stream', () => {
    const config = fc.record({
      encoding: fc.constantFrom('strict', 'free'),
      maxBlocks: fc.integer({ min: 1, max: 40 }),
      channelCounts: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      searched: fc.boolean(),
    })
    fc.assert(
      fc.property(config, fc.nat(), ({ encoding, maxBlocks, channelCounts, searched }, seed) => {
        const mixers = [{ kind: mamba2.kind, ...(searched && { search: ['dState', 'expand'] }) }, attention.kind]
        const least = 1 + channelCounts[0]!
        const json = {
          encoding,
          mixers,
          channelCounts,
          minBlocks: Math.max(1, Math.min(least, maxBlocks)),
          maxBlocks: Math.max(least, maxBlocks),
          dModels: [64, 128],
        }
        const space = makeSpace(json)
        const genome = sampleGenome(space, rng(seed))
        const { blocks, settings } = resolveSpec(parseSpec(JSON.parse(JSON.stringify(specOf(genome, space)))))
        expect(blocks.length).toBe(depthOf(genome, space))
        expect(blocks.length).toBeGreaterThanOrEqual(json.minBlocks)
        expect(blocks.length).toBeLessThanOrEqual(json.maxBlocks)
        expect(json.dModels).toContain(settings.dModel)
        expect(sampleGenome(space, rng(seed))).toEqual(genome)
        expect(parseGenome(JSON.parse(JSON.stringify(genome)), space)).toEqual(genome)
      }),
      { numRuns: 200 },
    )
  })
})

describe('widths', () => {
  const json = { maxBlocks: 12, dModels: [512, 1024, 2048], widthTargetMs: 2 }

  it('are the largest whose latency meets the target, the smallest where none does', () => {
    const space = makeSpace(json, predictLatency)
    const random = rng('width')
    const widths = new Set<number>()
    for (let i = 0; i < 300; i++) {
      const genome = sampleGenome(space, random)
      const at = (dModel: number): number => predictLatency(specOf({ ...genome, dModel }, space))
      const allowed = json.dModels.filter((dModel) => at(dModel) <= 2)
      expect(genome.dModel).toBe(Math.max(512, ...allowed))
      widths.add(genome.dModel)
    }
    expect(widths).toEqual(new Set(json.dModels))
  })

  it('are the smallest where the prediction is not a number', () => {
    const space = makeSpace(json, () => NaN)
    expect(sampleGenome(space, rng(1)).dModel).toBe(512)
  })

  it('stay without a target', () => {
    const space = makeSpace({ dModels: [512, 1024] })
    const genome = { ...sampleGenome(space, rng(1)), dModel: 1024 }
    expect(fitWidth(genome, space)).toBe(genome)
  })
})

describe('seeds', () => {
  it('take the middle width, their own, or what meets the target', () => {
    const json = { seeds: ['(d f m2 f)x6', '{dModel: 2048} (a f)x4'], dModels: [512, 1024, 2048] }
    expect(makeSpace(json).seeds.map(({ dModel }) => dModel)).toEqual([1024, 2048])
    expect(makeSpace({ ...json, widthTargetMs: 1 }, () => 2).seeds.map(({ dModel }) => dModel)).toEqual([512, 512])
  })
})

describe('genomes as JSON', () => {
  const space = makeSpace({ maxBlocks: 8, dModels: [256] })
  const genome = JSON.parse(JSON.stringify(encodeSpec(parseSpecText('{dModel: 256} (a f)x2 (m2 d d)x1'), space)))

  it.each([
    [(g: typeof genome) => ({ ...g, encoding: 'free' }), 'genome.encoding'],
    [(g: typeof genome) => ({ ...g, dModel: 512 }), 'genome.dModel'],
    [(g: typeof genome) => ({ ...g, extra: 1 }), 'genome.extra'],
    [(g: typeof genome) => ({ ...g, stages: g.stages.slice(1) }), 'genome.stages'],
    [
      (g: typeof genome) => ({ ...g, stages: [{ ...g.stages[0], repeat: 0 }, ...g.stages.slice(1)] }),
      'genome.stages[0].repeat',
    ],
    [(g: typeof genome) => ({ ...g, stages: [{ ...g.stages[0], repeat: 4 }, ...g.stages.slice(1)] }), 'genome'],
    [
      (g: typeof genome) => ({ ...g, stages: [{ ...g.stages[0], ratio: '2:1' }, ...g.stages.slice(1)] }),
      'genome.stages[0].ratio',
    ],
    [
      (g: typeof genome) => ({ ...g, stages: [{ ...g.stages[0], ratio: '1:1' }, ...g.stages.slice(1)] }),
      'genome.stages[0].mixers',
    ],
    [
      (g: typeof genome) => ({ ...g, stages: [{ ...g.stages[0], mixers: [{ kind: 'gla' }] }, ...g.stages.slice(1)] }),
      'genome.stages[0].mixers[0]',
    ],
    [
      (g: typeof genome) => ({
        ...g,
        stages: [
          { ...g.stages[0], channels: [{ kind: 'ffn' }, { kind: 'ffn' }, { kind: 'ffn' }] },
          ...g.stages.slice(1),
        ],
      }),
      'genome.stages[0].channels',
    ],
    [() => null, 'genome'],
  ])('refuses a broken one: %#', (damage, path) => {
    expect(parseGenome(genome, space)).toEqual(genome)
    const error = errorOf(() => parseGenome(damage(genome), space))
    expect([error.code, error.path]).toEqual(['param-invalid', path])
  })
})
