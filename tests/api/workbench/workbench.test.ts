// The workbench end to end without a screen: a project from a template, a training whose points arrive as events, a
// measurement, and what is refused.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { NumberedEvent } from '#main/api/workbench/events.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import type { RunRow } from '#main/store/runs.ts'

const root = mkdtempSync(join(tmpdir(), 'heddle-workbench-'))
const workbench = openWorkbench({ root })
const events: NumberedEvent[] = []
workbench.subscribe((event) => events.push(event))
afterAll(async () => {
  await workbench.close()
  rmSync(root, { recursive: true, force: true })
})

const data = { kind: 'corpus', path: null, tokenizer: 'bytes' }
const spec = { heddle: 1, name: 'tiny', model: { dModel: 32, vocabSize: 257 }, blocks: [{ kind: 'ffn' }] }

async function ended(job: unknown): Promise<JobRow> {
  const { id } = job as JobRow
  for (;;) {
    const row = ((await workbench.call('jobs.list', {})) as JobRow[]).find((one) => one.id === id)!
    if (row.state !== 'running') return row
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

it('says that no project is open', async () => {
  await expect(workbench.call('training.runs', {})).rejects.toThrow('no project is open')
})

it('makes a project from a template', async () => {
  expect(await workbench.call('projects.create', { name: 'first', template: 'hybrid' })).toMatchObject({
    name: 'first',
    readonly: false,
  })
  const designs = (await workbench.call('documents.list', { kind: 'design' })) as { name: string }[]
  expect(designs.map((d) => d.name).sort()).toEqual(['Hybrid d m2 a', 'Pure attention'])
  await expect(workbench.call('projects.create', { name: 'first' })).rejects.toThrow('is there already')
  await expect(workbench.call('projects.create', { name: '../out' })).rejects.toThrow('cannot be the name')
  await expect(workbench.call('projects.open', { path: '/etc/passwd' })).rejects.toThrow('not in the library')
  await expect(workbench.call('projects.open', { path: 'missing.heddle' })).rejects.toThrow('no project at')
})

it('trains, and every point arrives before the end', { timeout: 60_000 }, async () => {
  const config = {
    spec,
    data,
    run: { steps: 4, batchSize: 2, seqLen: 16, validationEvery: 2, validationTokens: 64 },
    threads: 1,
  }
  const job = await ended(await workbench.call('training.start', { config }))
  expect(job).toMatchObject({ state: 'done', kind: 'train', subject: { run: 1 } })
  expect(job.outcome).toContain('bits/byte')
  const points = events.flatMap((e) => (e.type === 'points' ? e.points : []))
  expect(points.map((p) => p.step)).toEqual([1, 2, 3, 4])
  const states = events.flatMap((e) => (e.type === 'run' ? [e.run.state] : []))
  expect(states).toEqual(['running', 'done'])
  const [curve] = (await workbench.call('training.curves', { runs: [1], metric: 'loss' })) as { values: Float64Array }[]
  expect([...curve!.values]).toEqual(points.map((p) => p.values['loss']))
})

it('cancels a training; the run says so', { timeout: 60_000 }, async () => {
  const config = { spec, data, run: { steps: 100_000, batchSize: 2, seqLen: 16 }, threads: 1 }
  const job = (await workbench.call('training.start', { config, name: 'long' })) as JobRow
  while (!events.some((e) => e.type === 'points' && e.run === 2)) await new Promise((r) => setTimeout(r, 20))
  await expect(workbench.call('projects.close', {})).rejects.toThrow('is still running')
  await workbench.call('jobs.cancel', { id: job.id })
  expect((await ended(job)).state).toBe('cancelled')
  const runs = (await workbench.call('training.runs', {})) as RunRow[]
  expect(runs.map((r) => r.state)).toEqual(['done', 'cancelled'])
})

it('measures a stack and keeps every sample', { timeout: 60_000 }, async () => {
  const options = { phases: 'decode', context: 16, promptLen: 8, maxSeconds: 0.5, threads: 1, trace: false }
  expect(await ended(await workbench.call('profile.start', { specs: [spec], options }))).toMatchObject({
    state: 'done',
  })
  const rows = (await workbench.call('profile.measurements', {})) as { id: number; count: number; p50Ms: number }[]
  expect(rows).toHaveLength(1)
  const samples = (await workbench.call('profile.samples', { id: rows[0]!.id })) as Float64Array
  expect(samples).toHaveLength(rows[0]!.count)
  expect(rows[0]!.p50Ms).toBeGreaterThan(0)
  expect(await workbench.call('profile.additivity', {})).toEqual([])
})

it('a job that cannot start leaves its reason', async () => {
  await expect(workbench.call('training.start', { config: { spec: { heddle: 1 } } })).rejects.toThrow()
  const job = await ended(await workbench.call('profile.start', { specs: [spec], target: 'nowhere', options: {} }))
  expect(job).toMatchObject({ state: 'failed' })
  expect(job.error!.message).toContain('nowhere')
})

it('reads corpora and tokenizers of its own folder only', { timeout: 60_000 }, async () => {
  const outside = mkdtempSync(join(tmpdir(), 'heddle-outside-'))
  writeFileSync(join(outside, 'secret.txt'), 'a secret '.repeat(200))
  symlinkSync(join(outside, 'secret.txt'), join(root, 'link.txt'))
  writeFileSync(join(root, 'own.txt'), 'some words of my own. '.repeat(400))
  const run = { steps: 2, batchSize: 2, seqLen: 16, validationTokens: 64 }
  const start = (data: object): Promise<unknown> =>
    workbench.call('training.start', { config: { spec, data: { kind: 'corpus', ...data }, run, threads: 1 } })
  const goal = { objectives: ['bitsPerByte'] }
  const refused = 'is not in the library'
  for (const path of [join(outside, 'secret.txt'), '/etc/passwd', '../../../../etc/passwd', 'link.txt', '.']) {
    await expect(start({ path, tokenizer: 'bytes' })).rejects.toThrow(refused)
    await expect(start({ path: null, tokenizer: path })).rejects.toThrow(refused)
    const evaluation = { train: { data: { kind: 'corpus', path, tokenizer: 'bytes' } } }
    const config = { searcher: 'random', goal, evaluation }
    await expect(workbench.call('search.check', { config })).rejects.toThrow(refused)
    await expect(workbench.call('search.start', { name: 'x', config })).rejects.toThrow(refused)
    await expect(workbench.call('studies.run', { kind: 'proxy-trust', params: {}, data: path })).rejects.toThrow(
      refused,
    )
  }
  expect((await ended(await start({ path: 'own.txt', tokenizer: 'bytes' }))).state).toBe('done')
  rmSync(outside, { recursive: true, force: true })
})

it('numbers its events without a gap', () => {
  expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1))
})

it('opens for reading only, and writes nothing then', async () => {
  await workbench.call('projects.close', {})
  const path = join(root, 'first.heddle')
  expect(await workbench.call('projects.open', { path, access: 'read' })).toMatchObject({ readonly: true })
  await expect(workbench.call('training.start', { config: { spec } })).rejects.toMatchObject({ code: 'store-readonly' })
  await expect(workbench.call('documents.save', { kind: 'design', name: 'x', body: {} })).rejects.toMatchObject({
    code: 'store-readonly',
  })
  expect(await workbench.call('training.runs', {})).toHaveLength(3)
})
