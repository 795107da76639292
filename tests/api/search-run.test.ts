// Whole studies through the api, on a runner whose latencies are sums that are known here.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { specOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import { openSearch, readTrials } from '#main/api/search.ts'
import type { SearchConfig } from '#main/api/search.ts'
import { requestPause } from '#main/api/search/pause.ts'
import { tableOfProject } from '#main/api/search/table.ts'
import { largestBatch } from '#main/api/search/throughput.ts'
import { whatIfConditions, whatIfStudy } from '#main/api/search/what-if.ts'
import {
  parseEvaluation,
  readFinalists,
  resumeStudy,
  searchConfig,
  searcherParams,
  startStudy,
} from '#main/api/search-run.ts'
import type { Evaluation, SearchRequest, SearchRunHandlers } from '#main/api/search-run.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { addLutEntry, listLut } from '#main/store/lut.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { listRuns } from '#main/store/runs.ts'
import { getStudy } from '#main/store/studies.ts'
import { costOf, fakeRunner } from './fake-runner.ts'
import type { FakeOptions, Job } from './fake-runner.ts'

// whole searches on a machine that other tests use, too
vi.setConfig({ testTimeout: 240_000 })

const folder = mkdtempSync(join(tmpdir(), 'heddle-search-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
/** Runs with a project of its own. */
async function inProject<T>(work: (project: Project) => Promise<T>): Promise<T> {
  const project = openProject(join(folder, `${files++}.heddle`), { create: true })
  try {
    return await work(project)
  } finally {
    closeProject(project)
  }
}

const TARGET_MS = 0.5
const WIDTHS = [32, 64, 96, 128]

const config = (
  evaluation: Partial<Evaluation> = {},
  more: Partial<SearchConfig> = {},
  isWidest = false,
): SearchConfig => ({
  searcher: 'aging-evolution',
  params: searcherParams('aging-evolution', 24),
  space: {
    dModels: WIDTHS,
    maxBlocks: 8,
    model: { vocabSize: 257 },
    mixers: ['attention', 'deltanet'],
    ...(isWidest && { widthTargetMs: TARGET_MS }),
  },
  goal: {
    objectives: ['bitsPerByte', 'predictedTpotMs'],
    constraints: [{ metric: 'predictedTpotMs', max: TARGET_MS }],
  },
  trials: 24,
  parallel: 2,
  seed: 3,
  evaluation: { ...parseEvaluation({ latency: 'predicted', ...evaluation }) },
  ...more,
})
const MEASURED = {
  goal: { objectives: ['bitsPerByte', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: TARGET_MS }] },
}

const start = (
  project: Project,
  studied: SearchConfig,
  options: FakeOptions = {},
  handlers: SearchRunHandlers = {},
): ReturnType<typeof startStudy> =>
  startStudy(project, { name: 'test', config: studied }, { startRunner: () => fakeRunner(options), ...handlers })

const outline = (trials: readonly Trial[]): unknown =>
  trials.map(({ number, key, parents, mutation, state, metrics }) => ({
    number,
    key,
    parents,
    mutation,
    state,
    metrics,
  }))

describe('latency from the table', () => {
  it('fills the table for every operator at every width first, and marks every prediction by its name', () =>
    inProject(async (project) => {
      const jobs: Job[] = []
      const phases = new Set<string>()
      const { study, trials } = await start(
        project,
        config(),
        { onJob: (job) => void jobs.push(job) },
        { onProgress: ({ phase }) => phases.add(phase) },
      )
      const kinds = jobs.map(({ kind }) => kind)
      expect(kinds.slice(0, 5)).toEqual(['lut', 'lut', 'lut', 'lut', 'train'])
      expect(kinds.filter((kind) => kind === 'profile')).toHaveLength(1)
      expect(listLut(project).filter((row) => row.part === 'block')).toHaveLength(3 * WIDTHS.length)
      expect([...phases]).toContain('search')
      const done = trials.filter((t) => t.state === 'done')
      expect(done.length).toBeGreaterThan(12)
      for (const { genome, metrics } of done) {
        expect(metrics['predictedTpotMs']).toBeCloseTo(costOf(specOf(genome, study.plan.space)), 12)
        expect(metrics).not.toHaveProperty('tpotMs')
      }
      expect(outline(readTrials(project, openSearch(project, study.id)))).toEqual(outline(trials))
    }))

  it('measures finalists whole, predicted beside measured, and lets only measurements win', () =>
    inProject(async (project) => {
      const { study, trials, finalists, winner, state } = await start(project, config())
      expect(state).toBe('done')
      expect(finalists.length).toBeGreaterThan(1)
      for (const { spec, predicted, measured } of finalists) {
        expect(predicted.tpotMs).toBeCloseTo(costOf(spec), 12)
        // the profile is at batch 1
        expect(measured.tpotMs!.p50Ms).toBeCloseTo(1.1 * (1 + 1 / 16) * costOf(spec), 12)
      }
      const kept = finalists.filter(({ measured }) => measured.tpotMs!.p50Ms <= TARGET_MS)
      // some keep the target only by their prediction
      expect(kept.length).toBeLessThan(finalists.length)
      const losses = kept.map(({ trial }) => trial.metrics['bitsPerByte']!)
      expect(trials.find((t) => t.number === winner)!.metrics['bitsPerByte']).toBe(Math.min(...losses))
      expect(readFinalists(project, openSearch(project, study.id), trials)).toEqual(finalists)
      // resumed, it has nothing left to do
      const again = await resumeStudy(
        project,
        { study: study.id },
        { startRunner: () => fakeRunner({ onJob: ({ kind }) => expect.unreachable(kind) }) },
      )
      expect(again.winner).toBe(winner)
    }))

  it('chooses for every trial the largest width that keeps the target', () =>
    inProject(async (project) => {
      const { study, trials } = await start(project, config({}, {}, true))
      const widths = new Set<number>()
      for (const { genome } of trials) {
        const costAt = (dModel: number): number => costOf(specOf({ ...genome, dModel }, study.plan.space))
        const fitting = WIDTHS.filter((dModel) => costAt(dModel) <= TARGET_MS)
        expect(genome.dModel).toBe(fitting.at(-1) ?? WIDTHS[0])
        widths.add(genome.dModel)
      }
      expect(widths.size).toBeGreaterThan(1)
    }))

  it('goes on as it would have when the table of the project changes meanwhile', async () => {
    const whole = await inProject(async (project) => outline((await start(project, config({}, {}, true))).trials))
    await inProject(async (project) => {
      const pause = new AbortController()
      const { study, state, trials } = await start(
        project,
        config({}, {}, true),
        {},
        {
          pause: pause.signal,
          onTrial: ({ number }) => void (number === 10 && pause.abort()),
        },
      )
      expect([state, trials.length < 24]).toEqual(['paused', true])
      for (const { id: _, createdAt: __, ...row } of listLut(project))
        addLutEntry(project, { ...row, slopeMs: 10 * row.slopeMs, lowMs: 10 * row.lowMs, highMs: 10 * row.highMs })
      const startRunner = (): ReturnType<typeof fakeRunner> => fakeRunner()
      const resumed = await resumeStudy(project, { study: study.id }, { startRunner })
      expect(outline(resumed.trials)).toEqual(whole)
      // a study of its own takes what the project knows by then
      const other = await start(project, config({}, {}, true), {
        onJob: ({ kind }) => expect(kind).not.toBe('lut'),
      })
      expect(outline(other.trials)).not.toEqual(whole)
    })
  })

  it('refuses goals over latencies that its trials will not have', () =>
    inProject(async (project) => {
      await expect(start(project, config({ latency: 'measured' }))).rejects.toThrow(/predictedTpotMs is not known/)
      await expect(start(project, config({}, MEASURED))).rejects.toThrow(/tpotMs is not known of trials whose/)
    }))
})

describe('what a goal looks at', () => {
  it('is measured where it is wanted', () =>
    inProject(async (project) => {
      const wanted = ['probeAccuracy', 'ttftMs', 'decodeTokensPerSecond', 'stateBytes']
      const evaluation = { latency: 'measured', probe: 'parity', probeSteps: 7, memoryMib: 4 } as const
      const { trials, study } = await start(
        project,
        config(evaluation, { goal: { objectives: wanted, constraints: [{ metric: 'params', max: 1e6 }] }, trials: 6 }),
        { largestBatch: 64 },
      )
      for (const { genome, metrics, state } of trials) {
        if (state === 'failed') continue
        const spec = specOf(genome, study.plan.space)
        expect(metrics['ttftMs']).toBeCloseTo(1.1 * (1 + 1 / 16) * costOf(spec, 'prefill'), 12)
        const batch = Math.min(64, largestBatch(spec, 256, 4 * 2 ** 20))
        expect(metrics['decodeBatch']).toBe(batch)
        const msPerStep = 1.1 * costOf(spec) * (1 + batch / 16)
        expect(metrics['decodeTokensPerSecond']).toBeCloseTo((1000 * batch) / msPerStep, 6)
        expect(metrics['probeAccuracy']).toBeCloseTo(1 / metrics['bitsPerByte']!, 12)
        for (const name of wanted) expect(Number.isFinite(metrics[name])).toBe(true)
      }
      const probes = listRuns(project).filter(({ name }) => name === 'probe')
      expect(probes.length).toBeGreaterThan(0)
      for (const { config: run, study: of, trial } of probes) {
        expect(run).toMatchObject({ data: { kind: 'task', task: 'parity' }, run: { steps: 7 } })
        expect([of, typeof trial]).toEqual([study.id, 'number'])
      }
    }))

  it('counts the batch that fits by weights and two copies of the states', () => {
    const spec = {
      heddle: 1,
      model: { dModel: 32, vocabSize: 64 },
      blocks: [{ kind: 'attention', params: { headDim: 16 } }],
    } as const
    // keys and values of 100 tokens at width 32, read and written; 4 bytes each
    const stateBytes = 4 * 2 * (2 * 100 * 32)
    const batch = largestBatch(spec, 100, 2 ** 20)
    expect(batch * stateBytes).toBeLessThan(2 ** 20)
    expect(2 * batch * stateBytes + 4 * 20_000).toBeGreaterThan(2 ** 20)
    expect(largestBatch(spec, 100, 1000)).toBe(0)
    expect(largestBatch(spec, 1, 2 ** 40)).toBe(1024)
  })

  it('fits populations to the budget, unless they are given', () => {
    expect(searcherParams('aging-evolution', 24)).toEqual({ populationSize: 8, tournamentSize: 4 })
    expect(searcherParams('aging-evolution', 1000)).toEqual({ populationSize: 32, tournamentSize: 8 })
    expect(searcherParams('nsga2', 3)).toMatchObject({ populationSize: 2 })
    expect(searcherParams('aging-evolution', 24, { populationSize: 20 })).toEqual({
      populationSize: 20,
      tournamentSize: 8,
    })
    expect(() => searcherParams('random', 24, { populationSize: 20 })).toThrow(/populationSize/)
  })
})

describe('a request', () => {
  it('becomes a whole configuration with small defaults', () => {
    expect(searchConfig({})).toMatchObject({
      searcher: 'aging-evolution',
      goal: { objectives: [{ metric: 'bitsPerByte' }, { metric: 'tpotMs', direction: 'minimise' }], constraints: [] },
      trials: 24,
      evaluation: { latency: 'measured', train: { run: { steps: 60 } }, profile: { options: { phases: 'decode' } } },
    })
    const constraints = [{ metric: 'tpotMs', max: 0.5 }]
    const predicted = searchConfig({ constraints, isWidest: true, evaluation: { latency: 'predicted' } })
    expect(predicted.space['widthTargetMs']).toBe(0.5)
    expect(predicted.goal).toMatchObject({
      objectives: [{ metric: 'bitsPerByte' }, { metric: 'predictedTpotMs' }],
      constraints: [{ metric: 'predictedTpotMs', max: 0.5 }],
    })
  })

  it('is refused with the place of what cannot be', () => {
    const refuses = (request: SearchRequest, path: string): void => {
      expect(() => searchConfig(request)).toThrow(expect.objectContaining({ path }) as Error)
    }
    refuses({ isWidest: true }, 'goal.constraints')
    refuses({ objectives: ['beauty'] }, 'goal.objectives[0].metric')
    refuses({ objectives: ['predictedTpotMs'] }, 'goal')
    refuses({ space: { dModels: [] } }, 'space.dModels')
    refuses({ space: { dModels: [64], seeds: ['q'], widthTargetMs: 1 } }, 'space.seeds[0] 1:14')
    refuses({ evaluation: { latency: 'guessed' } }, 'evaluation.latency')
    refuses({ evaluation: { train: { run: { steps: 0 } } } }, 'run.steps')
    refuses({ evaluation: { profile: { colour: 1 } } }, 'evaluation.profile')
    refuses({ params: { crossoverRate: 1 } }, 'params.crossoverRate')
    refuses({ budget: { trials: 0 } }, 'study.trials')
  })
})

describe('stopping', () => {
  const measured = config({ latency: 'measured' }, MEASURED)

  it('pauses after the trials in flight when another process asks, and goes on', async () => {
    const whole = await inProject(async (project) => outline((await start(project, measured)).trials))
    await inProject(async (project) => {
      const { study, state, trials } = await start(
        project,
        measured,
        {},
        {
          onTrial: (trial, { id }) => {
            if (trial.number !== 9 || trial.state !== 'running') return
            const reader = openProject(project.path, { readonly: true })
            requestPause(reader, id)
            closeProject(reader)
          },
        },
      )
      expect(state).toBe('paused')
      expect(trials.map((t) => t.state)).not.toContain('running')
      expect(trials.length).toBeLessThan(14)
      expect(getStudy(project, study.id).state).toBe('paused')
      expect(readdirSync(project.blobsPath).filter((name) => name.startsWith('pause'))).toEqual([])
      expect(() => requestPause(project, study.id)).toThrow(/paused, not running/)
      const resumed = await resumeStudy(project, { study: study.id }, { startRunner: () => fakeRunner() })
      expect([resumed.state, outline(resumed.trials)]).toEqual(['done', whole])
    })
  })

  it('measures its finalists when it is resumed, where it was stopped while it did', () =>
    inProject(async (project) => {
      const cancel = new AbortController()
      const onJob = ({ kind }: Job): void => void (kind === 'profile' && cancel.abort())
      const { study, state, winner, finalists } = await start(project, config(), { onJob }, { signal: cancel.signal })
      expect([state, winner]).toEqual(['done', undefined])
      expect(finalists.map(({ measured }) => measured)).toEqual(finalists.map(() => ({})))
      const resumed = await resumeStudy(project, { study: study.id }, { startRunner: () => fakeRunner() })
      expect(resumed.winner).toBeTypeOf('number')
    }))

  it('cancels trials in flight at once, and runs them again', () =>
    inProject(async (project) => {
      const cancel = new AbortController()
      const { study, trials, state } = await start(
        project,
        measured,
        { onJob: () => void (listRuns(project).length === 8 && cancel.abort()) },
        { signal: cancel.signal },
      )
      expect(state).toBe('paused')
      expect(trials.some((t) => t.state === 'cancelled')).toBe(true)
      expect(listMeasurements(project).length).toBeLessThan(10)
      const resumed = await resumeStudy(project, { study: study.id }, { startRunner: () => fakeRunner() })
      expect(resumed.trials).toHaveLength(24)
      expect(resumed.trials.every((t) => t.state === 'done' || t.state === 'failed')).toBe(true)
    }))
})

describe('what if', () => {
  it('ranks by another bound or another table without running anything', () =>
    inProject(async (project) => {
      const { study, trials } = await start(project, config())
      const costs = trials.flatMap((t) => t.metrics['predictedTpotMs'] ?? []).sort((a, b) => a - b)
      const bound = costs[4]!
      const answer = whatIfStudy(study, trials, { goal: { constraints: [{ metric: 'tpotMs', max: bound }] } })
      expect(answer.trials.filter((t) => t.violation === 0)).toHaveLength(5)
      expect(answer.goal.constraints).toEqual([{ metric: 'predictedTpotMs', max: bound }])
      // a device that is twice as slow
      await inProject(async (other) => {
        await start(other, config({}, { trials: 1 }))
        for (const { id: _, createdAt: __, ...row } of listLut(other))
          addLutEntry(other, { ...row, slopeMs: 2 * row.slopeMs, lowMs: 2 * row.lowMs, highMs: 2 * row.highMs })
        const table = tableOfProject(other, whatIfConditions(study, study.goal))
        const slow = whatIfStudy(study, trials, {
          goal: { constraints: [{ metric: 'tpotMs', max: 2 * bound }] },
          table,
        })
        expect(slow.front).toEqual(answer.front)
        expect(slow.trials.every((t) => t.predicted.includes('predictedTpotMs'))).toBe(true)
        expect(slow.trials[0]!.metrics['predictedTpotMs']).toBeCloseTo(
          2 * answer.trials[0]!.metrics['predictedTpotMs']!,
          12,
        )
        expect(() => tableOfProject(other, { ttftMs: { phase: 'prefill', batch: 1, context: 128 } })).toThrow(
          /no look-up table/,
        )
        expect(() => tableOfProject(other, table.conditions, 'ffff')).toThrow(/no look-up table/)
      })
    }))
})
