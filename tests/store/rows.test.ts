import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addCorrelation, addFit, listCorrelations, listFits } from '#main/store/correlations.ts'
import { getEnvironment, listDevices, listEnvironments, putDevice, putEnvironment } from '#main/store/environments.ts'
import { addLutEntry, listLut } from '#main/store/lut.ts'
import { addMeasurement, findMeasurement, listMeasurements } from '#main/store/measurements.ts'
import { getNotebook, listNotebooks, removeNotebook, saveNotebook } from '#main/store/authored/notebooks.ts'
import { finishRun, getRun, listRuns, startRun } from '#main/store/runs.ts'
import { getSpec, listSpecs, putSpec } from '#main/store/specs.ts'
import { createStudy, getStudy, listStudies, updateStudy } from '#main/store/studies.ts'
import {
  countTrials,
  finishTrial,
  getTrial,
  lineageOf,
  listTrials,
  recordDeath,
  startTrial,
} from '#main/store/trials.ts'
import type { State } from '#main/store/runs.ts'
import { fillProject, sampleEnvironment, sampleMeasurement, sampleSpec, specHash } from './sample.ts'
import { scratchProject } from './scratch.ts'

const usage = expect.objectContaining({ code: 'usage' })

describe('specs and environments', () => {
  it('keep the first row of a hash', () => {
    const project = scratchProject()
    const spec = { hash: specHash(1), name: 'first', text: 'a f', json: { blocks: ['a', 'f'] }, counts: { params: 12 } }
    putSpec(project, spec)
    putSpec(project, { ...spec, name: 'second' })
    expect(getSpec(project, spec.hash)).toEqual({ ...spec, createdAt: expect.any(Number) })
    expect(getSpec(project, 'nothing000')).toBeUndefined()
  })

  it('are found by a part of name or text', () => {
    const project = scratchProject()
    for (let i = 0; i < 12; i++) sampleSpec(project, i)
    expect(listSpecs(project, { like: 'SAMPLE 1' }).map((spec) => spec.name)).toEqual([
      'sample 1',
      'sample 10',
      'sample 11',
    ])
    expect(listSpecs(project, { like: 'm2', limit: 5 })).toHaveLength(5)
    expect(listSpecs(project, { like: '%' })).toEqual([])
  })

  it('fingerprints do not depend on the order of keys', () => {
    const project = scratchProject()
    const device = putDevice(project, { target: 'ort-cpu', name: 'x', details: {} })
    expect(putDevice(project, { target: 'ort-cpu', name: 'x', details: { later: true } })).toBe(device)
    const a = putEnvironment(project, { device, details: { node: '24', cpu: { cores: 2, name: 'c' } } })
    const b = putEnvironment(project, { device, details: { cpu: { name: 'c', cores: 2 }, node: '24' } })
    const c = putEnvironment(project, { device, details: { cpu: { name: 'c', cores: 4 }, node: '24' } })
    expect(a).toBe(b)
    expect(c).not.toBe(a)
    expect(listDevices(project)).toHaveLength(1)
    expect(listEnvironments(project, { device }).map((row) => row.hash)).toEqual([a, c])
    expect(getEnvironment(project, a)?.details).toEqual({ node: '24', cpu: { cores: 2, name: 'c' } })
    expect(() => putEnvironment(project, { device: 99, details: {} })).toThrow(usage)
  })
})

describe('measurements', () => {
  it('come back bit for bit', () => {
    const project = scratchProject()
    const given = sampleMeasurement(sampleSpec(project, 0), sampleEnvironment(project))
    const id = addMeasurement(project, given)
    const [row] = listMeasurements(project, { id })
    expect(row).toEqual({ ...given, id, createdAt: expect.any(Number) })
    expect(row!.samples).toBeInstanceOf(Float64Array)
  })

  it('the latest of a key is found, other keys are not', () => {
    const project = scratchProject()
    const given = sampleMeasurement(sampleSpec(project, 0), sampleEnvironment(project))
    addMeasurement(project, given)
    const latest = addMeasurement(project, { ...given, p50Ms: 2 })
    const { graphHash, target, protocolVersion, environment, phase, dtype, batch, context } = given
    const key = { graphHash, target, protocolVersion, environment, phase, dtype, batch, context }
    expect(findMeasurement(project, key)?.id).toBe(latest)
    expect(findMeasurement(project, { ...key, protocolVersion: 2 })).toBeUndefined()
    expect(findMeasurement(project, { ...key, context: 1024 })).toBeUndefined()
  })

  it.each([
    ['p50Ms', Number.NaN],
    ['p50Ms', '1'],
    ['batch', 0],
    ['batch', 1.5],
    ['phase', 'idle'],
    ['target', ''],
    ['samples', [1, 2]],
    ['status', { a: 1 }],
    ['details', []],
    ['details', { loop: 1n }],
    ['spec', 'unknownspec'],
    ['environment', 'unknownenvironment'],
    ['graphHash', "'; DROP TABLE specs"],
  ])('refuse %s = %s', (name, value) => {
    const project = scratchProject()
    const given = sampleMeasurement(sampleSpec(project, 0), sampleEnvironment(project))
    expect(() => addMeasurement(project, { ...given, [name]: value })).toThrow(usage)
    expect(listMeasurements(project)).toEqual([])
  })
})

it('the look-up table keeps every version and lists the latest of each key', () => {
  const project = scratchProject()
  const entry = {
    environment: sampleEnvironment(project),
    target: 'ort-cpu',
    runtimeVersion: '1.30.0',
    protocolVersion: 1,
    dtype: 'f32',
    phase: 'decode',
    batch: 1,
    context: 512,
    dModel: 256,
    part: 'block',
    block: 'some-kind',
    paramsHash: 'p1',
    params: { heads: 4 },
    slopeMs: 0.1,
    lowMs: 0.09,
    highMs: 0.11,
    details: {},
    samples: Float64Array.of(1, 2),
  } as const
  const first = addLutEntry(project, entry)
  const second = addLutEntry(project, { ...entry, slopeMs: 0.2 })
  const newer = addLutEntry(project, { ...entry, protocolVersion: 2 })
  const head = addLutEntry(project, { ...entry, part: 'head', block: '', paramsHash: '' })
  expect(listLut(project).map((row) => row.id)).toEqual([first, second, newer, head])
  expect(listLut(project, {}, { latest: true }).map((row) => row.id)).toEqual([second, newer, head])
  expect(listLut(project, { part: 'block', protocolVersion: 1 }, { latest: true }).map((row) => row.slopeMs)).toEqual([
    0.2,
  ])
  expect(listLut(project, { dModel: 512 })).toEqual([])
})

describe('studies', () => {
  it('change state, error and config, and nothing else', () => {
    const project = scratchProject()
    const study = createStudy(project, {
      name: 'a',
      kind: 'search',
      searcher: 'random',
      config: { trials: 10 },
      space: { depth: [1, 2] },
      objectives: ['valLoss'],
      seed: 3,
    })
    updateStudy(project, study, { state: 'failed', error: { code: 'job-crashed', message: 'gone' } })
    updateStudy(project, study, { state: 'running', error: null, config: { trials: 20 } })
    expect(getStudy(project, study)).toMatchObject({
      state: 'running',
      error: null,
      config: { trials: 20 },
      space: { depth: [1, 2] },
      seed: 3,
    })
    expect(listStudies(project, { state: 'running' })).toHaveLength(1)
    expect(() => updateStudy(project, 99, { state: 'done' })).toThrow(usage)
    expect(() => updateStudy(project, study, { state: 'odd' as 'done' })).toThrow(usage)
    expect(() => getStudy(project, 99)).toThrow(usage)
  })
})

describe('trials', () => {
  const project = (): { project: ReturnType<typeof scratchProject>; study: number } => {
    const project = scratchProject()
    for (let i = 0; i < 3; i++) sampleSpec(project, i)
    return { project, study: createStudy(project, { name: 'a', kind: 'search', config: {}, seed: 1 }) }
  }

  it('are listed by number, by the order of their ends, and by a metric', () => {
    const { project: p, study } = project()
    const ids = [0, 1, 2, 3].map((number) => startTrial(p, { study, number, spec: specHash(number % 3) }))
    const losses = [3, 1, null, 2]
    for (const number of [2, 0, 3, 1])
      finishTrial(p, ids[number]!, { state: 'done', metrics: { valLoss: losses[number]!, 'tpotMs@512': number } })
    const numbers = (filter: Parameters<typeof listTrials>[2]): number[] =>
      listTrials(p, study, filter).map((trial) => trial.number)
    expect(numbers({})).toEqual([0, 1, 2, 3])
    expect(numbers({ orderBy: 'change' })).toEqual([2, 0, 3, 1])
    expect(numbers({ orderBy: 'valLoss' })).toEqual([1, 3, 0, 2])
    expect(numbers({ orderBy: 'valLoss', descending: true })).toEqual([0, 3, 1, 2])
    expect(numbers({ metrics: { valLoss: { max: 2 } } })).toEqual([1, 3])
    expect(numbers({ metrics: { valLoss: { min: 2 }, 'tpotMs@512': { max: 1 } } })).toEqual([0])
    expect(numbers({ spec: specHash(0), descending: true, limit: 1 })).toEqual([3])
    expect(numbers({ offset: 3 })).toEqual([3])
    expect(countTrials(p, study, { metrics: { valLoss: { max: 2 } } })).toBe(2)
    expect(() => numbers({ orderBy: 'a" OR 1' })).toThrow(usage)
  })

  it('keep lineage and death', () => {
    const { project: p, study } = project()
    const ids: number[] = []
    for (let number = 0; number < 5; number++)
      ids.push(
        startTrial(p, {
          study,
          number,
          spec: specHash(0),
          parent: number === 0 ? null : ids[number >> 1]!,
          mutation: { at: number },
        }),
      )
    recordDeath(p, ids[0]!, 4)
    expect(lineageOf(p, ids[4]!).map((trial) => trial.number)).toEqual([4, 2, 1, 0])
    expect(getTrial(p, ids[0]!).died).toBe(4)
    expect(getTrial(p, ids[4]!)).toMatchObject({ died: null, mutation: { at: 4 }, state: 'running' })
    expect(() => recordDeath(p, ids[0]!, 5)).toThrow(usage)
  })

  it('a number belongs to one trial', () => {
    const { project: p, study } = project()
    const trial = startTrial(p, { study, number: 0, spec: specHash(0) })
    expect(() => startTrial(p, { study, number: 0, spec: specHash(0) })).toThrow(usage)
    finishTrial(p, trial, { state: 'cancelled' })
    expect(() => startTrial(p, { study, number: 0, spec: specHash(1) })).toThrow(usage)
    expect(startTrial(p, { study, number: 0, spec: specHash(0) })).toBe(trial)
  })

  it('metrics that are not finite become null', () => {
    const { project: p, study } = project()
    const trial = startTrial(p, { study, number: 0, spec: specHash(0) })
    finishTrial(p, trial, {
      state: 'done',
      metrics: { valLoss: Number.NaN, tpotMs: Number.POSITIVE_INFINITY, params: 5 },
    })
    expect(getTrial(p, trial).metrics).toEqual({ valLoss: null, tpotMs: null, params: 5 })
  })

  it('states follow the rules whatever is asked', () => {
    const next: Readonly<Record<string, readonly State[]>> = {
      running: ['done', 'failed', 'cancelled', 'interrupted'],
      interrupted: ['running', 'cancelled'],
      cancelled: ['running'],
    }
    const { project: p, study } = project()
    let number = 0
    const states = fc.array(fc.constantFrom<State>('running', 'done', 'failed', 'cancelled', 'interrupted'), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(states, (asked) => {
        const place = number++
        const trial = startTrial(p, { study, number: place, spec: specHash(0) })
        let state: State = 'running'
        for (const wanted of asked) {
          const change = (): unknown =>
            wanted === 'running'
              ? startTrial(p, { study, number: place, spec: specHash(0) })
              : finishTrial(p, trial, { state: wanted })
          if (next[state]?.includes(wanted) === true) {
            change()
            state = wanted
          } else expect(change).toThrow(usage)
          expect(getTrial(p, trial).state).toBe(state)
        }
      }),
      { numRuns: 40, seed: 1 },
    )
  })
})

it('runs carry their error and are found by what they belong to', () => {
  const project = scratchProject()
  const run = startRun(project, { spec: sampleSpec(project, 0), config: { lr: 1 }, seed: 5, gitRevision: 'abc' })
  finishRun(project, run, {
    state: 'failed',
    error: { code: 'train-diverged', message: 'diverged at step 41, lr 0.02' },
  })
  expect(getRun(project, run)).toMatchObject({
    state: 'failed',
    error: { message: 'diverged at step 41, lr 0.02' },
    gitRevision: 'abc',
    trial: null,
  })
  expect(listRuns(project, { state: 'failed', spec: specHash(0) })).toHaveLength(1)
  expect(listRuns(project, { state: 'done' })).toEqual([])
  expect(() => finishRun(project, run, { state: 'done' })).toThrow(usage)
  expect(() => getRun(project, 9)).toThrow(usage)
})

it('correlations, fits and notebooks come back', () => {
  const project = scratchProject()
  const correlation = {
    study: null,
    name: 'n',
    method: 'kendall',
    x: 'a',
    y: 'b',
    step: null,
    count: 8,
    value: 0.5,
    low: 0.1,
    high: 0.8,
    details: { pairs: [[1, 2]] },
  } as const
  addCorrelation(project, correlation)
  expect(listCorrelations(project, { method: 'kendall' })).toEqual([
    { ...correlation, id: 1, createdAt: expect.any(Number) },
  ])
  const fit = { study: null, name: 'n', law: 'depth-width', coefficients: { L0: 1 }, errors: {}, details: {} }
  addFit(project, fit)
  expect(listFits(project)).toEqual([{ ...fit, id: 1, createdAt: expect.any(Number) }])
  const id = saveNotebook(project, { name: 'b', text: 'one' })
  expect(saveNotebook(project, { name: 'b', text: 'two' })).toBe(id)
  saveNotebook(project, { name: 'a', text: '' })
  expect(listNotebooks(project).map((notebook) => [notebook.name, notebook.text])).toEqual([
    ['a', ''],
    ['b', 'two'],
  ])
  removeNotebook(project, 'b')
  expect(() => getNotebook(project, 'b')).toThrow(usage)
})

describe('append-only', () => {
  const tables = [
    'measurements',
    'lut_entries',
    'trials',
    'trial_states',
    'trial_deaths',
    'runs',
    'run_states',
    'metric_chunks',
  ]

  it.each(tables)('%s refuses to change, to delete and to replace', (table) => {
    const project = scratchProject()
    fillProject(project)
    const { sql } = project
    const before = sql.all(`SELECT * FROM ${table}`)
    expect(before.length).toBeGreaterThan(0)
    const columns = Object.keys(before[0]!)
    const key = columns[0]!
    expect(() => sql.run(`UPDATE ${table} SET ${key} = ${key}`)).toThrow(`${table} is append-only`)
    expect(() => sql.run(`DELETE FROM ${table}`)).toThrow(`${table} is append-only`)
    expect(() => sql.run(`REPLACE INTO ${table} SELECT * FROM ${table} LIMIT 1`)).toThrow()
    expect(sql.all(`SELECT * FROM ${table}`)).toEqual(before)
  })
})

it('a stored row that breaks its rule is named', () => {
  const project = scratchProject()
  fillProject(project)
  project.sql.run(`UPDATE studies SET objectives = '{}'`)
  expect(() => listStudies(project)).toThrow(
    expect.objectContaining({
      code: 'store-invalid',
      message: expect.stringContaining('studies row 1: objectives ("{}") must be a list of JSON values'),
    }),
  )
})
