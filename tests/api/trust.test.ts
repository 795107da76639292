import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { parseSpecText } from '#core/model/text.ts'
import { importResults, scoresOfRun } from '#main/api/eval-results.ts'
import { recordSpec } from '#main/api/record.ts'
import { judgeProxies, storeTrust } from '#main/api/trust.ts'
import { parseRuns } from '#main/cli/quality/trust.ts'
import { parseTasks } from '#main/cli/quality/evaluate.ts'
import { trustSections } from '#main/report/trust.ts'
import { listCorrelations } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { finishRun, startRun } from '#main/store/runs.ts'
import { describe, expect, it } from 'vitest'
import { scratch, scratchProject } from '../store/scratch.ts'

/** A finished run whose bits per byte are given at its validations. */
function plant(
  project: Project,
  width: number,
  points: readonly (readonly [number, number])[],
  run: object = {},
  state: 'done' | 'failed' = 'done',
): number {
  const steps = points.at(-1)![0]
  const config = parseTrainConfig({
    spec: parseSpecText(`{name: "w${width}", dModel: ${width}, vocabSize: 257} f`),
    data: { kind: 'corpus', tokenizer: 'bytes' },
    run: { steps, ...run },
  })
  const id = startRun(project, {
    spec: recordSpec(project, config.spec),
    config: JSON.parse(JSON.stringify(config)) as Record<string, never>,
    seed: config.run.seed,
  })
  const writer = openMetrics(project, id)
  for (const [step, value] of points) writer.append('bitsPerByte', step, value)
  finishRun(project, id, { state })
  return id
}

// long runs of 40 steps end at 1 2 3 4 5, at step 10 they rank 2 1 4 3 5; runs of 10 steps rank them as they end
const EARLY = [2, 1, 4, 3, 5]
function planted(): { project: Project; long: number[] } {
  const project = scratchProject()
  const long = EARLY.map((early, i) =>
    plant(project, 16 * (i + 1), [
      [10, 10 + early],
      [40, i + 1],
    ]),
  )
  EARLY.forEach((_, i) => plant(project, 16 * (i + 1), [[10, 20 + i]]))
  return { project, long }
}

describe('judgeProxies', () => {
  it('separates prefixes from runs with their own schedule', () => {
    const { project, long } = planted()
    const report = judgeProxies(project, { metric: 'bitsPerByte', topK: 2, resamples: 200 })
    expect(report).toMatchObject({ steps: 40, runs: long })
    const [prefix, scheduled] = report.panels
    expect(prefix!.panel.targets[0]!.checkpoints.map((c) => [c.step, c.spearman.estimate])).toEqual([
      [10, expect.closeTo(0.8, 12)],
      [40, 1],
    ])
    expect(scheduled!.mode).toBe('scheduled')
    expect(scheduled!.panel.targets[0]!.checkpoints.map((c) => [c.step, c.spearman.estimate])).toEqual([[10, 1]])
    // the wider stack was planted to be worse, and more parameters are taken as better
    expect(prefix!.panel.targets[0]!.baselines.find((b) => b.name === 'params')!.spearman.estimate).toBe(-1)
  })

  it('stores what it found, and the report draws it', () => {
    const { project } = planted()
    const report = judgeProxies(project, { metric: 'bitsPerByte', topK: 2, resamples: 200 })
    storeTrust(project, report)
    const rows = listCorrelations(project, { method: 'kendall', y: 'bitsPerByte@40' })
    expect(rows.find((row) => row.x === 'bitsPerByte@10' && row.name === 'trust prefix')).toMatchObject({
      step: 10,
      count: 5,
      value: expect.closeTo(0.6, 12) as number,
      details: { recall: 1, regret: 0 },
    })
    const html = trustSections(project)
      .map((part) => part.html)
      .join('')
    expect(html).toContain('Spearman with bitsPerByte@40')
    expect(html).toContain('shorter run, own schedule')
  })

  it('a failed run is left out and counted', () => {
    const { project } = planted()
    plant(
      project,
      96,
      [
        [10, 9],
        [40, 0.1],
      ],
      {},
      'failed',
    )
    const first = judgeProxies(project, { metric: 'bitsPerByte', resamples: 100 }).panels[0]!.panel.targets[0]!
      .checkpoints[0]!
    expect(first.spearman).toMatchObject({ count: 5, dropped: 1 })
  })

  it('reads imported task scores of the runs', () => {
    const { project, long } = planted()
    const folder = scratch()
    long.forEach((run, i) => {
      const path = join(folder, `results_${i}.json`)
      writeFileSync(path, JSON.stringify({ results: { piqa: { 'acc,none': 0.9 - 0.1 * i } } }))
      importResults(project, path, run)
    })
    expect(scoresOfRun(project, long[1]!)).toMatchObject([{ task: 'piqa', metric: 'acc', value: 0.8 }])
    const target = judgeProxies(project, { metric: 'bitsPerByte', resamples: 100 }).panels[0]!.panel.targets[1]!
    expect(target.target).toBe('piqa acc')
    expect(target.checkpoints.map((c) => c.spearman.estimate)).toEqual([expect.closeTo(0.8, 12), 1])
  })

  it('refuses runs that do not compare, unknown runs and unknown metrics', () => {
    const { project } = planted()
    plant(
      project,
      112,
      [
        [10, 9],
        [40, 1],
      ],
      { batchSize: 64 },
    )
    expect(() => judgeProxies(project, { metric: 'bitsPerByte' })).toThrow(/different data or settings/)
    expect(() => judgeProxies(project, { metric: 'bitsPerByte', runs: [1, 99] })).toThrow(/no run 99/)
    expect(() => judgeProxies(project, { metric: 'lr' })).toThrow(/better low or high/)
    expect(() => judgeProxies(project, { metric: 'bitsPerByte', runs: [1, 2, 3], steps: 7 })).toThrow(
      /no chosen run has 7 steps/,
    )
    expect(() => judgeProxies(scratchProject(), { metric: 'bitsPerByte' })).toThrow(/no run to compare/)
  })
})

it('a results file that is not one leaves the project alone', () => {
  const project = scratchProject()
  const path = join(scratch(), 'bad.json')
  writeFileSync(path, '{"results": ')
  expect(() => importResults(project, path)).toThrow(/not JSON/)
  expect(() => importResults(project, join(path, 'none'))).toThrow(/there is no file/)
})

it('lists on the command line', () => {
  expect(parseRuns('1-3, 7,2')).toEqual([1, 2, 3, 7])
  expect(() => parseRuns('3-1')).toThrow(/not a number or a range/)
  expect(parseTasks('piqa:a.jsonl,lambada:C:/b')).toEqual([
    { task: 'piqa', path: 'a.jsonl' },
    { task: 'lambada', path: 'C:/b' },
  ])
  expect(() => parseTasks('piqa')).toThrow(/TASK:FILE/)
})
