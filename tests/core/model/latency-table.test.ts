import fc from 'fast-check'
import { expect, it } from 'vitest'
import { costAt, latencyNeeds, predictLatency, worthRemeasuring } from '#core/model/latency-table.ts'
import type { LatencyEntry } from '#core/model/latency-table.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'

const AT = { phase: 'decode', batch: 1, context: 64 } as const
const resolved = (pattern: string) => resolveSpec(parseSpecText(`{dModel: 64, vocabSize: 300} ${pattern}`))

/** A table in which the i-th need of a stack costs i + 1 ms, with an interval of a tenth of it either way. */
function planted(pattern: string): LatencyEntry[] {
  return latencyNeeds(resolved(pattern)).map(({ part, kind, paramsHash, dModel }, i) => ({
    ...AT,
    part,
    kind,
    paramsHash,
    dModel,
    ms: i + 1,
    low: 0.9 * (i + 1),
    high: 1.1 * (i + 1),
  }))
}

it('adds floor, embedding, head and every block', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'f', 'd'), { minLength: 1, maxLength: 20 }), (symbols) => {
      const table = planted('a f d')
      const cost = { a: 4, f: 5, d: 6 }
      const sum = symbols.reduce((total, s) => total + cost[s as 'a'], 6)
      const p = predictLatency(resolved(symbols.join(' ')), table, AT)
      expect(p.source).toBe('predicted')
      expect(p.ms).toBeCloseTo(sum)
      expect(p.low).toBeLessThan(p.ms)
      expect(p.high).toBeGreaterThan(p.ms)
      expect(p.missing).toEqual([])
    }),
  )
})

it('says what is missing instead of guessing', () => {
  const p = predictLatency(resolved('a f m2{dState: 32} f'), planted('a f'), AT)
  expect(p.ms).toBeNaN()
  expect(p.missing).toEqual(['m2{dState: 32} at width 64'])
  expect(predictLatency(resolved('a'), planted('a'), { ...AT, context: 128 }).missing).toHaveLength(3)
  expect(
    predictLatency(resolveSpec(parseSpecText('{dModel: 64, vocabSize: 400} a')), planted('a'), AT).missing,
  ).toEqual(['embedding at width 64', 'head at width 64'])
})

it('never predicts less than no time from differences that noise made negative', () => {
  const noisy = planted('a f').map((entry, i) => (i === 0 ? entry : { ...entry, ms: -entry.ms, low: -2 * entry.ms }))
  const p = predictLatency(resolved('a f a f'), noisy, AT)
  expect(p.ms).toBe(1)
  expect(p.low).toBeLessThan(0)
  expect(
    costAt(
      {
        ms: -1,
        perCopy: [
          { copies: 1, ms: -3 },
          { copies: 3, ms: 2 },
        ],
      },
      0,
      0,
    ),
  ).toBe(0)
})

it('takes the cost of a copy in a stack of copies that takes as long', () => {
  const entry = {
    ms: 9,
    perCopy: [
      { copies: 1, ms: 1 },
      { copies: 3, ms: 2 },
      { copies: 6, ms: 5 },
    ],
  }
  expect([0.5, 1, 3.5, 6, 18, 30, 99].map((total) => costAt(entry, 0, total))).toEqual([1, 1, 1.5, 2, 3.5, 5, 5])
  expect(costAt({ ms: 9 }, 0, 4)).toBe(9)
})

it('gives stacks of copies back as they were measured, and mixed ones between them', () => {
  const rising = [
    { copies: 1, ms: 1 },
    { copies: 3, ms: 2 },
    { copies: 6, ms: 5 },
  ]
  const flat = [
    { copies: 1, ms: 1 },
    { copies: 6, ms: 1 },
  ]
  const table = planted('a f').map((e) =>
    e.part === 'block' ? { ...e, perCopy: e.kind === resolved('a').blocks[0]!.block.kind ? rising : flat } : e,
  )
  const outside = 1 + 2 + 3
  const ms = (pattern: string): number => predictLatency(resolved(pattern), table, AT).ms
  for (const { copies, ms: each } of rising)
    expect(ms(Array.from({ length: copies }, () => 'a').join(' '))).toBeCloseTo(outside + copies * each)
  expect(ms('f f f f f f')).toBeCloseTo(outside + 6)
  // three costly blocks cost more among others than alone, and less than among as many of their own
  expect(ms('a a a f f f')).toBeGreaterThan(outside + 3 * 2 + 3)
  expect(ms('a a a f f f')).toBeLessThan(outside + 3 * 5 + 3)
})

it('ranks entries by interval times use', () => {
  const [first] = worthRemeasuring([resolved('a a a f'), resolved('a a')], planted('a f'), AT)
  expect(first!.name).toBe('a')
  expect(first!.uses).toBe(5)
  expect(first!.uncertainty).toBeCloseTo(5 * 0.8)
})
