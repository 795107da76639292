import { describe, expect, it } from 'vitest'
import type { Goal, Trial } from '#core/search/index.ts'
import { countMutations, isBetter, reached, tally, toCsv } from '../../../src/renderer/views/search/board/numbers.ts'
import { rank, otherGoal } from '../../../src/renderer/views/search/what-if/rank.ts'
import { groupsOf } from '../../../src/renderer/views/search/fronts/groups.ts'
import {
  configOf,
  draftAround,
  draftOf,
  FIRST_DRAFT,
  problemOf,
  SMALL_DRAFT,
  spaceOf,
} from '../../../src/renderer/views/search/setup/draft.ts'
import { previewSpace } from '../../../src/renderer/views/search/setup/preview.ts'
import { parseSpecText } from '#core/model/text.ts'
import { makeSpace, parseGoal, whatIf } from '#core/search/index.ts'

const goal: Goal = parseGoal({ objectives: ['valLoss', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 2 }] })

const trial = (number: number, valLoss: number, tpotMs: number, fields: Partial<Trial> = {}): Trial => ({
  number,
  genome: { encoding: 'strict', dModel: 64, stages: [] },
  key: String(number),
  parents: [],
  mutation: null,
  state: 'done',
  metrics: { valLoss, tpotMs },
  ...fields,
})
const change = { kind: 'operator', description: '', before: '', after: '' } as const

describe('the board', () => {
  const trials = [
    trial(0, 3, 1),
    trial(1, 2.5, 1.5, { parents: [0], mutation: change }),
    trial(2, 2, 5, { parents: [1], mutation: change }),
    trial(3, NaN, NaN, { parents: [1], mutation: change, state: 'failed', metrics: {} }),
    trial(4, NaN, NaN, { state: 'running', metrics: {} }),
  ]

  it('counts what became of each kind of change', () => {
    expect(countMutations(trials, goal)).toEqual([
      { kind: 'operator', proposed: 3, accepted: 2, failed: 1, improved: 1 },
    ])
    expect(tally(trials)).toMatchObject({ done: 3, failed: 1, running: 1, ended: 4 })
  })

  it('judges by the bounds before the objective', () => {
    expect(isBetter(trials[2]!, trials[1]!, goal)).toBe(false)
    expect(isBetter(trials[1]!, trials[0]!, goal)).toBe(true)
    expect(isBetter(trials[3]!, trials[0]!, goal)).toBe(false)
  })

  it('has a hypervolume that failures and trials out of bounds do not move', () => {
    const { curves, reference } = reached([trials], goal)!
    const [r0, r1] = reference as [number, number]
    const first = (r0 - 3) * (r1 - 1)
    expect(curves[0]![0]).toBeCloseTo(first)
    expect(curves[0]![1]).toBeCloseTo(first + (r0 - 2.5) * (r1 - 1.5) - (r0 - 3) * (r1 - 1.5))
    expect([...curves[0]!.slice(2)]).toEqual([curves[0]![1], curves[0]![1]])
    expect(reached([[trials[3]!]], goal)).toBeUndefined()
  })

  it('quotes cells of CSV', () => {
    expect(
      toCsv(
        ['a', 'b'],
        [
          ['x,y', 'say "no"'],
          [null, 1],
        ],
      ),
    ).toBe('a,b\n"x,y","say ""no"""\n,1')
  })
})

it('ranks the same trials under another bound', () => {
  const trials = [trial(0, 3, 1), trial(1, 2.5, 1.5), trial(2, 2, 5)]
  const wide = otherGoal(goal, { metric: 'tpotMs', value: 6 }, new Set())
  const rows = rank(trials, goal, wide, whatIf(trials, { goal: wide }))
  expect(rows.map(({ trial: { number }, now, before }) => [number, now, before])).toEqual([
    [2, 1, undefined],
    [1, 2, 1],
    [0, 3, 2],
  ])
  const tight = otherGoal(goal, { metric: 'tpotMs', value: 1.2 }, new Set())
  expect(rank(trials, goal, tight, whatIf(trials, { goal: tight })).map(({ now }) => now)).toEqual([
    1,
    undefined,
    undefined,
  ])
  expect(otherGoal(goal, { metric: 'tpotMs', value: 1 }, new Set(['tpotMs'])).objectives[1]!.metric).toBe(
    'predictedTpotMs',
  )
})

it('groups searches that differ in their seed alone', () => {
  const study = (id: number, config: Record<string, unknown>, over = goal) => ({
    id,
    name: `s${id}`,
    searcher: 'A',
    config,
    goal: over,
    trials: [],
  })
  const other = parseGoal({ objectives: ['params'] })
  const { groups, others } = groupsOf([
    study(1, { seed: 1, searcher: 'a', trials: 12 }),
    study(2, { seed: 2, searcher: 'a', trials: 24 }),
    study(3, { seed: 1, searcher: 'b' }),
    study(4, { seed: 1, searcher: 'a' }, other),
  ])
  expect(groups.map(({ studies }) => studies.map(({ id }) => id))).toEqual([[1, 2], [3]])
  expect(others.map(({ id }) => id)).toEqual([4])
})

describe('the set-up', () => {
  it('stands for a configuration that the engine reads', () => {
    const config = configOf(FIRST_DRAFT)
    expect(() => makeSpace(config['space'])).not.toThrow()
    expect(parseGoal(config['goal']).objectives.map(({ metric }) => metric)).toEqual(['bitsPerByte', 'tpotMs'])
    expect(config).toMatchObject({ trials: 12 })
  })

  it('names predictions where latencies are predicted, and repeats a stored search', () => {
    const draft = {
      ...SMALL_DRAFT,
      isWidest: true,
      seeds: '(d f)x2\n\n(a f)x2 ',
      bounds: [{ metric: 'tpotMs', side: 'max', value: 0.6 } as const],
      budget: { trials: 6, parallel: 1, seed: 3 },
      evaluation: { latency: 'predicted' },
    }
    const config = configOf(draft)
    expect(config['goal']).toEqual({
      objectives: ['bitsPerByte', 'predictedTpotMs'],
      constraints: [{ metric: 'predictedTpotMs', max: 0.6 }],
    })
    expect(config['space']).toMatchObject({ widthTargetMs: 0.6, seeds: ['(d f)x2', '(a f)x2'] })
    expect(configOf(draftOf('s', config))).toEqual(config)
    expect(problemOf({ ...draft, bounds: [] })).toContain('target')
  })

  it('makes room for a stack and starts from it', () => {
    const draft = draftAround(parseSpecText('{dModel: 96, name: mine} (gla f)x5 a f'), SMALL_DRAFT)
    const space = makeSpace(spaceOf(draft))
    expect(space.seeds).toHaveLength(1)
    expect(space.config.dModels).toContain(96)
    expect(draft.name).toBe('Around mine')
  })

  it('samples different stacks, the same for the same draw, and says what is wrong with a space', () => {
    const one = previewSpace(spaceOf(SMALL_DRAFT), 8, 1)
    expect(one).toEqual(previewSpace(spaceOf(SMALL_DRAFT), 8, 1))
    expect(one.problem === undefined && new Set(one.samples.map(({ key }) => key)).size).toBe(8)
    expect(previewSpace({ mixers: ['nothing'] }, 8, 1).problem?.message).toContain('unknown block')
  })
})
