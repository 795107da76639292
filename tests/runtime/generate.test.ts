// Drawing tokens: the distribution is the softmax, and a seed means the same on every target.

import { describe, expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { initWeights } from '#core/model/weights.ts'
import { newGraph } from '#core/ops/index.ts'
import { generate } from '#main/runtime/generate/generate.ts'
import type { GenerateOptions } from '#main/runtime/generate/generate.ts'
import { decodeProgram } from '#main/runtime/profile/programs.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { cpuTarget } from './cuda/cpu-target.ts'

const LOGITS = [2, 0.5, -1, 1.25, 0, -3, 1.25, 0.75, -0.5]
const ROWS = 20_000
/** On the CPU every row of a generated kernel is a warp of fibers. */
const FEW_ROWS = 1200

/** Tokens drawn for equal rows of logits. */
async function draw(target: Target, temperature: number, seed: number, step: number, rows = ROWS): Promise<Int32Array> {
  const g = newGraph()
  const single = { shape: [] } as const
  const x = g.input('x', { dtype: 'f32', shape: [rows, LOGITS.length] })
  const drawn = g.sample(x, {
    temperature: g.input('temperature', { dtype: 'f32', ...single }),
    seed: g.input('seed', { dtype: 'i32', ...single }),
    step: g.input('step', { dtype: 'i32', ...single }),
  })
  g.output('next', drawn)
  const program = { name: 'draw', phase: 'decode' as const, graph: g.finish(), bindings: [], frozen: [] }
  const session = await target.open(program, { initial: new Map(), threads: 1 })
  try {
    const feeds = {
      x: Float32Array.from({ length: rows * LOGITS.length }, (_, i) => LOGITS[i % LOGITS.length]!),
      temperature: Float32Array.of(temperature),
      seed: Int32Array.of(seed),
      step: Int32Array.of(step),
    }
    return (await session.run(feeds, ['next']))['next'] as Int32Array
  } finally {
    session.close()
  }
}

/** Sum of (observed - expected)^2 / expected over the classes. */
function chiSquare(drawn: Int32Array, temperature: number): number {
  const weights = LOGITS.map((x) => Math.exp(x / temperature))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.reduce((sum, weight, token) => {
    const expected = (drawn.length * weight) / total
    const observed = drawn.filter((t) => t === token).length
    return sum + (observed - expected) ** 2 / expected
  }, 0)
}

/** Exceeded once in a thousand with 8 degrees of freedom. */
const CRITICAL = 26.1

describe.each([reference, ortCpu].map((target) => ({ kind: target.kind, target })))('$kind', ({ target }) => {
  it.each([0.5, 1, 2])('draws from the softmax at temperature %f', async (temperature) => {
    const drawn = await draw(target, temperature, 3, 17)
    expect(chiSquare(drawn, temperature)).toBeLessThan(CRITICAL)
    // the check can fail: draws at another temperature do not pass
    expect(chiSquare(drawn, temperature * 1.1)).toBeGreaterThan(CRITICAL)
  })

  it.each([
    [4, 17],
    [3, 18],
  ])('draws anew for seed %i and step %i', async (seed, step) => {
    const drawn = await draw(target, 1, 3, 17)
    const other = await draw(target, 1, seed, step)
    expect(chiSquare(other, 1)).toBeLessThan(CRITICAL)
    // as often equal as independent draws are
    const total = LOGITS.reduce((sum, x) => sum + Math.exp(x), 0)
    const expected = LOGITS.reduce((sum, x) => sum + (Math.exp(x) / total) ** 2, 0)
    const share = other.filter((token, i) => token === drawn[i]).length / ROWS
    expect(Math.abs(share - expected)).toBeLessThan(0.015)
  })
})

describe.each([ortCpu, cpuTarget('f32'), cpuTarget('bf16')].map((target) => ({ kind: target.kind, target })))(
  '$kind',
  ({ target }) => {
    it.skipIf(!target.probe().isAvailable)('draws as the interpreter does', { timeout: 120_000 }, async () => {
      expect(await draw(target, 0.8, 3, 17, FEW_ROWS)).toEqual(await draw(reference, 0.8, 3, 17, FEW_ROWS))
      expect(new Set(await draw(target, 0, 3, 17, 8))).toEqual(new Set([0]))
    })
  },
)

describe('text', () => {
  const resolved = resolveSpec(
    parseSpecText('{dModel: 32, vocabSize: 61, metaTokens: 2} d{nHeads: 2} f a{headDim: 16} f'),
  )
  const weights = initWeights(decodeProgram(resolved, { batchSize: 1, context: 8 }).weights, 1)
  const model = { spec: parseSpecText('f'), resolved, weights }
  const prompts = [Int32Array.of(1, 2, 3, 4, 5), Int32Array.of(9, 8, 7, 6, 5)]
  const write = (target: Target, options: Partial<GenerateOptions>): Promise<number[][]> =>
    generate(model, prompts, target, { temperature: 1, seed: 5, count: 12, threads: 1, ...options })

  it('is the same for the same seed on every target, and another for another', { timeout: 120_000 }, async () => {
    const text = await write(reference, {})
    expect(text.map((own) => own.length)).toEqual([12, 12])
    expect(await write(ortCpu, {})).toEqual(text)
    expect(await write(ortCpu, { seed: 6 })).not.toEqual(text)
    if (cpuTarget('f32').probe().isAvailable) expect(await write(cpuTarget('f32'), {})).toEqual(text)
  })

  it('at temperature 0 takes the largest logit each time, whatever the seed', async () => {
    const text = await write(ortCpu, { temperature: 0 })
    expect(await write(ortCpu, { temperature: 0, seed: 99 })).toEqual(text)
    const tokens = [...prompts[0]!, ...text[0]!]
    const { program } = decodeProgram(resolved, { batchSize: 1, context: 24 })
    expect(program.graph.outputs.map(({ name }) => name)).toContain('logits')
    // the last token again, by a prefill of everything in front of it
    const again = await generate(model, [Int32Array.from(tokens.slice(0, -1))], ortCpu, {
      temperature: 0,
      seed: 1,
      count: 1,
    })
    expect(again[0]).toEqual(tokens.slice(-1))
  })

  it('ends behind the token that ends a document', async () => {
    const [whole] = await write(ortCpu, {})
    const end = whole![3]!
    const [cut] = await write(ortCpu, { end })
    expect(cut).toEqual(whole!.slice(0, whole!.indexOf(end)))
  })
})

describe.skipIf(!cpuTarget('bf16').probe().isAvailable)('a decode step that draws', () => {
  it(
    'computes the noise behind the product with the vocabulary, and compares in f32',
    { timeout: 120_000 },
    async () => {
      const resolved = resolveSpec(parseSpecText('{dModel: 64, vocabSize: 4096} f'))
      const { program, weights } = decodeProgram(resolved, { batchSize: 2, context: 8 }, ['next'])
      const session = (await cpuTarget('bf16').open(program, { initial: initWeights(weights, 1) })) as CudaSession
      const steps = session.schedule.steps.filter(({ isOnce }) => !isOnce)
      expect(steps.slice(-2).map(({ label }) => label)).toEqual(['gemv', 'argmax'])
      expect(steps.at(-2)!.writes.map(({ stored, size }) => [stored, size])).toEqual([['f32', 8192]])
      session.close()
    },
  )
})
