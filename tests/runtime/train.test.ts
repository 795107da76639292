import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { HeddleError } from '#core/errors.ts'
import { lower } from '#core/model/lower.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { readSafetensorsFile } from '#main/runtime/files.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import { train } from '#main/runtime/train/train.ts'
import type { MetricPoint } from '#main/runtime/train/train.ts'
import { relativeError } from '../helpers/assert-close.ts'
import type { TinyRun } from '../helpers/tiny.ts'
import { openSource, runTiny, tinyConfig, tinyCorpus } from '../helpers/tiny.ts'
import { errorOf, put, temporaryFolder } from './data/folder.ts'

const folder = temporaryFolder()
process.env['XDG_CACHE_HOME'] = join(folder, 'cache')
const TEXTS = { kind: 'corpus', path: put(folder, 'texts.jsonl', tinyCorpus()), tokenizer: 'bytes' }
const BYTES_SPEC = '{dModel: 16, vocabSize: 257} d f'

/** A file's content before and after an action must be the same. */
async function untouched(path: string, action: () => Promise<unknown>): Promise<void> {
  const before = readFileSync(path)
  await action()
  expect(readFileSync(path).equals(before), `${path} has changed`).toBe(true)
}

function expectSameWeights(actual: TinyRun, expected: TinyRun): void {
  expect([...actual.weights.keys()]).toEqual([...expected.weights.keys()])
  for (const [name, weight] of actual.weights)
    expect(Buffer.compare(Buffer.from(weight.buffer), Buffer.from(expected.weights.get(name)!.buffer)), name).toBe(0)
}

/** Six of twelve steps, stopped as a user would, with a checkpoint after the sixth. */
async function halfRun(checkpoint: string, changes: Parameters<typeof tinyConfig>[0] = {}): Promise<TinyRun> {
  const controller = new AbortController()
  const run = { ...changes.run, checkpointEvery: 6 }
  return runTiny(tinyConfig({ ...changes, run }), {
    checkpoint,
    signal: controller.signal,
    onPoint: ({ step }) => {
      if (step === 6) controller.abort()
    },
  })
}

it('gives the same losses on ort-cpu and on the interpreter', async () => {
  const config = tinyConfig({
    run: { steps: 5, batchSize: 2 },
    spec: '{dModel: 16, vocabSize: 16, metaTokens: 2} a{headDim: 8} m2{headDim: 8, dState: 4} f',
  })
  const fast = await runTiny(config)
  const exact = await runTiny(config, {}, reference)
  expect(fast.losses).toHaveLength(5)
  expect(relativeError(fast.losses, exact.losses)).toBeLessThan(1e-4)
  expect(fast.final['valLoss']).toBeCloseTo(exact.final['valLoss']!, 3)
})

it.for([
  ['one batch a step', {}],
  ['accumulated batches', { run: { accumulation: 3, batchSize: 2 } }],
  ['weight normalisation', { optimiser: { weightNorm: true, weightNormEmbedding: true } }],
] as const)('resumes exactly with %s', async ([label, changes]) => {
  const checkpoint = join(folder, `half ${label}.safetensors`)
  const whole = await runTiny(tinyConfig(changes))
  const half = await halfRun(checkpoint, changes)
  expect(half).toMatchObject({ state: 'cancelled', steps: 6, error: { code: 'job-cancelled' } })
  const rest = await runTiny(tinyConfig(changes), { resume: checkpoint })
  expect(whole.state).toBe('done')
  expect([...half.losses, ...rest.losses]).toEqual(whole.losses)
  expect(rest.final).toEqual(whole.final)
  expectSameWeights(rest, whole)
})

it('resumes a corpus run exactly', async () => {
  const changes = { spec: BYTES_SPEC, data: TEXTS }
  const checkpoint = join(folder, 'corpus.safetensors')
  const whole = await runTiny(tinyConfig(changes))
  const half = await halfRun(checkpoint, changes)
  const rest = await runTiny(tinyConfig(changes), { resume: checkpoint })
  expect([...half.losses, ...rest.losses]).toEqual(whole.losses)
  expect(rest.final).toEqual(whole.final)
  expectSameWeights(rest, whole)
})

it('scores a finished checkpoint, and refuses one that is beyond the end', async () => {
  const checkpoint = join(folder, 'finished.safetensors')
  const whole = await runTiny(tinyConfig(), { checkpoint })
  const again = await runTiny(tinyConfig(), { resume: checkpoint })
  expect(again).toMatchObject({ state: 'done', steps: 12, losses: [], final: whole.final })
  const error = await errorOf(() => runTiny(tinyConfig({ run: { steps: 6 } }), { resume: checkpoint }))
  expect(error).toMatchObject({ code: 'checkpoint-invalid', message: expect.stringContaining('step 12') })
})

it('averages accumulated batches: two halves are one batch', async () => {
  const changes = { spec: BYTES_SPEC, data: TEXTS }
  const whole = await runTiny(tinyConfig({ ...changes, run: { steps: 6 } }))
  const halves = await runTiny(tinyConfig({ ...changes, run: { steps: 6, batchSize: 2, accumulation: 2 } }))
  expect(relativeError(halves.losses, whole.losses)).toBeLessThan(1e-5)
  for (const [name, weight] of halves.weights)
    expect(relativeError(weight, whole.weights.get(name)!), name).toBeLessThan(1e-3)
})

it('accumulates on the interpreter too', async () => {
  const config = tinyConfig({ run: { steps: 2, batchSize: 1, accumulation: 2 } })
  const fast = await runTiny(config)
  const exact = await runTiny(config, {}, reference)
  expect(relativeError(fast.losses, exact.losses)).toBeLessThan(1e-4)
})

const lengths = (data: Float32Array, width: number, along: 'rows' | 'columns'): number[] => {
  const height = data.length / width
  const count = along === 'rows' ? height : width
  return Array.from({ length: count }, (_, i) =>
    along === 'rows'
      ? Math.hypot(...data.subarray(i * width, (i + 1) * width))
      : Math.hypot(...Array.from({ length: height }, (_, row) => data[row * width + i]!)),
  )
}

it.for([false, true])('keeps unit rows and columns, embedding %s', async (embedding) => {
  const optimiser = { weightNorm: true, weightNormEmbedding: embedding }
  const { weights } = await runTiny(tinyConfig({ optimiser, run: { steps: 4 } }))
  const checked: string[] = []
  const check = (pattern: RegExp, along: 'rows' | 'columns', width?: number): void => {
    for (const [name, data] of weights) {
      if (!pattern.test(name)) continue
      checked.push(name)
      for (const length of lengths(data, width ?? data.length / 16, along)) expect(length, name).toBeCloseTo(1, 5)
    }
  }
  // a matrix [out, in] that reads the residual stream has rows of dModel; one that writes it has dModel rows
  check(/(q_proj|k_proj|v_proj|b_proj|gate_proj|up_proj)\.weight$/, 'rows', 16)
  check(/(o_proj|down_proj)\.weight$/, 'columns')
  expect(checked).toHaveLength(4 + 5 + 3)
  const embedded = lengths(weights.get('embed_tokens.weight')!, 16, 'rows')
  for (const length of embedded)
    if (embedding) expect(length).toBeCloseTo(1, 5)
    else expect(Math.abs(length - 1)).toBeGreaterThan(1e-3)
})

it('ends a diverged run as data', async () => {
  const points: MetricPoint[] = []
  const checkpoint = join(folder, 'diverged.safetensors')
  const onPoint = (point: MetricPoint): void => void points.push(point)
  const run = await runTiny(tinyConfig({ schedule: { lr: 10 } }), { checkpoint, onPoint })
  expect(run.state).toBe('failed')
  expect(run.steps).toBeLessThan(12)
  expect(run.error).toMatchObject({ code: 'train-diverged', hint: expect.stringContaining('learning rate') })
  expect(run.error!.message).toMatch(/^diverged at step \d+, lr \d+\.\d+$/)
  expect(points.flatMap(({ values }) => Object.values(values)).every(Number.isFinite)).toBe(true)
  // the last good checkpoint would be lost
  expect(existsSync(checkpoint)).toBe(false)
})

it('ends a run whose weights are not finite as data', async () => {
  const checkpoint = join(folder, 'nan.safetensors')
  await runTiny(tinyConfig({ run: { steps: 2 } }), { checkpoint })
  const file = readSafetensorsFile(checkpoint)
  const tensors = [...file.tensors.values()].map(({ name, shape }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: name === 'embed_tokens.weight' ? file.readFloats(name).fill(NaN) : file.readFloats(name),
  }))
  writeFileSync(checkpoint, Buffer.concat(encodeSafetensors(tensors, Object.fromEntries(file.metadata))))
  file.close()
  const run = await runTiny(tinyConfig(), { resume: checkpoint })
  expect(run).toMatchObject({ state: 'failed', steps: 2, losses: [], error: { code: 'train-diverged' } })
  expect(run.error!.message).toMatch(/^diverged at step 2, lr /)
})

it('notices a last step that ruins the weights', async () => {
  // the loss of the only step is that of the initial weights, and fine
  const run = await runTiny(
    tinyConfig({ run: { steps: 1 }, schedule: { lr: 10, warmup: 0 }, optimiser: { weightDecay: 10 } }),
  )
  expect(run).toMatchObject({ state: 'failed', steps: 1, error: { message: 'diverged at step 1, lr 10.0' } })
})

it('ends a cancelled run as data, also in the middle of a validation', async () => {
  const controller = new AbortController()
  controller.abort()
  expect(await runTiny(tinyConfig(), { signal: controller.signal })).toMatchObject({
    state: 'cancelled',
    steps: 0,
    losses: [],
    error: { code: 'job-cancelled' },
  })

  const during = new AbortController()
  const config = tinyConfig({ run: { steps: 2, validationEvery: 2 } })
  const source = await openSource(config)
  const aborting = {
    ...source,
    *validation() {
      for (const batch of source.validation()) {
        yield batch
        during.abort()
      }
    },
  }
  const points: MetricPoint[] = []
  const result = await train(config, aborting, ortCpu, {
    signal: during.signal,
    onPoint: (point) => points.push(point),
  })
  expect(result).toMatchObject({ state: 'cancelled', steps: 2, final: {} })
  expect(points.at(-1)!.values).not.toHaveProperty('valLoss')
})

it('reports bits per byte that an independent sum confirms', async () => {
  const config = tinyConfig({ spec: BYTES_SPEC, data: TEXTS, run: { steps: 3 } })
  const { weights, final } = await runTiny(config)
  const { batchSize, seqLen } = config.run
  const { graph } = lower(resolveSpec(config.spec), { phase: 'train', batchSize, seqLen, outputs: ['logits'] })
  const session = await reference.open(
    { name: 'logits', phase: 'train', graph, bindings: [], frozen: [...weights.keys()] },
    { initial: weights },
  )
  let nats = 0
  let bytes = 0
  let count = 0
  const source = await openSource(config)
  for (const { tokens, targets } of source.validation()) {
    const logits = session.runSync({ tokens }, ['logits'])['logits']!
    for (const [row, target] of targets.entries()) {
      const scores = Float64Array.from(logits.subarray(row * 257, (row + 1) * 257))
      nats += Math.log(scores.reduce((sum, x) => sum + Math.exp(x), 0)) - scores[target]!
      // a token is a byte, but for the one between documents
      bytes += target < 256 ? 1 : 0
      count++
    }
  }
  source.close()
  expect(count).toBeGreaterThan(0)
  expect(final['valLoss']).toBeCloseTo(nats / count, 4)
  expect(final['perplexity']).toBeCloseTo(Math.exp(nats / count), 1)
  expect(final['bitsPerByte']).toBeCloseTo(nats / Math.log(2) / bytes, 4)
})

it.for([
  ['induction', {}, 16],
  ['mqar', { vocabSize: 8, numKvPairs: 2 }, 8],
] as const)('trains the task %s and reports the accuracy', async ([task, params, vocabSize]) => {
  const config = tinyConfig({
    spec: `{dModel: 32, vocabSize: ${vocabSize}} a{headDim: 16} f a{headDim: 16} f`,
    data: { kind: 'task', task, params },
    run: { steps: 60, batchSize: 16, validationEvery: 60, validationTokens: 1024 },
    schedule: { lr: 0.005 },
  })
  const { final, losses, state } = await runTiny(config)
  expect(state).toBe('done')
  expect(losses).toHaveLength(60)
  expect(final['accuracy']).toBeGreaterThanOrEqual(0)
  expect(final['accuracy']).toBeLessThanOrEqual(1)
  expect(final).not.toHaveProperty('bitsPerByte')
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  expect(mean(losses.slice(-10))).toBeLessThan(mean(losses.slice(0, 5)))
})

it('says when the vocabulary is too small, before anything runs', async () => {
  const error = await errorOf(() => runTiny(tinyConfig({ spec: '{dModel: 16, vocabSize: 8} a f' })))
  expect(error).toMatchObject({
    code: 'spec-invalid',
    path: 'model.vocabSize',
    message: expect.stringMatching(/vocabSize \(8\).*\(16\)/),
    hint: expect.stringContaining('16'),
  })
})

it('says before the first step when checkpoints cannot be written', async () => {
  const points: MetricPoint[] = []
  const onPoint = (point: MetricPoint): void => void points.push(point)
  const missing = join(folder, 'no such folder', 'run.safetensors')
  expect(await errorOf(() => runTiny(tinyConfig(), { checkpoint: missing, onPoint }))).toMatchObject({
    code: 'file-missing',
    path: missing,
  })
  expect(await errorOf(() => runTiny(tinyConfig(), { checkpoint: folder, onPoint }))).toMatchObject({
    code: 'file-missing',
    message: expect.stringContaining('is a folder'),
  })
  expect(points).toEqual([])
})

it('refuses checkpoints that it cannot go on from, and leaves them alone', async () => {
  const good = join(folder, 'good.safetensors')
  await runTiny(tinyConfig({ run: { steps: 2 } }), { checkpoint: good })
  const content = readFileSync(good)
  const file = (name: string, bytes: Uint8Array | string): string => put(folder, name, bytes)
  const lying = Buffer.from(content)
  lying.writeBigUInt64LE(2n ** 60n, 0)
  const foreign = Buffer.concat(
    encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(1) }], { format: 'pt' }),
  )
  const cases: [path: string, code: HeddleError['code'], config?: ReturnType<typeof tinyConfig>][] = [
    [file('truncated.safetensors', content.subarray(0, content.length - 100)), 'file-invalid'],
    [file('header.safetensors', content.subarray(0, 40)), 'file-invalid'],
    [file('empty.safetensors', ''), 'file-invalid'],
    [file('lying.safetensors', lying), 'file-invalid'],
    [file('text.safetensors', 'this is not a checkpoint, but a text of some length'), 'file-invalid'],
    [file('foreign.safetensors', foreign), 'checkpoint-invalid'],
    [good, 'checkpoint-invalid', tinyConfig({ spec: '{dModel: 16, vocabSize: 16} a{headDim: 8} a f' })],
    [good, 'checkpoint-invalid', tinyConfig({ spec: '{dModel: 32, vocabSize: 16} a{headDim: 8} d f' })],
  ]
  for (const [path, code, config = tinyConfig()] of cases) {
    await untouched(path, async () => {
      // the same file is named for new checkpoints, as one does to go on
      const error = await errorOf(() => runTiny(config, { resume: path, checkpoint: path }))
      expect(error.code, path).toBe(code)
      expect(`${error.path} ${error.message}`, error.message).toContain(path)
    })
  }
  expect(await errorOf(() => runTiny(tinyConfig(), { resume: join(folder, 'absent') }))).toMatchObject({
    code: 'file-missing',
  })
})

it('takes a checkpoint of the same stack under another name and grouping', async () => {
  const checkpoint = join(folder, 'named.safetensors')
  await runTiny(tinyConfig({ spec: '{name: first, dModel: 16, vocabSize: 16} f f', run: { steps: 2 } }), { checkpoint })
  copyFileSync(checkpoint, join(folder, 'copy.safetensors'))
  const config = tinyConfig({ spec: '{name: second, dModel: 16, vocabSize: 16} (f)x2', run: { steps: 4 } })
  expect(await runTiny(config, { resume: join(folder, 'copy.safetensors') })).toMatchObject({ state: 'done', steps: 4 })
})

it('refuses configurations with wrong fields', async () => {
  const { spec } = tinyConfig()
  const cases: [object, string][] = [
    [{ spec, data: { kind: 'corpus', pth: 'texts' } }, 'data.pth'],
    [{ spec, data: { kind: 'task', task: 'mqar', path: 'texts' } }, 'data.path'],
    [{ spec, data: { path: 'texts' } }, 'data.kind'],
    [{ spec, data: { kind: 'corpus', dtype: 'f32' } }, 'data.dtype'],
    [{ spec, run: { steps: 0 } }, 'run.steps'],
    [{ spec, run: { steps: '12' } }, 'run.steps'],
    [{ spec, schedule: { lr: NaN } }, 'schedule.lr'],
    [{ spec, optimizer: {} }, 'optimizer'],
    [{ spec, threads: 0 }, 'threads'],
    [{ spec, target: 7 }, 'target'],
  ]
  for (const [config, path] of cases) expect((await errorOf(() => parseTrainConfig(config))).path).toBe(path)
})

it('refuses data that a run cannot use', async () => {
  const short = tinyConfig({ data: { kind: 'task', task: 'mqar', params: { numKvPairs: 4 } }, run: { seqLen: 8 } })
  expect(await errorOf(() => openSource(short))).toMatchObject({ code: 'param-invalid', path: 'run.seqLen' })
  const unknown = tinyConfig({ data: { kind: 'task', task: 'nothing' } })
  expect(await errorOf(() => openSource(unknown))).toMatchObject({ code: 'usage' })
  const demo = tinyConfig({ data: { kind: 'corpus', field: 'text', tokenizer: 'bytes' } })
  expect(await errorOf(() => openSource(demo))).toMatchObject({ code: 'corpus-invalid' })
  const long = tinyConfig({ data: TEXTS, run: { seqLen: 100_000 } })
  expect(await errorOf(() => openSource(long))).toMatchObject({ code: 'corpus-invalid' })
})
