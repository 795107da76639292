import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { lower } from '#core/model/lower.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { initWeights } from '#core/model/weights.ts'
import { rng } from '#core/rng.ts'
import { bytesTokenizer } from '#main/runtime/data/tokenizers/bytes.ts'
import { encodeRequest } from '#main/runtime/eval/encode.ts'
import { evaluateTask, evaluateJob, parseEvalPayload } from '#main/runtime/eval/job.ts'
import { likelihoods } from '#main/runtime/eval/likelihood.ts'
import { loadModel } from '#main/runtime/eval/model.ts'
import type { EvalModel } from '#main/runtime/eval/model.ts'
import { buildResults, parseResults, resultsFileName } from '#main/runtime/eval/results.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import { writeFileAtomic } from '#main/runtime/files.ts'
import { describe, expect, it, onTestFinished } from 'vitest'

const spec = parseSpecText('{dModel: 16, vocabSize: 257} a{headDim: 8} d m2{headDim: 8, dState: 8} f')
const OPTIONS = { batchSize: 2, threads: 1, phase: 'test' }
const bytes = bytesTokenizer()
const request = (context: string, continuation: string, maxLength = 500) =>
  encodeRequest({ context, continuation }, bytes, maxLength, 'test')

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'heddle-eval-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function model(change: (name: string, data: Float32Array) => void = () => undefined): EvalModel {
  const resolved = resolveSpec(spec)
  const weights = initWeights(lower(resolved, { phase: 'train', batchSize: 1, seqLen: 8 }).weights, 5)
  // far from even guessing, so that differences show
  for (const [name, data] of weights) if (name === 'embed_tokens.weight') data.forEach((x, i) => (data[i] = 20 * x))
  weights.forEach((data, name) => change(name, data))
  return { spec, resolved, weights }
}

async function save(
  path: string,
  { resolved, weights }: EvalModel,
  metadata: Record<string, string> = {},
): Promise<void> {
  const tensors = lower(resolved, { phase: 'train', batchSize: 1, seqLen: 8 }).weights.map(({ name, shape }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: weights.get(name)!,
  }))
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata))
}

describe('likelihoods', () => {
  it('do not depend on padding, batch or target', async () => {
    const requests = [
      request('abc', ' de'),
      request('x'.repeat(40), ' yes'),
      request('a', ' b'),
      request('abcabc', ' de and more'),
    ]
    const together = (await likelihoods(model(), ortCpu, requests, OPTIONS))!
    for (const [i, one] of requests.entries()) {
      const [alone] = (await likelihoods(model(), reference, [one], { ...OPTIONS, batchSize: 1 }))!
      expect(together[i]!.logLikelihood).toBeCloseTo(alone!.logLikelihood, 3)
      expect(together[i]!.isGreedy).toBe(alone!.isGreedy)
    }
    expect(new Set(together.map((t) => t.logLikelihood.toFixed(4))).size).toBe(4)
  })

  it('of all next tokens add up to one', async () => {
    const ends = Array.from({ length: 257 }, (_, id) => {
      const { tokens, targets } = request('ab', 'c')
      return { tokens, targets: targets.with(-1, id), isTruncated: false }
    })
    const all = (await likelihoods(model(), ortCpu, ends, { ...OPTIONS, batchSize: 64 }))!
    expect(all.reduce((sum, { logLikelihood }) => sum + Math.exp(logLikelihood), 0)).toBeCloseTo(1, 4)
    const likeliest = all.reduce(
      (best, { logLikelihood }, i) => (logLikelihood > all[best]!.logLikelihood ? i : best),
      0,
    )
    expect(all.map((a) => a.isGreedy).indexOf(true)).toBe(likeliest)
  })

  it('end when cancelled', async () => {
    expect(
      await likelihoods(model(), reference, [request('a', 'b')], { ...OPTIONS, signal: AbortSignal.abort() }),
    ).toBeUndefined()
  })
})

describe('a task file', () => {
  it('gives the scores of likelihoods computed one by one', async () => {
    const path = join(folder(), 'piqa.jsonl')
    const random = rng('goals')
    const rows = Array.from({ length: 6 }, (_, i) => ({
      goal: `g${i}`,
      sol1: 'abc'.repeat(1 + random.integer(4)),
      sol2: 'xy'.repeat(1 + random.integer(6)),
      label: i % 2,
    }))
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'))
    const tested = model()
    const answer = (await evaluateTask(
      tested,
      { task: 'piqa', path },
      'bytes',
      { limit: null, maxLength: 24 },
      ortCpu,
      OPTIONS,
    ))!
    let acc = 0,
      accNorm = 0
    for (const { goal, sol1, sol2, label } of rows) {
      const sums: number[] = []
      for (const choice of [sol1, sol2])
        sums.push(
          (await likelihoods(
            tested,
            reference,
            [request(`Question: ${goal}\nAnswer:`, ` ${choice}`, 24)],
            OPTIONS,
          ))![0]!.logLikelihood,
        )
      const [first, second] = sums as [number, number]
      acc += Number((second > first ? 1 : 0) === label) / 6
      accNorm += Number((second / sol2.length > first / sol1.length ? 1 : 0) === label) / 6
    }
    expect(answer.scores.map((s) => s.metric)).toEqual(['acc', 'acc_norm'])
    expect(answer.scores[0]!.value).toBeCloseTo(acc, 12)
    expect(answer.scores[1]!.value).toBeCloseTo(accNorm, 12)
    expect(answer).toMatchObject({
      count: 6,
      truncated: rows.filter(
        (r) => `Question: g0\nAnswer: ${r.sol1}`.length > 25 || `Question: g0\nAnswer: ${r.sol2}`.length > 25,
      ).length,
    })
  })

  it('a tokenizer larger than the model is refused', async () => {
    await expect(
      evaluateTask(
        model(),
        { task: 'piqa', path: 'x' },
        'sotu-4096',
        { limit: null, maxLength: 24 },
        reference,
        OPTIONS,
      ),
    ).rejects.toThrow(/entries, the model 257/)
  })
})

describe('checkpoints', () => {
  it('load with or without a spec, and are refused when they do not fit', async () => {
    const path = join(folder(), 'model.safetensors')
    await save(path, model(), { spec: JSON.stringify(spec) })
    expect(loadModel(path, null).weights.get('final_norm.weight')).toHaveLength(16)
    expect(loadModel(path, spec).spec).toEqual(spec)
    const other = parseSpecText('{dModel: 16, vocabSize: 257} a{headDim: 8} d m2{headDim: 8, dState: 8} f f')
    expect(() => loadModel(path, other)).toThrow(/tensor layers\.4\..* is missing/)
    await save(path, model(), { spec: JSON.stringify(spec), specHash: '0'.repeat(64) })
    expect(() => loadModel(path, spec)).toThrow(/another architecture/)
    await save(path, model())
    expect(() => loadModel(path, null)).toThrow(/does not say/)
  })
})

describe('results files', () => {
  it('come back as they were written, over the job', async () => {
    const path = folder()
    await save(join(path, 'm.safetensors'), model())
    writeFileSync(
      join(path, 'l.jsonl'),
      ['one two three', 'four five'].map((text) => JSON.stringify({ text })).join('\n'),
    )
    const payload = parseEvalPayload({
      spec,
      checkpoint: join(path, 'm.safetensors'),
      tokenizer: 'bytes',
      tasks: [{ task: 'lambada', path: join(path, 'l.jsonl') }],
      target: 'ort-cpu',
      options: { threads: 1 },
    })
    const context = { progress: () => undefined, emit: () => undefined, signal: new AbortController().signal }
    const answer = (await evaluateJob(payload, context)) as Parameters<typeof buildResults>[0]['answer']
    const date = new Date('2026-01-31T12:00:00.123Z')
    const results = buildResults({ payload, answer, date, heddleVersion: '1' })
    expect(results).toMatchObject({
      'n-shot': { lambada: 0 },
      versions: { lambada: 1 },
      'n-samples': { lambada: { original: 2, effective: 2 } },
      date: 1769860800.123,
    })
    const scores = parseResults(JSON.parse(JSON.stringify(results)), 'x')
    expect(scores.map((s) => [s.task, s.metric, s.higherIsBetter])).toEqual([
      ['lambada', 'perplexity', false],
      ['lambada', 'acc', true],
    ])
    expect(scores[0]!.value).toBeCloseTo(answer.tasks[0]!.scores[0]!.value, 12)
    expect(resultsFileName(date)).toBe('results_2026-01-31T12-00-00.123000.json')
  })

  it('of the harness, new and old, are read', () => {
    const fresh = {
      results: {
        piqa: {
          alias: 'piqa',
          'acc,none': 0.61,
          'acc_stderr,none': 0.011,
          'acc_norm,none': 0.62,
          'acc_norm_stderr,none': 'N/A',
        },
        gsm8k: { 'exact_match,strict-match': 0.1 },
      },
      higher_is_better: { piqa: { acc: true } },
    }
    expect(parseResults(fresh, 'x')).toEqual([
      { task: 'piqa', metric: 'acc', value: 0.61, standardError: 0.011, higherIsBetter: true },
      { task: 'piqa', metric: 'acc_norm', value: 0.62, standardError: null, higherIsBetter: undefined },
      { task: 'gsm8k', metric: 'exact_match,strict-match', value: 0.1, standardError: null, higherIsBetter: undefined },
    ])
    expect(parseResults({ results: { piqa: { acc: 0.5, acc_stderr: 0.1 } } }, 'x')).toMatchObject([
      { metric: 'acc', standardError: 0.1 },
    ])
  })

  it.for([
    [[]],
    [{ results: [] }],
    [{ results: {} }],
    [{ results: { a: 3 } }],
    [{ results: { a: { acc: true } } }],
    [{ results: { a: { alias: 'a' } } }],
    [null],
  ] as const)('refuses %j', ([bad]) => {
    expect(() => parseResults(bad, 'r.json')).toThrow(HeddleError)
  })
})

it.for([
  [{ checkpoint: 'x' }, /nothing to evaluate/],
  [{ checkpoint: 'x', tasks: [{ task: 'mmlu', path: 'y' }] }, /unknown evaluation task/],
  [{ tasks: [{ task: 'piqa', path: 'y' }] }, /checkpoint \(undefined\)/],
  [
    {
      checkpoint: 'x',
      tasks: [
        { task: 'piqa', path: 'y' },
        { task: 'piqa', path: 'z' },
      ],
    },
    /given twice/,
  ],
  [{ checkpoint: 'x', corpus: { path: 3 } }, /path/],
] as const)('a payload %j is refused', ([bad, message]) => {
  expect(() => parseEvalPayload(bad)).toThrow(message)
})
