import { expect, it } from 'vitest'
import { comparableRuns, shortAndFinal } from '../../../src/renderer/views/compare/pairs.ts'

const run = (id: number, spec: string, steps: number, seed = 1, state = 'done'): never =>
  ({ id, spec, state, config: { spec: { of: spec }, run: { steps, seed }, data: { kind: 'corpus' } } }) as never

it('compares runs that differ in stack and seed only, the largest set of them', () => {
  const runs = [run(1, 'a', 100), run(2, 'b', 100, 2), run(3, 'c', 50), run(4, 'c', 100), run(5, 'd', 100, 1, 'failed')]
  expect(comparableRuns(runs)).toEqual([1, 2, 4])
  expect(comparableRuns([])).toEqual([])
})

it('takes runs that were validated on the way before those that were not, however many', () => {
  const short = ['a', 'b', 'c', 'd', 'e'].map((spec, i) => run(i + 1, spec, 40))
  const long = ['a', 'b', 'c'].map((spec, i) => run(i + 6, spec, 160))
  expect(comparableRuns([...short, ...long])).toEqual([6, 7, 8])
  expect(comparableRuns([...short, ...long.slice(1)])).toEqual([1, 2, 3, 4, 5])
})

it('reads the last value up to the step, and leaves out curves that begin later', () => {
  const curves = new Map([
    [1, { steps: [10, 20, 30], values: [3, 2, 1] }],
    [2, { steps: [20, 40], values: [5, 4] }],
    [3, { steps: [], values: [] }],
  ])
  const at = (step: number): unknown => shortAndFinal([1, 2, 3, 4], step, (id) => curves.get(id))
  expect(at(20)).toEqual([
    { run: 1, short: 2, final: 1 },
    { run: 2, short: 5, final: 4 },
  ])
  expect(at(19)).toEqual([{ run: 1, short: 3, final: 1 }])
})
