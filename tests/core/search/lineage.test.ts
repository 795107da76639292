import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ancestorsOf, deathsOf, takeover } from '#core/search/study/lineage.ts'
import { parseGoal } from '#core/search/study/objectives.ts'
import type { Trial } from '#core/search/study/trial.ts'
import { row } from './rows.ts'

const goal = parseGoal({ objectives: ['valLoss'] })
const done = { metrics: { valLoss: 1 } }
const mutation = {
  kind: 'operator',
  description: 'early: a becomes d',
  before: 'early:(a)x1',
  after: 'early:(d)x1',
} as const
const child = (number: number, parent: number): Trial => row(number, { ...done, parents: [parent], mutation })

describe('ancestors', () => {
  it('lead from the founder to the trial with the mutations on the way', () => {
    const rows = [child(5, 3), row(0, done), row(1, done), child(3, 0), row(4, { parents: [1, 3] })]
    expect(ancestorsOf(rows, 5).map(({ number }) => number)).toEqual([0, 3, 5])
    expect(ancestorsOf(rows, 5).map((trial) => trial.mutation)).toEqual([null, mutation, mutation])
    expect(ancestorsOf(rows, 4).map(({ number }) => number)).toEqual([1, 4])
    expect(ancestorsOf(rows, 9)).toEqual([])
  })

  it('end at a parent that is missing, itself, or younger', () => {
    expect(ancestorsOf([child(5, 3)], 5).map(({ number }) => number)).toEqual([5])
    expect(ancestorsOf([child(5, 5)], 5).map(({ number }) => number)).toEqual([5])
    expect(ancestorsOf([child(1, 2), child(2, 1)], 2).map(({ number }) => number)).toEqual([1, 2])
  })
})

describe('deaths', () => {
  it('come when as many members have entered as the population holds; failures do not count', () => {
    const rows = [
      row(0, done),
      row(1, { state: 'failed' }),
      row(2, done),
      row(3, { metrics: { valLoss: NaN } }),
      row(4, done),
      row(5, done),
    ]
    expect([...deathsOf(rows, goal, 2)]).toEqual([
      [0, 4],
      [2, 5],
    ])
    expect(deathsOf(rows, goal, 10).size).toBe(0)
  })
})

describe('takeover', () => {
  it('follows the descendants of each founder', () => {
    const rows = [row(0, done), row(1, done), row(2, done), child(3, 1), child(4, 3), child(5, 1), child(6, 4)]
    expect(takeover(rows, goal, 3)).toEqual([
      { number: 0, founders: 1, leader: 0, share: 1 },
      { number: 1, founders: 2, leader: 0, share: 1 / 2 },
      { number: 2, founders: 3, leader: 0, share: 1 / 3 },
      { number: 3, founders: 2, leader: 1, share: 2 / 3 },
      { number: 4, founders: 2, leader: 1, share: 2 / 3 },
      { number: 5, founders: 1, leader: 1, share: 1 },
      { number: 6, founders: 1, leader: 1, share: 1 },
    ])
  })

  it('agrees with counting the population anew at every step', () => {
    const parents = fc.array(fc.record({ draw: fc.nat(), founder: fc.boolean(), failed: fc.boolean() }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(parents, fc.integer({ min: 1, max: 10 }), (draws, size) => {
        const rows = draws.map(({ draw, founder, failed }, number) =>
          row(number, {
            ...done,
            state: failed ? 'failed' : 'done',
            parents: founder || number === 0 ? [] : [draw % number],
          }),
        )
        const members = rows.filter(({ state }) => state === 'done')
        const steps = takeover(rows, goal, size)
        expect(steps.map(({ number }) => number)).toEqual(members.map(({ number }) => number))
        steps.forEach((step, i) => {
          const population = members.slice(Math.max(0, i + 1 - size), i + 1)
          const founders = population.map(({ number }) => ancestorsOf(rows, number)[0]!.number)
          const counts = Map.groupBy(founders, (founder) => founder)
          expect(step.founders).toBe(counts.size)
          expect(step.share).toBe(counts.get(step.leader)!.length / population.length)
          expect(Math.max(...[...counts.values()].map((list) => list.length))).toBe(counts.get(step.leader)!.length)
        })
      }),
    )
  })
})
