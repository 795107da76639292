import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { meets, parseGoal } from '#core/search/study/objectives.ts'
import { whatIf } from '#core/search/study/what-if.ts'
import { dominates } from '#core/stats/pareto.ts'
import { row } from './rows.ts'

const rows = [
  row(0, { metrics: { valLoss: 3, tpotMs: 1 } }),
  row(1, { metrics: { valLoss: 2, tpotMs: 2 } }),
  row(2, { metrics: { valLoss: 2.5, tpotMs: 2 } }),
  row(3, { metrics: { valLoss: 1, tpotMs: 4 } }),
  row(4, { state: 'failed', metrics: { valLoss: 0, tpotMs: 0 } }),
  row(5, { metrics: { valLoss: NaN, tpotMs: 1 } }),
  row(6, { state: 'running' }),
]
const goal = (max?: number) =>
  parseGoal({ objectives: ['valLoss', 'tpotMs'], constraints: max === undefined ? [] : [{ metric: 'tpotMs', max }] })

describe('another budget', () => {
  it('gives another front and another best', () => {
    expect(whatIf(rows, { goal: goal() })).toMatchObject({ front: [3, 1, 0], best: 3 })
    expect(whatIf(rows, { goal: goal(3) })).toMatchObject({ front: [1, 0], best: 1 })
    expect(whatIf(rows, { goal: goal(1) })).toMatchObject({ front: [0], best: 0 })
    expect(whatIf(rows, { goal: goal(0.5) })).toMatchObject({ front: [], best: undefined })
  })

  it('tells of each finished trial by how much it misses', () => {
    const { trials } = whatIf(rows, { goal: goal(2) })
    expect(trials.map(({ number, violation, isOnFront }) => [number, violation, isOnFront])).toEqual([
      [0, 0, true],
      [1, 0, true],
      [2, 0, false],
      [3, 1, false],
      [5, 0, false],
    ])
  })
})

describe('another device', () => {
  it('replaces the stored metrics by predicted ones and says so', () => {
    const { trials, front, best } = whatIf(rows, {
      goal: goal(2),
      predict: ({ number }) => ({ tpotMs: number === 3 ? 1.5 : 9 }),
    })
    expect([front, best]).toEqual([[3], 3])
    expect(trials.find(({ number }) => number === 3)).toMatchObject({
      metrics: { valLoss: 1, tpotMs: 1.5 },
      predicted: ['tpotMs'],
    })
  })

  it('leaves out a trial without a prediction and gives the reason', () => {
    const predict = ({ number }: { number: number }) => {
      if (number === 1) throw new HeddleError('usage', 'the table has no entry for gla')
      return { tpotMs: 1 }
    }
    const { trials, front } = whatIf(rows, { goal: goal(2), predict })
    expect(front).toEqual([3])
    expect(trials.find(({ number }) => number === 1)).toMatchObject({
      predicted: [],
      isOnFront: false,
      violation: Infinity,
      problem: { code: 'usage', message: 'the table has no entry for gla' },
    })
  })
})

it('the front is exactly the trials that meet the budget and that no other such trial dominates', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(NaN))
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 30 }), fc.integer({ min: 0, max: 6 }), (points, max) => {
      const trials = points.map(([valLoss, tpotMs], number) => row(number, { metrics: { valLoss, tpotMs } }))
      const { front, best } = whatIf(trials, { goal: goal(max) })
      const allowed = points.flatMap((point, number) =>
        point.every(Number.isFinite) && meets(goal(max).constraints, { tpotMs: point[1] }) ? [number] : [],
      )
      const expected = allowed.filter((a) => !allowed.some((b) => dominates(points[b]!, points[a]!)))
      expect([...front].sort((a, b) => a - b)).toEqual(expected)
      const losses = allowed.map((number) => points[number]![0])
      if (best === undefined) expect(allowed).toEqual([])
      else expect(points[best]![0]).toBe(Math.min(...losses))
    }),
  )
})
