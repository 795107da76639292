// What every task must do, whatever it is about. A task that is added to the registry needs a solver of its own in
// tests/core/tasks/solvers.ts, and is then covered by everything here.

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { resolveParams } from '#core/params.ts'
import type { Param, ParamValue, ParamValues } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { drawBatch, IGNORE, tasks } from '#core/tasks/index.ts'
import type { Batch, Task } from '#core/tasks/index.ts'
import { solve, solvers } from '../core/tasks/solvers.ts'

const settled = (task: Task, params: ParamValues): ParamValues =>
  resolveParams(task.params, params, { dModel: 0 }, 'params')

function caught(run: () => unknown): HeddleError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof HeddleError) return error
    throw error
  }
}

function sequencesOf(batch: Batch): readonly string[] {
  const { batchSize, seqLen, tokens } = batch
  return Array.from({ length: batchSize }, (_, row) => tokens.subarray(row * seqLen, (row + 1) * seqLen).join())
}

/** Shapes, ranges, at least one question in each sequence, and the solver's full marks. */
function expectSound(task: Task, batch: Batch, params: ParamValues): void {
  const { batchSize, seqLen, tokens, targets } = batch
  const vocabSize = task.vocabSize(params)
  expect(tokens).toBeInstanceOf(Int32Array)
  expect(targets).toBeInstanceOf(Int32Array)
  expect([tokens.length, targets.length]).toEqual([batchSize * seqLen, batchSize * seqLen])
  expect(tokens.every((id) => id >= 0 && id < vocabSize)).toBe(true)
  expect(targets.every((id) => id === IGNORE || (id >= 0 && id < vocabSize))).toBe(true)
  for (let row = 0; row < batchSize; row++)
    expect(targets.subarray(row * seqLen, (row + 1) * seqLen).some((id) => id !== IGNORE)).toBe(true)
  const { correct, total } = task.score(solve(solvers[task.kind]!, batch, settled(task, params)), batch)
  expect(total).toBeGreaterThanOrEqual(batchSize)
  expect(correct).toBe(total)
}

/** The values at which a parameter is most likely to go wrong. */
function edgeValues(param: Param): readonly ParamValue[] {
  const searched: readonly ParamValue[] = param.search ?? []
  if (param.type === 'choice') return param.choices
  if (param.type === 'flag') return [false, true]
  const middle = param.type === 'integer' ? param.min + 1 : (param.min + param.max) / 2
  return [param.min, middle, param.max, ...(param.nullable === true ? [null] : []), ...searched]
}

/** Values of a parameter, small ones more often, so that tests stay fast. */
function arbitraryValue(param: Param): fc.Arbitrary<ParamValue> {
  if (param.type === 'choice') return fc.constantFrom(...param.choices)
  if (param.type === 'flag') return fc.boolean()
  const { min, max } = param
  const number =
    param.type === 'integer' ? fc.integer({ min, max: Math.min(max, min + 40) }) : fc.double({ min, max, noNaN: true })
  return param.nullable === true ? fc.option(number) : number
}

it('lists tasks under distinct kinds', () => {
  expect(new Set(tasks.map((task) => task.kind)).size).toBe(tasks.length)
})

describe.each(tasks.map((task) => [task.kind, task] as const))('%s', (kind, task) => {
  beforeAll(() => {
    expect(solvers[kind], `tests/core/tasks/solvers.ts has no solver for ${kind}`).toBeDefined()
  })

  const size = { batchSize: 64, seqLen: task.defaultSeqLen }
  const scored = (batch: Batch): readonly number[] => [...batch.targets].filter((id) => id !== IGNORE)

  it('describes itself', () => {
    expect(kind).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(task.title.length).toBeGreaterThan(3)
    expect(task.doc).toMatch(/arXiv \d{4}\.\d{5}/)
    expect(task.scoreName).toMatch(/^accuracy on /)
    for (const param of Object.values(task.params)) expect(param.doc.length).toBeGreaterThan(5)
    expect(task.defaultSeqLen).toBeGreaterThanOrEqual(task.minSeqLen({}))
  })

  it('draws sound batches at its defaults', () => {
    expectSound(task, task.batch(rng('sound', kind), size, {}), {})
  })

  it('draws the same batch from the same seed and another from another', () => {
    const draw = (seed: number) => task.batch(rng(seed, kind), size, {})
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1).tokens).not.toEqual(draw(2).tokens)
  })

  it('does not repeat sequences within a batch or between training and test', () => {
    const sequences = (split: 'train' | 'test'): readonly string[] =>
      Array.from({ length: 4 }, (_, index) => sequencesOf(drawBatch(task, { seed: 3, split, index }, size, {}))).flat()
    const train = new Set(sequences('train'))
    const test = new Set(sequences('test'))
    expect(train.size + test.size).toBe(8 * size.batchSize)
    expect([...train].filter((sequence) => test.has(sequence))).toEqual([])
  })

  it('keeps training and test apart even where sequences are few', () => {
    const small = { batchSize: 256, seqLen: Math.max(8, task.minSeqLen({})) }
    const train = new Set(sequencesOf(drawBatch(task, { seed: 3, split: 'train', index: 0 }, small, {})))
    const test = new Set(sequencesOf(drawBatch(task, { seed: 3, split: 'test', index: 0 }, small, {})))
    expect([...train].filter((sequence) => test.has(sequence))).toEqual([])
  })

  it('is worth chance to a guesser, and no answer is more frequent than chance', () => {
    const batch = task.batch(rng('chance', kind), { ...size, batchSize: 4096 }, {})
    const answers = scored(batch)
    const alphabet = [...new Set(answers)]
    const chance = task.chance({})
    expect(chance).toBeCloseTo(1 / alphabet.length, 12)
    // answers of one sequence may depend on each other, so deviations are measured in sequences
    const margin = 5 * Math.sqrt((chance * (1 - chance)) / batch.batchSize)
    const random = rng('guess', kind)
    const guesses = Int32Array.from(batch.targets, () => random.pick(alphabet))
    const { correct, total } = task.score(guesses, batch)
    expect(total).toBe(answers.length)
    expect(Math.abs(correct / total - chance)).toBeLessThan(margin)
    for (const answer of alphabet) {
      const constant = task.score(new Int32Array(batch.targets.length).fill(answer), batch)
      expect(Math.abs(constant.correct / constant.total - chance)).toBeLessThan(margin)
    }
  })

  const edges = Object.entries(task.params).flatMap(([name, param]) =>
    edgeValues(param).map((value) => [name, value] as const),
  )
  it.each(edges)('%s = %s builds or is refused with a message', (name, value) => {
    const params = { [name]: value }
    const refused = caught(() => task.vocabSize(params))
    if (refused === undefined) {
      const seqLen = Math.max(task.defaultSeqLen, task.minSeqLen(params))
      expectSound(task, task.batch(rng('edge', kind), { batchSize: 2, seqLen }, params), params)
      return
    }
    expect(refused.code).toBe('param-invalid')
    expect(refused.path).toMatch(/^params\./)
    expect(refused.message).toContain(`${kind}: `)
    expect(refused.message).toContain(`${name} (${String(value)})`)
    expect(refused.message).toContain('must be')
  })

  it('refuses unknown parameters and values out of range', () => {
    expect(caught(() => task.batch(rng(1), size, { nonsense: 1 }))?.path).toBe('params.nonsense')
    for (const [name, param] of Object.entries(task.params)) {
      const wrong = param.type === 'integer' || param.type === 'real' ? param.max + 1 : 'nonsense'
      expect(caught(() => task.batch(rng(1), size, { [name]: wrong }))?.code).toBe('param-invalid')
      expect(caught(() => task.chance({ [name]: wrong }))?.path).toBe(`params.${name}`)
    }
  })

  it('takes the shortest length and refuses one less', () => {
    const seqLen = task.minSeqLen({})
    expectSound(task, task.batch(rng('short', kind), { batchSize: 32, seqLen }, {}), {})
    const refused = caught(() => task.batch(rng(1), { batchSize: 1, seqLen: seqLen - 1 }, {}))
    expect(refused?.code).toBe('param-invalid')
    expect(refused?.path).toBe('seqLen')
    expect(refused?.message).toContain(`${kind}: seqLen (${seqLen - 1}) must be`)
    expect(refused?.message).toContain(String(seqLen))
  })

  it('is sound for any parameters and length', () => {
    const params = fc.record(
      Object.fromEntries(Object.entries(task.params).map(([name, param]) => [name, arbitraryValue(param)])),
    )
    let built = 0
    fc.assert(
      fc.property(
        params,
        fc.nat(20),
        fc.nat(),
        fc.constantFrom('train', 'test', undefined),
        (given, extra, seed, split) => {
          const refused = caught(() => task.minSeqLen(given))
          if (refused !== undefined) {
            expect(refused.code).toBe('param-invalid')
            return
          }
          // the smallest vocabularies have too few sequences for two splits at the shortest length
          const seqLen = task.minSeqLen(given) + (split === undefined ? 0 : 12) + extra
          const batch = task.batch(
            rng(seed),
            { batchSize: 3, seqLen, ...(split === undefined ? {} : { split }) },
            given,
          )
          expectSound(task, batch, given)
          built++
        },
      ),
      { numRuns: 100 },
    )
    expect(built).toBeGreaterThan(20)
  })

  it('draws a batch of 64 x 256 in less than 5 ms', () => {
    const times = Array.from({ length: 20 }, (_, index) => {
      const start = performance.now()
      drawBatch(task, { seed: 5, split: 'train', index }, { batchSize: 64, seqLen: 256 }, {})
      return performance.now() - start
    })
    // the fastest run: other work on the machine only ever adds time
    expect(Math.min(...times)).toBeLessThan(5)
  })
})
