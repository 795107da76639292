import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { costsOf, meets, parseGoal, violation } from '#core/search/study/objectives.ts'

describe('goals', () => {
  it('take directions from the table of metrics', () => {
    expect(
      parseGoal({ objectives: ['valLoss', { metric: 'accuracy' }, { metric: 'gradNorm', direction: 'minimise' }] }),
    ).toEqual({
      objectives: [
        { metric: 'valLoss', direction: 'minimise' },
        { metric: 'accuracy', direction: 'maximise' },
        { metric: 'gradNorm', direction: 'minimise' },
      ],
      constraints: [],
    })
  })

  it('read back what they write', () => {
    const goal = parseGoal({
      objectives: ['valLoss', 'tpotMs'],
      constraints: [
        { metric: 'params', max: 5e8, min: 1 },
        { metric: 'accuracy', min: 0.5 },
      ],
    })
    expect(parseGoal(JSON.parse(JSON.stringify(goal)))).toEqual(goal)
  })

  it.each([
    [undefined, 'goal', 'must be an object'],
    [{}, 'goal.objectives', '1 to 4 items'],
    [{ objectives: [] }, 'goal.objectives', '1 to 4 items'],
    [{ objectives: ['speed'] }, 'goal.objectives[0].metric', 'unknown metric "speed"'],
    [{ objectives: ['constructor'] }, 'goal.objectives[0].metric', 'unknown metric'],
    [{ objectives: ['lr'] }, 'goal.objectives[0]', 'neither better low nor high'],
    [{ objectives: [{ metric: 'valLoss', direction: 'down' }] }, 'goal.objectives[0].direction', 'minimise, maximise'],
    [{ objectives: ['valLoss', 'valLoss'] }, 'goal.objectives[1]', 'already'],
    [{ objectives: ['valLoss'], constraints: [{ metric: 'tpotMs' }] }, 'goal.constraints[0]', 'needs min or max'],
    [
      { objectives: ['valLoss'], constraints: [{ metric: 'tpotMs', max: '2' }] },
      'goal.constraints[0].max',
      'must be a number',
    ],
    [
      { objectives: ['valLoss'], constraints: [{ metric: 'tpotMs', min: 2, max: 1 }] },
      'goal.constraints[0]',
      'must not exceed',
    ],
    [{ objectives: ['valLoss'], budget: 1 }, 'goal.budget', 'unknown field'],
  ])('refuse %j', (json, path, message) => {
    const error = (() => {
      try {
        parseGoal(json)
      } catch (thrown) {
        return thrown as HeddleError
      }
    })()
    expect(error).toBeInstanceOf(HeddleError)
    expect([error!.code, error!.path]).toEqual(['param-invalid', path])
    expect(error!.message).toContain(message)
  })
})

describe('violations', () => {
  const { constraints } = parseGoal({
    objectives: ['valLoss'],
    constraints: [
      { metric: 'tpotMs', max: 2 },
      { metric: 'accuracy', min: 0.5 },
      { metric: 'stateBytes', max: 0 },
    ],
  })

  it.each([
    [{ tpotMs: 2, accuracy: 0.5, stateBytes: 0 }, 0],
    [{ tpotMs: 3, accuracy: 0.5, stateBytes: 0 }, 0.5],
    [{ tpotMs: 3, accuracy: 0.25, stateBytes: 0 }, 1],
    [{ tpotMs: 1, accuracy: 0.9, stateBytes: 8 }, 8],
    [{ tpotMs: 1, accuracy: 0.9 }, Infinity],
    [{ tpotMs: null, accuracy: 0.9, stateBytes: 0 }, Infinity],
    [{ tpotMs: NaN, accuracy: 0.9, stateBytes: 0 }, Infinity],
    [{ tpotMs: -Infinity, accuracy: 0.9, stateBytes: 0 }, Infinity],
    [{}, Infinity],
  ])('of %j are %d', (metrics, expected) => {
    expect(violation(constraints, metrics)).toBe(expected)
    expect(meets(constraints, metrics)).toBe(expected === 0)
  })

  it('are none without constraints, and grow with the excess', () => {
    expect(meets([], {})).toBe(true)
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (a, b) => {
          const at = (tpotMs: number): number => violation(constraints, { tpotMs, accuracy: 1, stateBytes: 0 })
          expect(at(Math.max(a, b))).toBeGreaterThanOrEqual(at(Math.min(a, b)))
        },
      ),
    )
  })
})

it('costs are small where good, and absent where a trial has no place', () => {
  const goal = parseGoal({ objectives: ['valLoss', 'accuracy'] })
  expect(costsOf(goal, { state: 'done', metrics: { valLoss: 2, accuracy: 0.5 } })).toEqual([2, -0.5])
  expect(costsOf(goal, { state: 'failed', metrics: { valLoss: 2, accuracy: 0.5 } })).toBeUndefined()
  expect(costsOf(goal, { state: 'done', metrics: { valLoss: 2 } })).toBeUndefined()
  expect(costsOf(goal, { state: 'done', metrics: { valLoss: NaN, accuracy: 1 } })).toBeUndefined()
  expect(costsOf(goal, { state: 'done', metrics: { valLoss: 2, accuracy: -Infinity } })).toBeUndefined()
})
