import { describe, expect, it } from 'vitest'
import { latencyNeeds, predictLatency } from '#core/model/latency-table.ts'
import type { LatencyEntry } from '#core/model/latency-table.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { predictedScene } from '#core/plots/predicted.ts'
import { attributionBars } from '#core/plots/profile/attribution.ts'
import { copiesScene } from '#core/plots/profile/copies.ts'
import { depthWidthScene } from '#core/plots/profile/depth-width.ts'
import { tableParts } from '#core/plots/profile/stack-parts.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'

const conditions = { phase: 'decode', batch: 1, context: 64 } as const
const look = { width: 500, height: 320, theme: LIGHT }

const tableOf = (text: string): { resolved: ReturnType<typeof resolveSpec>; table: LatencyEntry[] } => {
  const resolved = resolveSpec(parseSpecText(text))
  const table = latencyNeeds(resolved).map((need, i) => {
    const ms = 0.1 * (i + 1)
    const perCopy = [1, 4].map((copies) => ({ copies, ms: ms * (1 + copies / 10) }))
    return { ...need, ...conditions, ms, low: 0.9 * ms, high: 1.1 * ms, ...(need.part === 'block' && { perCopy }) }
  })
  return { resolved, table }
}

describe('parts of a stack', () => {
  it('add up to its prediction, block by block or grouped', () => {
    for (const text of ['{dModel: 64} a f a m2', '{dModel: 64} (a f)x14']) {
      const { resolved, table } = tableOf(text)
      const { parts } = tableParts(resolved, table, conditions, 'light')
      const sum = parts.reduce((total, part) => total + part.value, 0)
      expect(sum).toBeCloseTo(predictLatency(resolved, table, conditions).ms, 9)
    }
    const { resolved, table } = tableOf('{dModel: 64} (a f)x14')
    const names = tableParts(resolved, table, conditions, 'light').parts.map((part) => part.name)
    expect(names).toEqual(['14 × a', '14 × f', 'floor', 'embedding', 'head'])
  })

  it('are not given where the table lacks one', () => {
    const { resolved, table } = tableOf('{dModel: 64} a f')
    expect(tableParts(resolved, table.slice(0, -1), conditions, 'dark')).toEqual({
      parts: [],
      missing: ['f at width 64'],
    })
  })

  it('leave a rest that may be below 0', () => {
    const parts = [{ key: 'a', name: 'a', value: 3 }]
    expect(attributionBars(parts, 4).at(-1)).toMatchObject({ value: 1, note: '25.0 % of the whole' })
    expect(attributionBars(parts, 2).at(-1)).toMatchObject({ value: -1, note: '-50.0 %: the parts add up to more' })
  })
})

describe('depth and width', () => {
  const cells = [2, 4, 8].flatMap((depth) =>
    [1, 4].map((budget) => ({
      key: `${depth} ${budget}`,
      depth,
      width: 64 * Math.sqrt(budget / depth),
      budget,
      value: depth === 8 && budget === 1 ? NaN : depth,
      latencyMs: depth * budget,
      isMarked: depth === 4 && budget === 1,
    })),
  )
  const options = { ...look, valueLabel: 'Loss', text: (v: number) => v.toFixed(2) }

  it('draws every shape, a cross for one that failed, and lines only at latencies that occur', () => {
    const scene = depthWidthScene(cells, { ...options, levels: [6, 1000] })
    expect(scene.marks.filter((m) => m.mark === 'rect' && m.key !== undefined)).toHaveLength(cells.length)
    expect(scene.description).toMatch(/8 by [\d.]+ failed/)
    expect(scene.marks.filter((m) => m.mark === 'path' && m.title?.includes('equal latency'))).toHaveLength(1)
    expect(sceneToSvg(scene)).not.toMatch(/NaN|Infinity/)
  })

  it('runs the line through a measured shape of that latency', () => {
    const scene = depthWidthScene(cells, { ...options, levels: [4] })
    const at = (key: string) => scene.marks.find((m) => m.mark === 'rect' && m.key === key) as { x: number; y: number }
    const line = scene.marks.find((m) => m.mark === 'path' && m.title?.includes('equal latency')) as { d: string }
    const cell = at('4 1')
    const ends = [...line.d.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
    expect(ends.some(([x, y]) => Math.hypot(x - cell.x - 23, y - cell.y - 11) < 0.01)).toBe(true)
  })

  it('draws an empty grid', () => {
    expect(sceneToSvg(depthWidthScene([], { ...options, levels: [1] }))).not.toMatch(/NaN|Infinity/)
  })
})

describe('copies of a block', () => {
  it('shows every sample or says how many it cuts', () => {
    const points = [1, 2, 4].map((copies) => ({ copies, medianMs: copies, samples: [copies, copies, 90] }))
    const scene = copiesScene(points, { ...look, slopeMs: 1, lowMs: 0.9, highMs: 1.1, interceptMs: 0 })
    expect(scene.marks.filter((m) => m.mark === 'circle' && m.key === undefined)).toHaveLength(6)
    expect(scene.marks.some((m) => m.mark === 'text' && m.text.startsWith('3 samples above'))).toBe(true)
    expect(sceneToSvg(scene)).not.toMatch(/NaN|Infinity/)
  })
})

describe('predicted against measured', () => {
  it('shades the band of an error on both sides of the line', () => {
    const point = {
      key: 'a',
      name: 'a',
      predicted: 2,
      predictedLow: 1.9,
      predictedHigh: 2.1,
      measured: 2,
      low: 1,
      high: 3,
    }
    const points = [point, { ...point, key: 'b', predicted: 5, measured: 4 }]
    const scene = predictedScene(points, { ...look, xLabel: 'x', yLabel: 'y', band: 0.2 })
    const shade = scene.marks.find((m) => m.mark === 'path' && m.opacity === 0.07) as { d: string }
    const corners = [...shade.d.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
    const diagonal = scene.marks.find((m) => m.mark === 'path' && m.dash === '4 4') as { d: string }
    const [[x0, y0], [x1, y1]] = [...diagonal.d.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(
      ([, x, y]) => [Number(x), Number(y)] as const,
    ) as [[number, number], [number, number]]
    const side = corners.map(([x, y]) => Math.sign(Math.round(1e6 * ((x - x0) / (x1 - x0) - (y - y0) / (y1 - y0)))))
    expect(side.filter((s) => s > 0).length).toBe(2)
    expect(side.filter((s) => s < 0).length).toBe(2)
    expect(scene.marks.filter((m) => m.mark === 'circle').map((m) => 'key' in m && m.key)).toEqual(['a', 'b'])
  })
})
