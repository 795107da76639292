// The train and profile jobs in a real runner process.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parseSpecText } from '#core/model/text.ts'
import { resolveParams } from '#core/params.ts'
import { startRunner } from '#main/runtime/link.ts'
import { PROFILE_PARAMS } from '#main/runtime/profile/job.ts'
import type { ProfileResult } from '#main/runtime/profile/job.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import type { TrainAnswer } from '#main/runtime/train/job.ts'
import type { MetricPoint } from '#main/runtime/train/train.ts'
import { runTiny, tinyConfig } from '../helpers/tiny.ts'
import { errorOf, temporaryFolder } from './data/folder.ts'

const folder = temporaryFolder()
const runner = startRunner()
afterAll(() => runner.close())

const spec = parseSpecText('{dModel: 16, vocabSize: 64} d f m2{headDim: 8, dState: 8} f a{headDim: 8} f')
const profileOptions = (changes: object = {}): object =>
  resolveParams(
    PROFILE_PARAMS,
    { promptLen: 8, context: 16, threads: 1, maxRelativeWidth: 1, maxSeconds: 2, ...changes },
    { dModel: 0 },
    'options',
  )

it('sends every point of a run, in order, before the answer, which has no weights', async () => {
  const config = tinyConfig({ run: { steps: 300, validationEvery: 100 } })
  const points: MetricPoint[] = []
  const progress: unknown[] = []
  const answer = await runner.submit<TrainAnswer>(
    'train',
    { config },
    {
      onEvent: (event) => points.push(...(event as MetricPoint[])),
      onProgress: (event) => progress.push(event),
    },
  )
  expect(answer).toMatchObject({ state: 'done', steps: 300 })
  expect(answer).not.toHaveProperty('weights')
  expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  expect(points.filter(({ values }) => 'accuracy' in values).map(({ step }) => step)).toEqual([100, 200, 300])
  for (const { values } of points)
    expect(Object.keys(values)).toEqual(
      expect.arrayContaining(['loss', 'gradNorm', 'weightNorm', 'lr', 'tokensPerSecond']),
    )
  expect(progress.length).toBeGreaterThan(0)
  expect(progress.every((event) => parseProgressEvent(event) !== undefined)).toBe(true)
  expect(progress.at(-1)).toMatchObject({ phase: 'train', done: 300, total: 300 })

  // and the numbers are those of a run in this process
  const here = await runTiny(config)
  expect(points.map(({ values }) => values['loss'])).toEqual(here.losses)
  expect(answer.final).toEqual(here.final)
})

it('answers a diverged run as data', async () => {
  const checkpoint = join(folder, 'diverged.safetensors')
  const answer = await runner.submit<TrainAnswer>('train', {
    config: tinyConfig({ schedule: { lr: 10 } }),
    checkpoint,
  })
  expect(answer).toMatchObject({ state: 'failed', error: { code: 'train-diverged' } })
  expect(existsSync(checkpoint)).toBe(false)
})

it('cancels a training run within two seconds, inside a step too', async () => {
  // steps of a few hundred milliseconds and more
  const config = tinyConfig({
    spec: '{dModel: 256, vocabSize: 4096} (a f)x6',
    run: { steps: 1000, batchSize: 8, seqLen: 256, validationEvery: 1000 },
  })
  const controller = new AbortController()
  let cancelledAt = 0
  const error = await errorOf(() =>
    runner.submit(
      'train',
      { config },
      {
        signal: controller.signal,
        onProgress: () => {
          // the first report comes right before the first step
          if (cancelledAt > 0) return
          setTimeout(() => {
            cancelledAt = performance.now()
            controller.abort()
          }, 100)
          cancelledAt = Infinity
        },
      },
    ),
  )
  expect(error).toMatchObject({ code: 'job-cancelled' })
  expect(performance.now() - cancelledAt).toBeLessThan(2000)
  // the next job finds a runner that works
  expect(await runner.submit('ping', 1)).toMatchObject({ payload: 1 })
})

it('rejects with the error of a bad configuration, with its place', async () => {
  const config = tinyConfig()
  const cases: [kind: string, payload: unknown, expected: object][] = [
    ['train', { config: { ...config, run: { steps: -1 } } }, { code: 'param-invalid', path: 'run.steps' }],
    ['train', { config: { ...config, spec: { heddle: 9 } } }, { code: 'spec-version', path: 'heddle' }],
    ['train', { config: { ...config, target: 'abacus' } }, { code: 'target-missing' }],
    ['train', { config, resume: join(folder, 'absent') }, { code: 'file-missing' }],
    ['train', { config, checkpoint: 5 }, { code: 'usage', path: 'checkpoint' }],
    ['train', null, { code: 'param-invalid' }],
    [
      'train',
      { config: { ...config, data: { kind: 'corpus', path: join(folder, 'absent'), tokenizer: 'bytes' } } },
      { code: 'file-missing' },
    ],
    ['profile', { specs: [] }, { code: 'usage', path: 'specs' }],
    ['profile', { specs: [spec], options: { batchSize: -1 } }, { code: 'param-invalid', path: 'options.batchSize' }],
    ['profile', { specs: [spec], target: 'abacus' }, { code: 'target-missing' }],
    ['profile', { specs: [{ ...spec, blocks: [{ kind: 'nothing' }] }] }, { path: 'blocks[0].kind' }],
  ]
  for (const [kind, payload, expected] of cases)
    expect(await errorOf(() => runner.submit(kind, payload))).toMatchObject(expected)
})

it('profiles: latencies with intervals, placement of every block, the environment', async () => {
  const result = await runner.submit<ProfileResult>('profile', { specs: [spec], options: profileOptions() })
  expect(result).toMatchObject({ target: 'ort-cpu', shape: { batchSize: 1, promptLen: 8, context: 16 } })
  expect(result.environment).toMatchObject({ threads: 1, node: expect.any(String), runtimes: expect.any(Object) })
  expect(Object.keys(result.environment.runtimes)).toEqual(['ort-cpu'])
  expect(result.stacks[0]!.phases.map(({ phase }) => phase)).toEqual(['prefill', 'decode'])
  for (const { latency, placement } of result.stacks[0]!.phases) {
    expect(latency.samplesMs).toBeInstanceOf(Float64Array)
    expect(latency.samplesMs).toHaveLength(latency.repeats)
    expect(latency.lowMs).toBeLessThanOrEqual(latency.p50Ms)
    expect(latency.highMs).toBeGreaterThanOrEqual(latency.p50Ms)
    expect(placement!.blocks.map(({ kind }) => kind)).toEqual(['deltanet', 'ffn', 'mamba2', 'ffn', 'attention', 'ffn'])
    for (const { providers, fused } of placement!.blocks) {
      expect(Object.keys(providers)).toEqual(['CPUExecutionProvider'])
      expect(fused.length).toBeGreaterThan(0)
    }
  }
})

it('says which blocks ran decomposed', async () => {
  const options = profileOptions({ decomposeAll: true, phases: 'decode' })
  const { stacks } = await runner.submit<ProfileResult>('profile', { specs: [spec], options })
  const { blocks } = stacks[0]!.phases[0]!.placement!
  for (const { fused, decomposed } of blocks) {
    expect(fused).toEqual([])
    expect(decomposed.length).toBeGreaterThan(0)
  }
})

it('cancels a measurement within two seconds', async () => {
  const controller = new AbortController()
  let cancelledAt = Infinity
  const error = await errorOf(() =>
    runner.submit(
      'profile',
      { specs: [spec], options: profileOptions({ maxSeconds: 600, maxRelativeWidth: 0.001 }) },
      {
        signal: controller.signal,
        onProgress: (event) => {
          if (parseProgressEvent(event)?.phase !== 'measure' || cancelledAt < Infinity) return
          cancelledAt = performance.now()
          controller.abort()
        },
      },
    ),
  )
  expect(error).toMatchObject({ code: 'job-cancelled' })
  expect(performance.now() - cancelledAt).toBeLessThan(2000)
})
