import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { glyphOf } from '#core/plots/strip.ts'
import { encodeSpec, keyOf, makeSpace } from '#core/search/index.ts'
import { sampleGenome } from '#core/search/space/space.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { Genome, Trial } from '#core/search/index.ts'
import { colorOf, resolvedOf } from '../../../src/renderer/views/search/board/specs.ts'

const space = makeSpace({
  encoding: 'free',
  dModels: [64, 128],
  mixers: [{ kind: 'attention', search: ['window'] }, 'deltanet', 'mamba2'],
})
const trialOf = (genome: Genome): Trial => ({
  number: 0,
  genome,
  key: keyOf(genome, space),
  parents: [],
  mutation: null,
  state: 'done',
  metrics: {},
})

describe('the colour of a trial', () => {
  it('is that of the mixer which most blocks of its stack are of', () => {
    for (let i = 0; i < 300; i++) {
      const trial = trialOf(sampleGenome(space, rng('colours', i)))
      const mixers = resolvedOf(trial, space).blocks.filter(({ block }) => block.category === 'sequence mixer')
      for (const side of ['light', 'dark'] as const) {
        const groups = [...Map.groupBy(mixers, (flat) => glyphOf(flat)[side])]
        const most = Math.max(...groups.map(([, own]) => own.length))
        expect(groups.filter(([, own]) => own.length === most).map(([color]) => color)).toContain(
          colorOf(trial, space, side),
        )
      }
    }
  })

  it('tells attention with a window from attention without', () => {
    const [whole, part] = ['a f a f d f', 'a{window: 512} f a{window: 512} f d f'].map((text) =>
      colorOf(trialOf(encodeSpec(parseSpecText(`{dModel: 64} ${text}`), space)), space, 'light'),
    )
    expect(whole).not.toBe(part)
  })
})
