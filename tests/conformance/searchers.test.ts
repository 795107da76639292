// What every searcher must do, whatever its algorithm: each test loops over the registry.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import {
  makeSpace,
  nextNumber,
  parseGenome,
  parseGoal,
  proposeTrial,
  searcherOf,
  searchers,
} from '#core/search/index.ts'
import type { Metrics, Searcher, StudyPlan, Trial, TrialState } from '#core/search/index.ts'
import { keyOf, specOf } from '#core/search/space/space.ts'
import { finished, measure, predictLatency } from '../helpers/landscape.ts'

const goalJson = { objectives: ['valLoss', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 3 }] }
const SPACES = {
  strict: { maxBlocks: 10, dModels: [512, 1024] },
  free: { encoding: 'free', maxBlocks: 8, minBlocks: 2, dModels: [512, 1024], seeds: ['(a f)x3', 'd f m2 f'] },
  tiny: { maxBlocks: 2, channelCounts: [0], dModels: [512] },
} as const

/** Small populations, so that a short study passes through all phases of a searcher. */
function smallParams(searcher: Searcher): ParamValues {
  return Object.hasOwn(searcher.params, 'populationSize') ? { populationSize: 5 } : {}
}

function planOf(searcher: Searcher, space: object, change: Partial<StudyPlan> = {}): StudyPlan {
  return {
    searcher,
    params: smallParams(searcher),
    space: makeSpace(space),
    goal: parseGoal(goalJson),
    seed: 7,
    parallel: 1,
    ...change,
  }
}

/** What becomes of a trial: mostly metrics, else a failure or metrics that no searcher can use. Depends on the number alone. */
function outcome(plan: StudyPlan, trial: Trial): Pick<Trial, 'state' | 'metrics'> {
  const metrics = measure(specOf(trial.genome, plan.space), trial.number, 0.01)
  const bad: readonly (readonly [TrialState, Metrics])[] = [
    ['failed', {}],
    ['failed', metrics],
    ['done', {}],
    ['done', { ...metrics, valLoss: NaN }],
    ['done', { ...metrics, valLoss: null }],
    ['done', { ...metrics, tpotMs: Infinity }],
    ['done', { ...metrics, valLoss: -Infinity }],
    ['done', { valLoss: metrics['valLoss']! }],
  ]
  const random = rng('outcome', trial.number)
  const [state, values] = random.uniform() < 0.3 ? random.pick(bad) : (['done', metrics] as const)
  return { state, metrics: values }
}

/** Like a row that was stored: JSON knows no NaN. */
function stored(plan: StudyPlan, trial: Trial): Trial {
  const json = JSON.parse(JSON.stringify(trial)) as Trial
  const genome = parseGenome(json.genome, plan.space)
  return { ...json, genome, key: keyOf(genome, plan.space) }
}

/**
 * Works on a study with `parallel` evaluators of random speed until its budget is used up, or until so many events
 * (starts and ends) have happened. `speed` seeds the durations.
 */
function work(plan: StudyPlan, budget: number, rows: readonly Trial[], speed: number, events = Infinity): Trial[] {
  const table = new Map(rows.map((trial) => [trial.number, trial]))
  const ends = new Map<number, number>()
  let clock = 0
  for (let event = 0; event < events; event++) {
    const number = nextNumber([...table.values()], budget, plan.parallel)
    if (number !== undefined) {
      const known = table.get(number)
      const { spec: _spec, ...proposal } =
        known === undefined ? proposeTrial(plan, [...table.values()], number)! : { spec: undefined, ...known }
      table.set(number, { ...proposal, number, state: 'running', metrics: {} })
      ends.set(number, clock + rng('speed', speed, number).uniform())
      continue
    }
    const [next] = [...ends].sort((a, b) => a[1] - b[1])
    if (next === undefined) break
    clock = next[1]
    ends.delete(next[0])
    const trial = table.get(next[0])!
    table.set(trial.number, { ...trial, ...outcome(plan, trial) })
  }
  return [...table.values()]
}

/** What the study proposed, in order. */
const sequence = (rows: readonly Trial[]): unknown[] =>
  [...rows]
    .sort((a, b) => a.number - b.number)
    .map(({ number, genome, parents, mutation }) => ({ number, genome, parents, mutation }))

const CASES = searchers.flatMap((searcher) =>
  Object.entries(SPACES).map(([name, space]) => ({ kind: searcher.kind, name, searcher, space })),
)

describe('the registry', () => {
  it('has entries with distinct kinds, titles, docs and parameters that have sane defaults', () => {
    expect(new Set(searchers.map(({ kind }) => kind)).size).toBe(searchers.length)
    for (const searcher of searchers) {
      expect(searcherOf(searcher.kind)).toBe(searcher)
      expect(searcher.title).not.toBe('')
      expect(searcher.doc).toMatch(/\.$/)
      resolveParams(searcher.params, {}, { dModel: 0 }, 'params')
      for (const param of Object.values(searcher.params)) expect(param.doc).toMatch(/\.$/)
    }
    expect(() => searcherOf('annealing')).toThrow('there is no searcher "annealing"')
  })
})

describe.each(CASES)('$kind in a $name space', ({ searcher, space }) => {
  it('proposes only valid specs within the bounds of the space', () => {
    const plan = planOf(searcher, space)
    const { minBlocks, maxBlocks, dModels } = plan.space.config
    const rows = work(plan, 60, [], 1)
    expect(rows).toHaveLength(60)
    for (const { genome, number, parents } of rows) {
      const spec = specOf(genome, plan.space)
      const { blocks, settings } = resolveSpec(parseSpec(JSON.parse(JSON.stringify(spec))))
      expect(blocks.length).toBeGreaterThanOrEqual(minBlocks)
      expect(blocks.length).toBeLessThanOrEqual(maxBlocks)
      expect(dModels).toContain(settings.dModel)
      expect(parents.every((parent) => parent >= 0 && parent < number)).toBe(true)
    }
  })

  it('proposes the seed designs first', () => {
    const plan = planOf(searcher, space)
    const rows = work(plan, plan.space.seeds.length, [], 1)
    expect(rows.map(({ genome }) => genome)).toEqual(plan.space.seeds)
  })

  it('proposes spec, genome and key of one network', () => {
    const plan = planOf(searcher, space)
    const rows = work(plan, 30, [], 1)
    const { spec, genome, key } = proposeTrial(plan, rows, 30)!
    expect(specOf(genome, plan.space)).toEqual(spec)
    expect(keyOf(genome, plan.space)).toBe(key)
  })

  it('takes any history', () => {
    const plan = planOf(searcher, space)
    const rows = work(plan, 30, [], 1)
    const histories: readonly (readonly Trial[])[] = [
      rows.map((row) => ({ ...row, state: 'failed' })),
      rows.map((row) => ({ ...row, metrics: {} })),
      rows.map((row) => ({ ...row, metrics: { valLoss: NaN, tpotMs: NaN } })),
      rows.map((row) => ({ ...row, metrics: { valLoss: Infinity, tpotMs: -Infinity } })),
      rows.map((row) => ({ ...row, state: 'done', metrics: { valLoss: 1 } })),
      rows.map((row) => ({ ...row, state: 'done', metrics: { valLoss: 1, tpotMs: 1 } })),
      rows.map((row) => ({ ...row, state: 'done', metrics: { valLoss: 1e308, tpotMs: 1e308 } })),
      rows.map((row) => ({ ...row, state: 'done', metrics: { valLoss: -1e308, tpotMs: row.number % 2 ? 1e308 : 0 } })),
    ]
    for (const history of histories) {
      for (let seed = 0; seed < 5; seed++) parseSpec(proposeTrial({ ...plan, seed }, history, 30)!.spec)
    }
  })

  it('leaves its arguments as they are', () => {
    const plan = planOf(searcher, space)
    const rows = work(plan, 20, [], 1)
    const before = structuredClone(rows)
    const { params, goal, space: config } = structuredClone({ ...plan, searcher: undefined, space: plan.space.config })
    proposeTrial(plan, rows, 20)
    expect(rows).toEqual(before)
    expect([plan.params, plan.goal, plan.space.config]).toEqual([params, goal, config])
  })

  it('proposes what the uninterrupted study would have, after any kills and with evaluators of any speed', () => {
    const kills = fc.array(fc.record({ events: fc.nat(30), isLost: fc.boolean() }), { maxLength: 4 })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(),
        kills,
        fc.nat(),
        fc.nat(),
        (parallel, seed, points, speed, otherSpeed) => {
          const plan = planOf(searcher, space, { parallel, seed })
          const expected = sequence(work(plan, 24, [], speed))
          let rows: Trial[] = []
          for (const { events, isLost } of points) {
            rows = work(plan, 24, rows, otherSpeed, events)
              // what ran is lost, or its row is found interrupted
              .filter(({ state }) => !isLost || state !== 'running')
              .map((trial) => stored(plan, trial.state === 'running' ? { ...trial, state: 'interrupted' } : trial))
          }
          rows = work(plan, 24, rows, otherSpeed)
          expect(rows.every(({ state }) => state === 'done' || state === 'failed')).toBe(true)
          expect(sequence(rows)).toEqual(expected)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on where a study is extended', () => {
    const plan = planOf(searcher, space, { parallel: 3 })
    const whole = work(plan, 30, [], 1)
    expect(sequence(work(plan, 30, work(plan, 11, [], 2), 3))).toEqual(sequence(whole))
  })
})

it.each(searchers)(
  '$kind explores: other seeds, other trials, and no network twice while there are others',
  (searcher) => {
    const runs = [1, 2].map((seed) => work(planOf(searcher, SPACES.strict, { seed }), 40, [], 1))
    expect(sequence(runs[0]!)).not.toEqual(sequence(runs[1]!))
    for (const rows of runs) expect(new Set(rows.map(({ key }) => key)).size).toBe(40)
  },
)

it.each(searchers)('$kind obeys a width rule', (searcher) => {
  const plan = planOf(
    searcher,
    {},
    { space: makeSpace({ maxBlocks: 10, dModels: [512, 1024, 2048], widthTargetMs: 2 }, predictLatency) },
  )
  for (const { genome } of work(plan, 40, [], 1)) {
    const at = (dModel: number): number => predictLatency(specOf({ ...genome, dModel }, plan.space))
    const allowed = plan.space.config.dModels.filter((dModel) => at(dModel) <= 2)
    expect(genome.dModel).toBe(Math.max(512, ...allowed))
  }
})

it('the same seed and history give the same proposal in another process', () => {
  const questions = CASES.flatMap(({ searcher, space }) => {
    const plan = planOf(searcher, space, { params: {} })
    // more members than any default population
    const rows = Array.from({ length: 50 }, (_, number) => {
      const { spec, ...proposal } = proposeTrial({ ...plan, searcher: searcherOf('random'), seed: number }, [], 0)!
      return finished({ number, ...proposal }, measure(spec, number))
    })
    return [0, 10, 50].map((number) => ({
      plan,
      question: { kind: searcher.kind, space, goal: goalJson, seed: 7, rows: rows.slice(0, number), number },
    }))
  })
  const child = join(import.meta.dirname, 'search-child.ts')
  const output = execFileSync(process.execPath, [child], {
    input: JSON.stringify(questions.map(({ question }) => question)),
    encoding: 'utf8',
    timeout: 30_000,
  })
  const expected = questions.map(({ plan, question: { rows, number } }) => proposeTrial(plan, rows, number))
  expect(JSON.parse(output)).toEqual(JSON.parse(JSON.stringify(expected)))
})
