import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { taskOf } from '#core/tasks/index.ts'
import type { ParamValues } from '#core/params.ts'
import { groupElements } from './solvers.ts'

/** What a task answers after two tokens, for every pair of tokens, read off a large batch of length 2. */
function tableOf(kind: string, params: ParamValues, batchSize: number): ReadonlyMap<string, number> {
  const { tokens, targets } = taskOf(kind).batch(rng('table', kind), { batchSize, seqLen: 2 }, params)
  const table = new Map<string, number>()
  for (let row = 0; row < batchSize; row++) {
    expect(targets[2 * row]).toBe(tokens[2 * row])
    table.set(`${tokens[2 * row]},${tokens[2 * row + 1]}`, targets[2 * row + 1]!)
  }
  return table
}

it.each(['parity', 'modular-counter', 'permutation'])('%s asks after every token', (kind) => {
  const task = taskOf(kind)
  const { targets } = task.batch(rng(1), { batchSize: 8, seqLen: 40 }, {})
  expect(targets.every((id) => id >= 0)).toBe(true)
})

it('parity is the table of exclusive or', () => {
  expect(tableOf('parity', {}, 100)).toEqual(new Map(Object.entries({ '0,0': 0, '0,1': 1, '1,0': 1, '1,1': 0 })))
})

it('a counter modulo 2 is parity', () => {
  expect(tableOf('modular-counter', { modulus: 2 }, 100)).toEqual(tableOf('parity', {}, 100))
})

describe('permutation', () => {
  it.each([
    ['S3', 6],
    ['A4', 12],
    ['S4', 24],
    ['A5', 60],
    ['S5', 120],
  ])('%s has %d elements and does not commute', (group, order) => {
    const task = taskOf('permutation')
    expect(groupElements(group).length).toBe(order)
    expect(task.vocabSize({ group })).toBe(order)
    expect(task.chance({ group })).toBe(1 / order)
    const table = tableOf('permutation', { group }, 4000)
    const commutes = [...table].every(([pair, product]) => {
      const mirrored = table.get(pair.split(',').reverse().join())
      return mirrored === undefined || mirrored === product
    })
    expect(commutes).toBe(false)
  })

  it('applies the earlier permutation first', () => {
    // elements of S3: 012 021 102 120 201 210; first swap the last two, then the first two: 0->0->1, 1->2->2, 2->1->0
    const table = tableOf('permutation', { group: 'S3' }, 2000)
    expect(table.size).toBe(36)
    expect(table.get('1,2')).toBe(3)
    expect(table.get('2,1')).toBe(4)
  })
})
