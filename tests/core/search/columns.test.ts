import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { failuresOf, trialsOf, withMetrics } from '#core/search/index.ts'
import type { TrialColumns } from '#core/search/index.ts'
import { keyOf, makeSpace, sampleGenome } from '#core/search/space/space.ts'
import { decodeWire, encodeWire } from '#core/wire.ts'

const space = makeSpace({ dModels: [64, 128], mixers: ['attention', 'deltanet'] })
const genomes = Array.from({ length: 3 }, (_, i) => sampleGenome(space, rng('columns', i)))

/** Three trials: one done, one failed, one that runs; with changes. */
const columns = (change: Partial<TrialColumns> = {}): TrialColumns => ({
  numbers: Int32Array.of(0, 1, 2),
  states: ['done', 'failed', 'running'],
  metrics: ['{"valLoss":2.5,"tpotMs":null}', null, null],
  mutations: genomes.map((genome, i) => JSON.stringify({ genome, parents: i === 2 ? [0] : [], mutation: null })),
  errors: [[1, '{"code":"train-diverged","message":"the loss is NaN"}']],
  ...change,
})
const first = (text: string): readonly (string | null)[] => [text, null, null]

describe('trials as columns', () => {
  it('are read as their rows would be', () => {
    expect(trialsOf(columns(), space).map((trial) => ({ ...trial, key: trial.key }))).toEqual(
      genomes.map((genome, number) => ({
        number,
        genome,
        key: keyOf(genome, space),
        parents: number === 2 ? [0] : [],
        mutation: null,
        state: ['done', 'failed', 'running'][number],
        metrics: number === 0 ? { valLoss: 2.5, tpotMs: null } : {},
      })),
    )
    expect(failuresOf(columns())).toEqual(new Map([[1, 'the loss is NaN']]))
  })

  it('travel with their keys', () => {
    const sent = decodeWire(encodeWire(trialsOf(columns(), space))) as { readonly key: string }[]
    expect(sent.map(({ key }) => key)).toEqual(genomes.map((genome) => keyOf(genome, space)))
  })

  it('keep their keys with other metrics', () => {
    const [trial] = trialsOf(columns(), space)
    const other = withMetrics(trial!, { valLoss: 1 })
    expect([other.key, other.number, other.metrics]).toEqual([trial!.key, 0, { valLoss: 1 }])
  })

  it('share the operators of their space', () => {
    const known = new Set([...space.mixers, ...space.channelMixers].flat())
    for (const { genome } of trialsOf(columns(), space))
      for (const { unit } of space.encoding.units(genome))
        for (const operator of [unit.mixer, ...unit.channels]) expect(known.has(operator)).toBe(true)
  })

  it.each([
    [{ states: ['done', 'lost', 'running'] }, 'trial 1: state ("lost") must be one of running, done'],
    [{ metrics: first('{"valLoss": "low"}') }, 'trial 0: metrics.valLoss ("low") must be a number'],
    [{ metrics: first('[1]') }, 'trial 0: metrics ([1]) must be an object'],
    [{ metrics: first('{') }, 'trial 0: metrics ("{") must be JSON'],
    [{ mutations: first('7') }, 'trial 0: mutation (7) must be an object'],
  ])('name what is damaged: %j', (change, message) => {
    expect(() => trialsOf(columns(change), space)).toThrow(
      expect.objectContaining({ code: 'store-invalid', message: expect.stringContaining(message) }),
    )
  })

  it('name an error without a message', () => {
    expect(() => failuresOf(columns({ errors: [[1, '{"code":"x"}']] }))).toThrow('trial 1: error.message')
  })
})
