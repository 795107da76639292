// Lists of thousands of rows, judgements, and runs that go on, through the door.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseSpecText } from '#core/model/text.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { recordSpec } from '#main/api/record.ts'
import { checkpointOf } from '#main/api/train.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { finishRun, startRun } from '#main/store/runs.ts'
import { createStudy } from '#main/store/studies.ts'
import { finishTrial, startTrial } from '#main/store/trials.ts'

const root = mkdtempSync(join(tmpdir(), 'heddle-records-'))
const path = join(root, 'records.heddle')
const STACKS = ['d f', 'm2 f', 'a f', 'd f m2 f']
const config = {
  spec: { heddle: 1, name: 'tiny', model: { dModel: 32, vocabSize: 257 }, blocks: [{ kind: 'ffn' }] },
  data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
  run: { steps: 6, batchSize: 2, seqLen: 16, validationEvery: 2, validationTokens: 64, checkpointEvery: 2 },
  threads: 1,
}

let workbench: ReturnType<typeof openWorkbench>
beforeAll(() => {
  const project = openProject(path, { create: true })
  const study = createStudy(project, { name: 'made', kind: 'sweep', config: {}, seed: 1 })
  STACKS.forEach((text, number) => {
    const spec = recordSpec(project, parseSpecText(`{dModel: 32, vocabSize: 257} ${text}`))
    const mutation = { genome: { large: true }, parents: [], mutation: number === 0 ? null : { kind: 'replace' } }
    const trial = startTrial(project, { study, number, spec, mutation })
    const run = startRun(project, { spec, config: { run: { steps: 30 } }, seed: 1, study, trial })
    const metrics = openMetrics(project, run)
    for (const step of [10, 20, 30]) metrics.append('valLoss', step, number + 1 / step)
    metrics.close()
    finishRun(project, run, { state: 'done' })
    finishTrial(project, trial, { state: 'done', metrics: { valLoss: number } })
  })
  closeProject(project)
  workbench = openWorkbench({ root, project: path })
})
afterAll(async () => {
  await workbench.close()
  rmSync(root, { recursive: true, force: true })
})

async function ended({ id }: JobRow): Promise<JobRow> {
  for (;;) {
    const row = ((await workbench.call('jobs.list', {})) as JobRow[]).find((one) => one.id === id)!
    if (row.state !== 'running') return row
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it('lists trials without their genomes, in pages', async () => {
  const page = (await workbench.call('studies.rows', { study: 1, offset: 1, limit: 2 })) as Record<string, unknown>[]
  expect(page.map((row) => [row['number'], row['change']])).toEqual([
    [1, 'replace'],
    [2, 'replace'],
  ])
  expect(page[0]).not.toHaveProperty('mutation')
})

it('lists stacks without their specs', async () => {
  const rows = (await workbench.call('stacks.rows', {})) as Record<string, unknown>[]
  expect(rows).toHaveLength(STACKS.length)
  expect(rows[0]).toMatchObject({ counts: { params: expect.any(Number) } })
  expect(rows[0]).not.toHaveProperty('json')
})

it('gives the last value of each run', async () => {
  const found = await workbench.call('training.finals', { metrics: ['valLoss', 'accuracy'] })
  expect(found).toEqual([
    { metric: 'valLoss', runs: [1, 2, 3, 4], values: Float64Array.from([0, 1, 2, 3], (n) => n + 1 / 30) },
    { metric: 'accuracy', runs: [], values: new Float64Array() },
  ])
})

it('stores the runs of a judgement, and lets other calls through meanwhile', async () => {
  let isJudged = false
  const judging = workbench.call('trust.store', { metric: 'valLoss', study: 1, topK: 2 }).then((answer) => {
    isJudged = true
    return answer
  })
  await workbench.call('studies.list', {})
  expect(isJudged).toBe(false)
  const { ids } = (await judging) as { ids: number[] }
  const rows = (await workbench.call('trust.correlations', {})) as { details: Record<string, unknown> }[]
  expect(rows).toHaveLength(ids.length)
  expect(rows[0]!.details).toMatchObject({ runs: [1, 2, 3, 4], topK: 2 })
})

it('a run that was cancelled goes on from its checkpoint, as the same run', { timeout: 60_000 }, async () => {
  const long = { ...config, run: { ...config.run, steps: 4000, validationEvery: 4000 } }
  const job = (await workbench.call('training.start', { config: long, name: 'goes on' })) as JobRow
  const checkpoint = checkpointOf({ path } as never, 5)
  while (!existsSync(checkpoint)) await new Promise((resolve) => setTimeout(resolve, 10))
  await workbench.call('jobs.cancel', { id: job.id })
  expect(await ended(job)).toMatchObject({ state: 'cancelled', subject: { run: 5 } })
  expect(await workbench.call('training.run', { id: 5 })).toMatchObject({ hasCheckpoint: true })
  const before = await ofRun(5)

  const again = (await workbench.call('training.resume', { id: 5 })) as JobRow
  while ((await ofRun(5)).length < before.length + 10) await new Promise((resolve) => setTimeout(resolve, 20))
  await workbench.call('jobs.cancel', { id: again.id })
  expect(await ended(again)).toMatchObject({ subject: { run: 5 } })
  // every step once, without a gap
  const steps = await ofRun(5)
  expect(steps).toEqual(steps.map((_, i) => i + 1))
  // and no more of them twice than came after the checkpoint
  const { metrics } = (await workbench.call('training.run', { id: 5 })) as {
    metrics: { metric: string; count: number }[]
  }
  expect(metrics.find(({ metric }) => metric === 'loss')!.count - steps.length).toBeLessThan(10)
})

const ofRun = async (run: number): Promise<number[]> => {
  const [curve] = (await workbench.call('training.curves', { runs: [run], metric: 'loss' })) as {
    steps: Float64Array
  }[]
  return [...curve!.steps]
}

it('what ended, or belongs to a study, does not go on', async () => {
  await expect(workbench.call('training.resume', { id: 1 })).rejects.toThrow('is done')
  await expect(workbench.call('training.resume', { id: 99 })).rejects.toThrow('no run 99')
})
