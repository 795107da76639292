// Layout of the recall and copying tasks: what stands where, and how places are drawn.

import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { IGNORE, taskOf } from '#core/tasks/index.ts'
import type { ParamValues } from '#core/params.ts'

interface Row {
  readonly tokens: readonly number[]
  readonly targets: readonly number[]
  /** Positions that are asked about. */
  readonly asked: readonly number[]
}

function draw(kind: string, batchSize: number, seqLen: number, params: ParamValues): readonly Row[] {
  const batch = taskOf(kind).batch(rng('layout', kind), { batchSize, seqLen }, params)
  return Array.from({ length: batchSize }, (_, row) => {
    const tokens = [...batch.tokens.subarray(row * seqLen, (row + 1) * seqLen)]
    const targets = [...batch.targets.subarray(row * seqLen, (row + 1) * seqLen)]
    return { tokens, targets, asked: targets.flatMap((target, t) => (target === IGNORE ? [] : [t])) }
  })
}

/** Expects relative frequencies of `counts` to be `expected`, within five standard deviations. */
function expectFrequencies(counts: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  expect([...counts.keys()].every((name) => expected.has(name))).toBe(true)
  for (const [name, p] of expected)
    expect(Math.abs((counts.get(name) ?? 0) / total - p), name).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / total))
}

function countBy(rows: readonly Row[], name: (row: Row) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(name(row), (counts.get(name(row)) ?? 0) + 1)
  return counts
}

const distinct = (ids: readonly number[]): boolean => new Set(ids).size === ids.length

describe('mqar', () => {
  it('asks for each key once, at an even distance from the end of the pairs', () => {
    for (const { tokens, targets, asked } of draw('mqar', 200, 31, { vocabSize: 21, numKvPairs: 5 })) {
      const keys = tokens.slice(0, 10).filter((_, t) => t % 2 === 0)
      const values = tokens.slice(0, 10).filter((_, t) => t % 2 === 1)
      expect(distinct(keys) && keys.every((id) => id >= 1 && id < 10)).toBe(true)
      expect(distinct(values) && values.every((id) => id >= 10 && id < 21)).toBe(true)
      expect(asked.every((t) => t >= 10 && t % 2 === 0)).toBe(true)
      expect(asked.map((t) => tokens[t]!).sort()).toEqual([...keys].sort())
      for (const t of asked) expect(targets[t]).toBe(values[keys.indexOf(tokens[t]!)])
    }
  })

  it('fills with token 0 when asked to', () => {
    for (const { tokens, asked } of draw('mqar', 50, 32, { randomFiller: false }))
      expect(tokens.every((id, t) => (t < 8 || asked.includes(t) ? id !== 0 : id === 0))).toBe(true)
  })

  it('fills evenly with all tokens otherwise', () => {
    const filler = draw('mqar', 3000, 18, { vocabSize: 8, numKvPairs: 1 }).flatMap(({ tokens, asked }) =>
      tokens.filter((_, t) => t >= 2 && !asked.includes(t)).map((id) => ({ tokens: [id], targets: [], asked: [] })),
    )
    const expected = new Map(Array.from({ length: 8 }, (_, id) => [String(id), 1 / 8]))
    expectFrequencies(
      countBy(filler, ({ tokens }) => String(tokens[0])),
      expected,
    )
  })

  it.each([0.01, 0.5, 1])('draws slots in turn without replacement by the power law, a = %d', (powerA) => {
    // two pairs in slots 0, 1, 2: P(i then j) = p_i p_j / (1 - p_i)
    const weights = [1, 2, 3].map((g) => powerA * g ** (powerA - 1))
    const p = weights.map((w) => w / weights.reduce((sum, other) => sum + other))
    const expected = new Map<string, number>()
    for (const i of [0, 1, 2])
      for (const j of [0, 1, 2]) if (i !== j) expected.set(`${i},${j}`, (p[i]! * p[j]!) / (1 - p[i]!))
    const rows = draw('mqar', 20000, 10, { powerA, numKvPairs: 2 })
    const slotOf = ({ targets }: Row, value: number): number => (targets.indexOf(value) - 4) / 2
    expectFrequencies(
      countBy(rows, (row) => `${slotOf(row, row.tokens[1]!)},${slotOf(row, row.tokens[3]!)}`),
      expected,
    )
  })
})

describe('needle', () => {
  const places = (rows: readonly Row[]): readonly number[] => rows.map(({ tokens }) => tokens.indexOf(tokens.at(-1)!))

  it.each([
    [0, 0],
    [0.25, 5],
    [0.5, 10],
    [1, 20],
  ])('puts the needle at depth %d', (depth, start) => {
    expect(new Set(places(draw('needle', 50, 24, { depth })))).toEqual(new Set([start]))
    expect(new Set(places(draw('needle', 50, 24, { depth, numNeedles: 6 })))).toEqual(new Set([start]))
  })

  it('draws the depth evenly', () => {
    const rows = draw('needle', 10000, 12, {})
    const expected = new Map(Array.from({ length: 9 }, (_, start) => [String(start), 1 / 9]))
    expectFrequencies(
      countBy(rows, ({ tokens }) => String(tokens.indexOf(tokens.at(-1)!))),
      expected,
    )
  })

  it('holds so many pairs of distinct keys, filler, and one question at the end', () => {
    // 10 keys, 10 values, 10 fillers after the question mark
    for (const { tokens, targets, asked } of draw('needle', 200, 22, { vocabSize: 31, numNeedles: 7 })) {
      const body = tokens.slice(0, 20)
      const keyPlaces = body.flatMap((id, t) => (id >= 1 && id <= 10 ? [t] : []))
      expect(keyPlaces.length).toBe(7)
      expect(distinct(keyPlaces.map((t) => body[t]!))).toBe(true)
      for (const t of keyPlaces) expect(body[t + 1]! > 10 && body[t + 1]! <= 20).toBe(true)
      expect(body.filter((id) => id > 20).length).toBe(6)
      expect(tokens[20]).toBe(0)
      expect(asked).toEqual([21])
      expect(targets[21]).toBe(body[body.indexOf(tokens[21]!) + 1])
    }
  })
})

describe('induction', () => {
  it('has the special token at an even place and at the end', () => {
    const rows = draw('induction', 10000, 10, { vocabSize: 5 })
    for (const { tokens, asked } of rows) {
      expect(asked).toEqual([9])
      expect(tokens.filter((id) => id === 4).length).toBe(2)
      expect(tokens[9]).toBe(4)
    }
    const expected = new Map(Array.from({ length: 8 }, (_, place) => [String(place), 1 / 8]))
    expectFrequencies(
      countBy(rows, ({ tokens }) => String(tokens.indexOf(4))),
      expected,
    )
  })
})

describe('selective-copying', () => {
  it('asks for the data tokens in order at the blanks after the copy token', () => {
    for (const { tokens, targets, asked } of draw('selective-copying', 200, 20, { vocabSize: 6, numTokens: 5 })) {
      expect(tokens.indexOf(5)).toBe(14)
      expect(tokens.slice(15)).toEqual([4, 4, 4, 4, 4])
      expect(asked).toEqual([15, 16, 17, 18, 19])
      expect(targets.slice(15)).toEqual(tokens.slice(0, 14).filter((id) => id < 4))
    }
  })

  it('draws every choice of places equally often', () => {
    const rows = draw('selective-copying', 10000, 8, { numTokens: 2 })
    const name = ({ tokens }: Row): string =>
      tokens
        .slice(0, 5)
        .flatMap((id, t) => (id < 14 ? [t] : []))
        .join()
    const expected = new Map<string, number>()
    for (let i = 0; i < 5; i++) for (let j = i + 1; j < 5; j++) expected.set(`${i},${j}`, 1 / 10)
    expectFrequencies(countBy(rows, name), expected)
  })
})

describe('fuzzy-recall', () => {
  const params = { vocabSize: 13, numKvPairs: 3, maxKeyLen: 2, maxValueLen: 3 }

  /** The stream as pairs of key and value, with the token that only the last target shows. */
  function pairsOf({ tokens, targets }: Row): readonly (readonly [key: string, value: string])[] {
    const text = [...tokens, targets.at(-1)!]
      .filter((id) => id > 0)
      .map((id) => String.fromCharCode(96 + id))
      .join('')
    return [...text.matchAll(/([a-f]+)([g-l]+)/g)].map((match) => [match[1]!, match[2]!])
  }

  it('asks for all value tokens of repeated keys and nothing else', () => {
    for (const row of draw('fuzzy-recall', 300, 30, params)) {
      const pairs = pairsOf(row)
      const repeated = pairs.filter(([key], i) => pairs.findIndex(([other]) => other === key) < i)
      expect(
        row.targets
          .filter((id) => id > 0)
          .map((id) => String.fromCharCode(96 + id))
          .join(''),
      ).toBe(repeated.map(([, value]) => value).join(''))
      expect(repeated.at(-1)).toBe(pairs.at(-1))
      expect(new Set(pairs.map(([key]) => key)).size).toBe(new Set(pairs.map((pair) => pair.join('='))).size)
      expect(new Set(pairs.map(([key]) => key)).size).toBeLessThanOrEqual(3)
      for (const motif of pairs.flat()) expect(new Set(motif).size).toBe(motif.length)
    }
  })

  it('draws motifs of all lengths, or of the greatest only', () => {
    const lengths = (variableLen: boolean, part: 0 | 1): readonly number[] =>
      [
        ...new Set(
          draw('fuzzy-recall', 100, 30, { ...params, variableLen })
            .flatMap(pairsOf)
            .map((pair) => pair[part].length),
        ),
      ].sort()
    expect(lengths(true, 0)).toEqual([1, 2])
    expect(lengths(true, 1)).toEqual([1, 2, 3])
    expect(lengths(false, 0)).toEqual([2])
    expect(lengths(false, 1)).toEqual([3])
  })

  it('pads at the start only, by less than two pairs', () => {
    for (const { tokens } of draw('fuzzy-recall', 300, 30, params)) {
      const padding = tokens.findIndex((id) => id > 0)
      expect(padding).toBeLessThan(10)
      expect(tokens.slice(padding)).not.toContain(0)
    }
  })

  it('counts distinct keys when it checks their number', () => {
    // 2 key tokens make the keys a, b, ab, ba
    const count = (numKvPairs: number, more: ParamValues) => () =>
      taskOf('fuzzy-recall').vocabSize({ vocabSize: 5, maxKeyLen: 2, maxValueLen: 1, numKvPairs, ...more })
    expect(count(4, {})).not.toThrow()
    expect(count(5, {})).toThrow('numKvPairs (5) must be at most the 4 distinct keys')
    expect(count(2, { variableLen: false })).not.toThrow()
    expect(count(3, { variableLen: false })).toThrow('numKvPairs (3) must be at most the 2 distinct keys')
  })
})
