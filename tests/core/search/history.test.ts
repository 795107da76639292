import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextNumber, visibleHistory } from '#core/search/study/trial.ts'
import type { TrialState } from '#core/search/study/trial.ts'
import { row } from './rows.ts'

const numbers = (rows: readonly { readonly number: number }[] | undefined): number[] | undefined =>
  rows?.map(({ number }) => number)
const rowsOf = (states: readonly (TrialState | undefined)[]) =>
  states.flatMap((state, number) => (state === undefined ? [] : [row(number, { state, metrics: { valLoss: number } })]))

describe('visible history', () => {
  it('is everything before with one evaluator', () => {
    const rows = rowsOf(['done', 'failed', 'done'])
    expect(numbers(visibleHistory(rows, 3, 1)?.trials)).toEqual([0, 1, 2])
    expect(visibleHistory(rows, 3, 1)?.pending).toEqual([])
    expect(visibleHistory([], 0, 1)).toEqual({ trials: [], pending: [] })
  })

  it('leaves out the results of the last p - 1, whether they are known or not', () => {
    const rows = rowsOf(['done', 'done', 'done', 'running', 'done'])
    const seen = visibleHistory(rows, 5, 3)
    expect(numbers(seen?.trials)).toEqual([0, 1, 2])
    expect(numbers(seen?.pending)).toEqual([3, 4])
    expect(seen?.pending.every((trial) => !('metrics' in trial) && !('state' in trial))).toBe(true)
  })

  it('does not depend on order, nor on later trials', () => {
    const rows = rowsOf(['done', 'done', 'done', 'done', 'done', 'failed', 'running'])
    const expected = visibleHistory(rows.slice(0, 4), 4, 2)
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        expect(visibleHistory(shuffled, 4, 2)).toEqual(expected)
      }),
    )
  })

  it.each(['running', 'cancelled', 'interrupted', undefined] as const)('waits for a trial that is %s', (state) => {
    expect(visibleHistory(rowsOf(['done', state, 'done', 'done']), 4, 2)).toBeUndefined()
    expect(visibleHistory(rowsOf(['done', 'done', 'done', state]), 4, 2) === undefined).toBe(state === undefined)
  })

  it('refuses two rows of one number', () => {
    expect(() => visibleHistory([row(0), row(0)], 1, 1)).toThrow('trial 0 has two rows')
  })
})

describe('the next number', () => {
  it.each([
    [[], 4, 2, 0],
    [['running'], 4, 2, 1],
    [['running', 'running'], 4, 2, undefined],
    [['done', 'running'], 4, 2, 2],
    // a free evaluator, but trial 2 must see trial 0
    [['running', 'done'], 4, 2, undefined],
    [['done', 'interrupted', 'done'], 4, 2, 1],
    [['done', 'cancelled', 'running'], 4, 2, 1],
    [['done', 'running', 'interrupted'], 4, 2, 2],
    [['done', 'failed', 'done', 'done'], 4, 2, undefined],
    [['done', 'failed', 'done', 'done'], 5, 2, 4],
    [['done', 'failed', 'done', 'running'], 4, 2, undefined],
    // rows lost in the middle
    [['done', undefined, 'done'], 4, 3, 1],
  ] as const)('after %j of %d with %d evaluators is %s', (states, budget, parallel, expected) => {
    expect(nextNumber(rowsOf(states), budget, parallel)).toBe(expected)
  })
})
