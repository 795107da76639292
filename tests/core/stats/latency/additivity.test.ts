import { expect, it } from 'vitest'
import { additivity } from '#core/stats/latency/additivity.ts'

it('exact predictions have no error', () => {
  const a = additivity([1, 2, 3].map((ms) => ({ predicted: ms, measured: ms, blocks: ['x', 'y'] })))
  expect([a.medianError, a.p95Error, a.worstError, a.bias, a.kendall]).toEqual([0, 0, 0, 0, 1])
})

it('names the pair that costs more than its parts', () => {
  const cost = { x: 1, y: 2, z: 4 } as const
  const stacks = ['xy', 'yx', 'xz', 'zzy', 'yzx', 'xyx', 'zxz', 'yyz'].map((s) => s.split('') as (keyof typeof cost)[])
  const cases = stacks.map((blocks) => {
    const predicted = blocks.reduce((sum, b) => sum + cost[b], 0)
    const extra = blocks.slice(1).filter((b, i) => b === 'x' && blocks[i] === 'z').length
    return { predicted, measured: predicted + extra, blocks }
  })
  const a = additivity(cases)
  expect(a.byPair[0]!.name).toBe('z > x')
  expect(a.byPair[0]!.residual).toBeCloseTo(1 / 3)
  expect(a.medianError).toBe(0)
  expect(a.worstError).toBeCloseTo(1 / 8)
})

it('refuses values that are no latencies', () => {
  expect(() => additivity([{ predicted: NaN, measured: 1, blocks: [] }])).toThrow('predicted (NaN)')
})
