import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { drawn, firstValuesOf } from '#core/optim/first-values.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { arrived } from '#main/runtime/targets/target.ts'
import type { Initial } from '#main/runtime/targets/target.ts'
import { drawWeights, DrawingThreads } from '#main/runtime/weights/draw.ts'

// normal and orthogonal matrices, uniform numbers, projected columns
const spec = parseSpecText('{dModel: 256, vocabSize: 8192} a f d m2 r7 f{intermediateSize: 4096}')
const { run, ...rest } = parseTrainConfig({ spec })
const config = { ...rest, run: { ...run, rescaleResidual: true } }
const { optimiser } = config
const { weights } = trainPrograms(resolveSpec(spec), { batchSize: 1, seqLen: 64, optimiser, accumulation: 1 })
const valuesOf = firstValuesOf(config, weights)
const expected = new Map(weights.map((weight) => [weight.name, drawn(valuesOf(weight), weight.init)]))

const isThere = (initial: Initial): boolean => [...initial.values()].every((data) => data instanceof Float32Array)

async function expectTheSame(initial: Initial): Promise<void> {
  const found = await arrived(initial)
  expect([...found.keys()]).toEqual([...expected.keys()])
  for (const [name, data] of found)
    expect(Buffer.compare(new Uint8Array(data.buffer), new Uint8Array(expected.get(name)!.buffer)), name).toBe(0)
}

it('threads draw what one thread draws, bit for bit, one model after the other and two at once', async () => {
  expect(weights.some(({ init }) => init.recipe?.kind === 'orthogonal')).toBe(true)
  expect(weights.some((weight) => valuesOf(weight).divisor !== 1)).toBe(true)
  const threads = new DrawingThreads(3)
  const started = threads.get()
  const areAlive = (): boolean => threads.get().every((worker, i) => worker === started[i])
  const first = drawWeights(weights, valuesOf, threads)
  expect(isThere(first)).toBe(false)
  await expectTheSame(first)
  await Promise.all([1, 2].map(() => expectTheSame(drawWeights(weights, valuesOf, threads))))
  // a thread that could not do its work would have ended
  expect(areAlive()).toBe(true)
  await Promise.all(started.map((worker) => worker.terminate()))
  expect(threads.get().filter((worker) => started.includes(worker))).toEqual([])
})

it('one core, or a machine that starts no thread, draws here', async () => {
  const refused = (): never => {
    throw new Error('no more threads')
  }
  for (const threads of [new DrawingThreads(0), new DrawingThreads(4, refused)]) {
    const initial = drawWeights(weights, valuesOf, threads)
    expect(isThere(initial)).toBe(true)
    await expectTheSame(initial)
  }
})

it('what a thread took and did not draw is drawn here', async () => {
  const programs = {
    'ends before it works': `throw new Error('no')`,
    'ends while it works': `
      const { parentPort } = require('node:worker_threads')
      parentPort.on('message', ({ next }) => { Atomics.add(next, 0, 1); throw new Error('no') })`,
  }
  for (const text of Object.values(programs)) {
    const threads = new DrawingThreads(2, () => new Worker(text, { eval: true }))
    await expectTheSame(drawWeights(weights, valuesOf, threads))
  }
})

it('few weights are not worth a thread', () => {
  const few = weights.filter(({ name }) => name.includes('norm'))
  expect(few.length).toBeGreaterThan(0)
  expect(isThere(drawWeights(few, valuesOf))).toBe(true)
})

it('a process waits for the weights and not for the threads that drew them', () => {
  const script = fileURLToPath(new URL('draws-a-weight.ts', import.meta.url))
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toBe('6291456 numbers\n')
})
