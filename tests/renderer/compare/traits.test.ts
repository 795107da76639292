import { expect, it } from 'vitest'
import { parseSpecText } from '#core/model/text.ts'
import { choiceOf } from '../../../src/renderer/views/compare/choice.ts'
import { runsOfSelection, selectionOfRuns } from '../../../src/renderer/views/compare/selections/saved.ts'
import { commonCondition, traitsOf, type Subject } from '../../../src/renderer/views/compare/traits.ts'

const subject = (run: number, text: string, params: number, latencyMs?: number): Subject => ({
  run,
  name: `run ${run}`,
  spec: parseSpecText(`{dModel: 64, vocabSize: 257} ${text}`),
  counts: { params },
  latencyMs,
  short: run,
  final: run / 2,
})

it('an axis for what differs; a mixer that a stack lacks has no share of it', () => {
  const subjects = [subject(1, 'd f', 100), subject(2, 'd f m2 f', 5000, 0.5)]
  const traits = traitsOf(subjects, { metric: 'valLoss', finalMetric: 'bitsPerByte', step: 20 })
  // all are 64 wide: no axis for it
  expect(traits.map(({ key }) => key)).toEqual(['depth', 'share d', 'share m2', 'params', 'short', 'final'])
  const valuesOf = (key: string): unknown =>
    subjects.map((one) => traits.find((trait) => trait.key === key)!.value(one))
  expect(valuesOf('share m2')).toEqual([0, 50])
  expect(valuesOf('depth')).toEqual([2, 4])
  expect(traits.find(({ key }) => key === 'params')!.log).toBe(true)
  expect(traits.find(({ key }) => key === 'depth')!.log).toBe(false)
  expect(traits.at(-2)).toMatchObject({ title: 'Validation loss at step 20', unit: 'nats/token' })
})

it('a stack that cannot be read has no shape, and is still there', () => {
  const unreadable = { ...subject(3, 'a', 1), spec: undefined }
  const traits = traitsOf([subject(1, 'd f', 1), subject(2, 'd f a', 1), unreadable], {
    metric: 'valLoss',
    finalMetric: 'valLoss',
    step: 1,
  })
  expect(traits.find(({ key }) => key === 'depth')!.value(unreadable)).toBeNull()
  expect(traits.find(({ key }) => key === 'share d')!.value(unreadable)).toBeNull()
})

it('latencies of one condition only, the one that covers the most', () => {
  const row = (spec: string, context: number, p50Ms: number, phase = 'decode'): never =>
    ({
      spec,
      context,
      p50Ms,
      phase,
      environment: 'e',
      target: 't',
      dtype: 'f32',
      batch: 1,
      protocolVersion: 1,
    }) as never
  const rows = [row('a', 64, 1), row('a', 256, 2), row('b', 256, 3), row('a', 256, 2.5), row('c', 256, 9, 'prefill')]
  const condition = commonCondition(rows, new Set(['a', 'b', 'c']))!
  expect(condition.context).toBe(256)
  expect([...condition.medians]).toEqual([
    ['a', 2.5],
    ['b', 3],
  ])
  expect(commonCondition(rows, new Set(['z']))).toBeUndefined()
})

it('an address says what is judged; what does not fit is left out', () => {
  expect(choiceOf({})).toEqual({
    metric: 'bitsPerByte',
    finalMetric: 'bitsPerByte',
    study: undefined,
    runs: undefined,
    topK: undefined,
  })
  expect(choiceOf({ metric: 'lr', final: 'accuracy', study: '-1', runs: '3,x,5,0', k: '2' })).toEqual({
    metric: 'bitsPerByte',
    finalMetric: 'accuracy',
    study: undefined,
    runs: [3, 5],
    topK: 2,
  })
})

it('a saved selection comes back; documents of another kind are none', () => {
  expect(runsOfSelection(JSON.parse(JSON.stringify(selectionOfRuns([1, 5]))))).toEqual([1, 5])
  expect(runsOfSelection({ of: 'trial', ids: [1] })).toBeUndefined()
  expect(runsOfSelection({ of: 'run', ids: [1, 'x', -2, 0.5, 3] })).toEqual([1, 3])
})
