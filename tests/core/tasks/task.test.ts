import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { integer } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { defineTask, drawBatch, IGNORE, splitOf } from '#core/tasks/task.ts'

/** Asks for the last token of a sequence of random digits below `base`. */
const echo = defineTask({
  kind: 'echo',
  title: 'Echo',
  doc: 'Repeats the last token.',
  params: {
    base: integer({ doc: 'Number of digits.', default: 10, min: 1, max: 100 }),
    least: integer({ doc: 'Shortest length.', default: 4, min: 1, max: 100 }),
  },
  scoreName: 'accuracy on the last token',
  defaultSeqLen: 8,
  conflict: ({ base, least }) =>
    least > base ? { param: 'least', message: `least (${least}) must be at most base (${base})` } : undefined,
  vocabSize: ({ base }) => base,
  shortest: ({ least }) => ({ seqLen: least, rule: `least (${least})` }),
  chance: ({ base }) => 1 / base,
  writer:
    ({ base }) =>
    (random, tokens, targets) => {
      for (let t = 0; t < tokens.length; t++) tokens[t] = random.integer(base)
      targets[tokens.length - 1] = tokens.at(-1)!
    },
})

describe('batch', () => {
  it('marks positions that are not asked about', () => {
    const { tokens, targets } = echo.batch(rng(1), { batchSize: 3, seqLen: 5 }, {})
    expect([...targets].map((id, i) => (i % 5 === 4 ? id === tokens[i] : id === IGNORE))).toEqual(Array(15).fill(true))
  })

  it.each([
    [{ batchSize: 0, seqLen: 8 }, {}, 'batchSize', 'echo: batchSize (0) must be a positive integer'],
    [{ batchSize: 1.5, seqLen: 8 }, {}, 'batchSize', 'echo: batchSize (1.5) must be a positive integer'],
    [{ batchSize: 1, seqLen: 3 }, {}, 'seqLen', 'echo: seqLen (3) must be an integer of at least least (4) = 4'],
    [{ batchSize: 1, seqLen: 4.5 }, {}, 'seqLen', 'echo: seqLen (4.5) must be an integer of at least least (4) = 4'],
    [
      { batchSize: 2 ** 20, seqLen: 17 },
      {},
      'batchSize',
      'echo: batchSize (1048576) x seqLen (17) must be at most 16777216 tokens',
    ],
    [{ batchSize: 1, seqLen: 8 }, { base: 3 }, 'params.least', 'echo: least (4) must be at most base (3)'],
    [{ batchSize: 1, seqLen: 8 }, { base: 101 }, 'params.base', 'base (101) must be an integer from 1 to 100'],
  ])('refuses %j with %j', (size, params, path, message) => {
    const draw = () => echo.batch(rng(1), size, params)
    expect(draw).toThrow(HeddleError)
    expect(draw).toThrow(expect.objectContaining({ code: 'param-invalid', path, message }))
  })

  it('says so when a split has no sequence of the length', () => {
    // one digit makes a single sequence, which is in one split only
    const size = { batchSize: 1, seqLen: 4 }
    const params = { base: 1, least: 1 }
    const split = splitOf(new Int32Array(4))
    const other = split === 'train' ? 'test' : 'train'
    expect(echo.batch(rng(1), { ...size, split }, params).tokens).toEqual(new Int32Array(4))
    expect(() => echo.batch(rng(1), { ...size, split: other }, params)).toThrow(
      `echo: seqLen (4) leaves no sequence for the ${other} split`,
    )
  })
})

describe('score', () => {
  it('counts right answers where there is a target, and nothing elsewhere', () => {
    const targets = Int32Array.of(IGNORE, 3, IGNORE, 0, 7, 2)
    const batch = { batchSize: 2, seqLen: 3, tokens: new Int32Array(6), targets }
    expect(echo.score(Int32Array.of(9, 3, 9, 0, 7, 1), batch)).toEqual({ correct: 3, total: 4 })
    expect(echo.score(Int32Array.of(IGNORE, 0, IGNORE, 1, 1, 1), batch)).toEqual({ correct: 0, total: 4 })
    expect(() => echo.score(new Int32Array(5), batch)).toThrow('5 predictions for 6 targets')
  })
})

describe('splitOf', () => {
  it('puts about a quarter of all sequences into test', () => {
    const random = rng('quarter')
    const draws = 20000
    let tests = 0
    for (let i = 0; i < draws; i++)
      if (splitOf(Int32Array.from({ length: 6 }, () => random.integer(50))) === 'test') tests++
    // five standard deviations
    expect(Math.abs(tests / draws - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / draws))
  })

  it('is even among all sequences of bits, which differ little from each other', () => {
    const draws = 2 ** 14
    let tests = 0
    for (let code = 0; code < draws; code++)
      if (splitOf(Int32Array.from({ length: 14 }, (_, bit) => (code >> bit) & 1)) === 'test') tests++
    expect(Math.abs(tests / draws - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / draws))
  })
})

describe('drawBatch', () => {
  const size = { batchSize: 16, seqLen: 6 }

  it('draws a batch by its index, whatever was drawn before', () => {
    const draw = (seed: number, index: number) => drawBatch(echo, { seed, split: 'train', index }, size, {})
    expect(draw(1, 5)).toEqual(draw(1, 5))
    expect(draw(1, 5).tokens).not.toEqual(draw(1, 6).tokens)
    expect(draw(1, 5).tokens).not.toEqual(draw(2, 5).tokens)
  })

  it('gives training and test random streams of their own', () => {
    for (const split of ['train', 'test'] as const)
      expect(drawBatch(echo, { seed: 4, split, index: 2 }, size, {})).toEqual(
        echo.batch(rng(4, 'echo', split, 2), { ...size, split }, {}),
      )
  })

  it('keeps to its split', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(1000), fc.constantFrom('train', 'test'), (seed, index, split) => {
        const { tokens } = drawBatch(echo, { seed, split, index }, size, {})
        for (let row = 0; row < 16; row++) expect(splitOf(tokens.subarray(row * 6, row * 6 + 6))).toBe(split)
      }),
    )
  })
})
