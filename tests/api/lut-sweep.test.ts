// The look-up table and the sweep through the runner process and a project, on stacks of width 32.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BlockItem } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { resolveParams } from '#core/params.ts'
import { runLut } from '#main/api/lut.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { conclude, runSweep, sweepGrid } from '#main/api/sweep.ts'
import { startRunner } from '#main/runtime/link.ts'
import type { Runner } from '#main/runtime/link.ts'
import { LUT_PARAMS } from '#main/runtime/profile/lut-job.ts'
import { projectReport } from '#main/report/report.ts'
import { listFits } from '#main/store/correlations.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { listLut } from '#main/store/lut.ts'
import { listTrials } from '#main/store/trials.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-lut-'))
let runner: Runner
let project: Project
beforeAll(() => {
  runner = startRunner()
  project = openProject(join(folder, 'p.heddle'), { create: true })
})
afterAll(async () => {
  await runner.close()
  closeProject(project)
  rmSync(folder, { recursive: true })
})

const pattern = parseSpecText('{vocabSize: 257} a{headDim: 16} f')
const lutOptions = resolveParams(
  LUT_PARAMS,
  { context: 32, threads: 1, maxSeconds: 1, maxRelativeWidth: 0.2 },
  { dModel: 0 },
  'options',
)

it('fills the table, keeps it, and measures only what is new', { timeout: 60_000 }, async () => {
  const request = {
    target: 'ort-cpu',
    model: { ...pattern.model, dModel: 32 },
    operators: pattern.blocks as readonly BlockItem[],
    copies: [1, 3],
    options: lutOptions,
    stacks: 3,
    isForced: false,
  }
  const first = await runLut(runner, request, { project })
  expect(first.measured).toBe(6)
  expect(first.table.map((e) => e.part).sort()).toEqual(['block', 'block', 'embedding', 'floor', 'head', 'layer'])
  expect(first.checks).toHaveLength(3)
  for (const { prediction, measured } of first.checks) {
    expect(prediction.missing).toEqual([])
    expect(measured.p50Ms).toBeGreaterThan(0)
    expect(prediction.ms / measured.p50Ms).toBeGreaterThan(0.2)
    expect(prediction.ms / measured.p50Ms).toBeLessThan(5)
  }
  expect(listLut(project)).toHaveLength(6)
  const again = await runLut(runner, { ...request, stacks: 0 }, { project })
  expect([again.measured, again.reused]).toEqual([0, 5])
  expect(again.table.map((e) => e.ms)).toEqual(first.table.map((e) => e.ms))
  const more = await runLut(
    runner,
    { ...request, stacks: 0, operators: [...request.operators, { kind: 'gla', params: { nHeads: 2 } }] },
    { project },
  )
  expect([more.measured, more.reused]).toEqual([1, 5])
})

const grid = { pattern, depths: [1, 2, 3], budgets: [6000, 20_000], widthStep: 16, maxWidth: 128 }
const { spec: _spec, ...train } = parseTrainConfig({
  spec: pattern,
  run: { steps: 2, batchSize: 2, seqLen: 16, validationTokens: 64, validationEvery: 2 },
  data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
  threads: 1,
})
const config = {
  ...grid,
  train,
  phase: 'decode',
  batchSize: 1,
  context: 16,
  maxSeconds: 0.5,
  latencyBudgetMs: null,
} as const

it('sweeps, resumes without running anything again, and reports', { timeout: 90_000 }, async () => {
  const points = sweepGrid(grid).length
  const abort = new AbortController()
  let seen = 0
  const stopped = runSweep(runner, config, {
    project,
    name: 's',
    signal: abort.signal,
    onNote: () => ++seen === 2 && abort.abort(),
  })
  await expect(stopped).rejects.toMatchObject({ code: 'job-cancelled' })
  const resumed = await runSweep(runner, config, { project, name: 's' })
  expect(resumed.reused).toBe(2)
  expect(resumed.points).toHaveLength(points)
  expect(listTrials(project, resumed.study).every((t) => t.state === 'done')).toBe(true)
  const third = await runSweep(runner, config, { project, name: 's' })
  expect(third.reused).toBe(points)
  expect(third.points).toEqual(resumed.points)
  expect(listFits(project, { study: third.study }).length).toBeGreaterThan(0)
  await expect(runSweep(runner, { ...config, depths: [1, 2] }, { project, name: 's' })).rejects.toMatchObject({
    code: 'usage',
  })
  const report = projectReport(project, { title: 't', intro: '' })
  expect(report).toContain('Depth against width: s')
  expect(report).toContain('Predicted against measured decode latency')
})

it('finds a planted law and the shape that it prefers', () => {
  const points = [2, 4, 8, 16].flatMap((depth, i) =>
    [32, 64, 128, 256].map((width, j) => ({
      number: 4 * i + j,
      depth,
      width,
      budget: width,
      params: depth * width,
      latencyMs: depth * 0.1 + width * 0.001,
      loss: 2 + 1.5 * depth ** -0.9 + 20 * width ** -0.8,
      isHeldOut: depth === 16 || width === 256,
    })),
  )
  const { heldOut, fit, optimal } = conclude(points, { latencyBudgetMs: 1, train })
  expect(heldOut!.worst).toBeLessThan(0.01)
  expect(fit!.law.L0).toBeCloseTo(2, 1)
  const best = points.filter((p) => p.latencyMs <= 1).reduce((a, b) => (b.loss < a.loss ? b : a))
  expect([optimal!.chosen!.depth, optimal!.chosen!.width]).toEqual([best.depth, best.width])
})
