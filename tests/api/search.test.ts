import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { rng } from '#core/rng.ts'
import type { Trial } from '#core/search/index.ts'
import { openLane } from '#main/api/lane.ts'
import { createSearch, openSearch, readTrials, runSearch } from '#main/api/search.ts'
import type { SearchConfig } from '#main/api/search.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { landscape } from './landscape.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-search-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const config = (parallel: number, trials = 40): SearchConfig => ({
  searcher: 'aging-evolution',
  params: { populationSize: 10, tournamentSize: 3 },
  space: { dModels: [32, 64], maxBlocks: 10, model: { vocabSize: 64 } },
  goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 0.1 }] },
  trials,
  parallel,
  seed: 5,
  evaluation: {},
})

const outline = (trials: readonly Trial[]): unknown =>
  trials.map(({ number, key, parents, mutation, state, metrics }) => ({
    number,
    key,
    parents,
    mutation,
    state,
    metrics,
  }))

async function uninterrupted(name: string, parallel: number): Promise<unknown> {
  const project = openProject(join(folder, name), { create: true })
  const study = createSearch(project, 'whole', config(parallel))
  const trials = await runSearch(project, study, async (spec) => landscape(spec))
  closeProject(project)
  return outline(trials)
}

it('stores every trial with its lineage and reads the same study back', async () => {
  const project = openProject(join(folder, 'store.heddle'), { create: true })
  const study = createSearch(project, 'one', config(2))
  const events: string[] = []
  const trials = await runSearch(project, study, async (spec) => landscape(spec), {
    onTrial: (t) => events.push(`${t.number} ${t.state}`),
  })
  expect(trials).toHaveLength(40)
  expect(trials.some((t) => t.state === 'failed')).toBe(true)
  expect(trials.some((t) => t.parents.length > 0 && t.mutation !== null)).toBe(true)
  expect(events).toHaveLength(80)
  expect(outline(readTrials(project, openSearch(project, study.id)))).toEqual(outline(trials))
  closeProject(project)
})

it('extends a finished study with what a larger one would have proposed', async () => {
  const whole = await uninterrupted('whole-extend.heddle', 1)
  const project = openProject(join(folder, 'extend.heddle'), { create: true })
  const { id } = createSearch(project, 'short', config(1, 25))
  await runSearch(project, openSearch(project, id), async (spec) => landscape(spec))
  const trials = await runSearch(project, openSearch(project, id, 40), async (spec) => landscape(spec))
  closeProject(project)
  expect(outline(trials)).toEqual(whole)
})

it.each([1, 2])('ends when the project cannot be written, and loses no trial, with %i evaluators', async (parallel) => {
  const name = `full-${parallel}.heddle`
  const whole = await uninterrupted(`whole-${name}`, parallel)
  const project = openProject(join(folder, name), { create: true })
  const study = createSearch(project, 'full', config(parallel))
  let evaluated = 0
  const search = runSearch(project, study, async (spec) => {
    if (++evaluated > 14) throw new HeddleError('store-full', 'the disk is full')
    return landscape(spec)
  })
  await expect(search).rejects.toThrow('the disk is full')
  const states = readTrials(project, study).map(({ state }) => state)
  expect(states.filter((state) => state === 'done' || state === 'failed')).toHaveLength(14)
  const trials = await runSearch(project, study, async (spec) => landscape(spec))
  closeProject(project)
  expect(outline(trials)).toEqual(whole)
})

it('stops after the trials in flight when told to, and goes on', async () => {
  const whole = await uninterrupted('whole-stop.heddle', 2)
  const project = openProject(join(folder, 'stop.heddle'), { create: true })
  const study = createSearch(project, 'stopped', config(2))
  const controller = new AbortController()
  const some = await runSearch(project, study, async (spec) => landscape(spec), {
    signal: controller.signal,
    onTrial: (t) => void (t.number === 12 && controller.abort()),
  })
  expect(some.length).toBeLessThan(40)
  const trials = await runSearch(project, openSearch(project, study.id), async (spec) => landscape(spec))
  closeProject(project)
  expect(outline(trials)).toEqual(whole)
})

it('survives kill -9 ten times and ends as the uninterrupted study does', { timeout: 180_000 }, async () => {
  const whole = await uninterrupted('whole-kill.heddle', 2)
  const path = join(folder, 'kill.heddle')
  const project = openProject(path, { create: true })
  const { id } = createSearch(project, 'killed', config(2))
  closeProject(project)
  const random = rng('kill', Date.now())
  const child = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [join(import.meta.dirname, 'search-child.ts'), path, String(id), '60'], { stdio: 'ignore' })
  for (let kill = 0; kill < 10; kill++) {
    const running = child()
    const ended = new Promise((resolve) => running.once('exit', resolve))
    await new Promise((resolve) => setTimeout(resolve, 250 + random.integer(500)))
    running.kill('SIGKILL')
    await ended
    expect((await checkProject(path)).faults).toEqual([])
  }
  const last = child()
  expect(await new Promise((resolve) => last.once('exit', resolve))).toBe(0)
  const reopened = openProject(path)
  expect(outline(readTrials(reopened, openSearch(reopened, id)))).toEqual(whole)
  closeProject(reopened)
})

it('refuses studies that are no searches, smaller budgets and unknown searchers', () => {
  const project = openProject(join(folder, 'refuse.heddle'), { create: true })
  const { id } = createSearch(project, 'x', config(1))
  expect(() => openSearch(project, id, 3)).toThrow(/budget of 40/)
  expect(() => openSearch(project, 99)).toThrow(/study 99/)
  expect(() => createSearch(project, 'y', { ...config(1), searcher: 'nope' })).toThrow(/no searcher/)
  expect(() => createSearch(project, 'y', { ...config(1), trials: 0 })).toThrow(/trials \(0\)/)
  closeProject(project)
})

it('measures alone: exclusive work waits for shared work and goes before what comes later', async () => {
  const lane = openLane()
  const log: string[] = []
  const step = (name: string) => async (): Promise<void> => {
    log.push(`+${name}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    log.push(`-${name}`)
  }
  const work = [
    lane.shared(step('a')),
    lane.shared(step('b')),
    lane.exclusive(step('X')),
    lane.shared(step('c')),
    lane.exclusive(step('Y')),
  ]
  await expect(lane.shared(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await Promise.all(work)
  expect(log.slice(0, 4)).toEqual(['+a', '+b', '-a', '-b'])
  for (const name of ['X', 'Y']) expect(log.indexOf(`-${name}`)).toBe(log.indexOf(`+${name}`) + 1)
  expect(log.indexOf('+Y')).toBeLessThan(log.indexOf('+c'))
})
