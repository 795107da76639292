// Searches through the door: a real one of tiny stacks, its events, what is known of its trials, and what is refused.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { NumberedEvent } from '#main/api/workbench/events.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { TrialColumns } from '#core/search/index.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'

const root = mkdtempSync(join(tmpdir(), 'heddle-search-door-'))
const workbench = openWorkbench({ root, project: join(root, 'one.heddle') })
const events: NumberedEvent[] = []
workbench.subscribe((event) => events.push(event))
afterAll(async () => {
  await workbench.close()
  rmSync(root, { recursive: true, force: true })
})

const config = {
  searcher: 'aging-evolution',
  space: { mixers: ['deltanet'], channelCounts: [1], dModels: [32], maxBlocks: 4 },
  goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 1000 }] },
  trials: 2,
  evaluation: {
    train: { run: { steps: 2, batchSize: 2, seqLen: 16, validationTokens: 64 }, threads: 1 },
    profile: { options: { maxSeconds: 0.2, context: 16, promptLen: 8 } },
    finalists: 1,
  },
}

async function ended(job: unknown): Promise<JobRow> {
  const { id } = job as JobRow
  for (;;) {
    const row = ((await workbench.call('jobs.list', {})) as JobRow[]).find((one) => one.id === id)!
    if (row.state !== 'running') return row
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

it('fills in what a configuration leaves open, and refuses what cannot be', async () => {
  const checked = (await workbench.call('search.check', { config })) as Record<string, never>
  expect(checked).toMatchObject({ trials: 2, parallel: 1, params: { populationSize: 1, tournamentSize: 1 } })
  expect(checked['space']).toMatchObject({ model: { vocabSize: 257 } })
  const refused = (change: object): Promise<unknown> =>
    workbench.call('search.check', { config: { ...config, ...change } })
  await expect(refused({ searcher: 'guess' })).rejects.toThrow('no searcher')
  await expect(refused({ trials: 0 })).rejects.toThrow('trials (0)')
  await expect(refused({ goal: { objectives: ['beauty'] } })).rejects.toThrow('unknown metric')
  await expect(refused({ space: { mixers: ['ffn'] } })).rejects.toThrow('not a sequence mixer')
  await expect(refused({ table: {} })).rejects.toThrow('has no table')
})

it('runs a search whose trials arrive, and knows where its latencies come from', { timeout: 120_000 }, async () => {
  const job = await ended(await workbench.call('search.start', { name: 'tiny', config }))
  expect(job).toMatchObject({ state: 'done', kind: 'search', canPause: true, subject: { study: 1 } })
  const states = events.flatMap((e) => (e.type === 'trial' ? [`${e.trial.number} ${e.trial.state}`] : []))
  expect(states).toEqual(['0 running', '0 done', '1 running', '1 done'])
  expect(events.some((e) => e.type === 'run' && e.run.study === 1)).toBe(true)
  const trials = (await workbench.call('studies.trials', { study: 1 })) as { metrics: Record<string, number> }[]
  const latencies = (await workbench.call('search.latencies', { study: 1 })) as {
    trial: number
    p50Ms: number
    lowMs: number
    highMs: number
  }[]
  expect(latencies.map(({ p50Ms }) => p50Ms)).toEqual(trials.map(({ metrics }) => metrics['tpotMs']))
  for (const { p50Ms, lowMs, highMs } of latencies) expect(lowMs <= p50Ms && p50Ms <= highMs).toBe(true)
  expect(await workbench.call('search.latencies', { study: 1, trial: 1 })).toEqual(
    latencies.filter(({ trial }) => trial === 1),
  )
  const { finalists, winner } = (await workbench.call('search.finalists', { study: 1 })) as {
    finalists: { number: number; measured: Record<string, unknown> }[]
    winner: number
  }
  expect(finalists.map(({ number }) => number)).toContain(winner)
  expect(finalists[0]!.measured).toHaveProperty('tpotMs')
  expect(await workbench.call('search.tables', { study: 1 })).toEqual([])
})

it('pauses after the trial in flight, goes on, and stops at once', { timeout: 120_000 }, async () => {
  await expect(workbench.call('search.resume', { study: 1, trials: 1 })).rejects.toThrow('budget of 2')
  await expect(workbench.call('search.cancel', { study: 1 })).rejects.toThrow('not running here')
  const began = events.length
  const job = await workbench.call('search.resume', { study: 1, trials: 500 })
  await expect(workbench.call('search.resume', { study: 1 })).rejects.toThrow('is running')
  while (!events.slice(began).some((e) => e.type === 'trial')) await new Promise((resolve) => setTimeout(resolve, 20))
  await workbench.call('search.pause', { study: 1 })
  const paused = await ended(job)
  expect(paused).toMatchObject({ state: 'done' })
  expect(paused.outcome).toContain('paused')
  const again = await workbench.call('search.resume', { study: 1 })
  await workbench.call('search.cancel', { study: 1 })
  expect(await ended(again)).toMatchObject({ state: 'cancelled' })
  expect(await workbench.call('studies.get', { id: 1 })).toMatchObject({ state: 'paused' })
})

it('takes a stack of the user as the next trial of a search', { timeout: 120_000 }, async () => {
  const space = { ...config.space, mixers: ['deltanet', 'attention'], encoding: 'free' }
  await ended(await workbench.call('search.start', { name: 'joined', config: { ...config, space, trials: 1 } }))
  const add = (text: string): Promise<unknown> =>
    workbench.call('search.add', { study: 2, spec: parseSpecText(`{dModel: 32, vocabSize: 999} ${text}`) })
  await expect(add('m2 f')).rejects.toThrow('not in the search space')
  await expect(workbench.call('search.add', { study: 2, spec: parseSpecText('{dModel: 48} d f') })).rejects.toThrow(
    'dModel (48) is not in the search space',
  )
  await expect(
    workbench.call('search.add', { study: 2, spec: parseSpecText('{dModel: 32, metaTokens: 3} d f a f') }),
  ).rejects.toThrow('metaTokens (3) is not in the search space')
  const { trial, job } = (await add('d f a f')) as { readonly trial: number; readonly job: JobRow }
  expect(trial).toBe(1)
  // the search runs: it takes the next stack as its next trial
  expect(await add('a f d f')).toEqual({ trial: 2, job: expect.objectContaining({ id: job.id, state: 'running' }) })
  await expect(add('a f d f')).rejects.toThrow('trial 2 of study 2 is this stack already')
  expect(await ended(job)).toMatchObject({ state: 'done' })
  expect(await workbench.call('studies.get', { id: 2 })).toMatchObject({ state: 'done', config: { trials: 3 } })
  const rows = (await workbench.call('studies.rows', { study: 2 })) as { number: number; state: string; spec: string }[]
  expect(rows.map(({ number, state }) => [number, state])).toEqual([
    [0, 'done'],
    [1, 'done'],
    [2, 'done'],
  ])
  // pieces of the trials are the whole
  const piece = async (bounds: object): Promise<TrialColumns> =>
    (await workbench.call('search.trials', { study: 2, ...bounds })) as TrialColumns
  const whole = await piece({})
  expect([...whole.numbers]).toEqual([0, 1, 2])
  expect([...(await piece({ end: 1 })).mutations, ...(await piece({ from: 1 })).mutations]).toEqual(whole.mutations)
  const [stack] = (await workbench.call('stacks.get', { hashes: [rows[1]!.spec] })) as { readonly text: string }[]
  expect(stack!.text).toContain('d f a f')
  expect(stack!.text).toContain('vocabSize: 257')
  await expect(add('d f a f')).rejects.toThrow('trial 1 of study 2 is this stack already')
})
