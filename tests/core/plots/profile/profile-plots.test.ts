import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoSegments } from '#core/plots/geometry/iso-lines.ts'
import { heatMapScene } from '#core/plots/heat-map.ts'
import { attributionBars } from '#core/plots/profile/attribution.ts'
import { barsScene } from '#core/plots/profile/bars.ts'
import { crossings, type ContextPoint } from '#core/plots/profile/crossings.ts'
import { crossoverScene } from '#core/plots/profile/crossover.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'

const power = (factor: number, exponent: number, contexts = [128, 512, 2048, 8192]): ContextPoint[] =>
  contexts.map((context) => {
    const latencyMs = factor * context ** exponent
    return { context, latencyMs, low: latencyMs * 0.9, high: latencyMs * 1.1 }
  })

describe('crossover', () => {
  it('finds where power laws meet', () => {
    const [found, ...more] = crossings(power(0.001, 1), power(1, 0))
    expect(more).toEqual([])
    expect(found!.context).toBeCloseTo(1000, 6)
    expect(found!.latencyMs).toBeCloseTo(1, 9)
  })

  it('says between which contexts the intervals overlap, and where that is not known', () => {
    const [found] = crossings(power(0.001, 1), power(1, 0))
    // 1.1 x = 0.9 and 0.9 x = 1.1, x in thousands of tokens
    expect(found!.from).toBeCloseTo((0.9 / 1.1) * 1000, 6)
    expect(found!.to).toBeCloseTo((1.1 / 0.9) * 1000, 6)
    const [near] = crossings(power(0.001, 1, [128, 900, 1100]), power(1, 0, [128, 900, 1100]))
    expect(near!.from).toBeCloseTo((0.9 / 1.1) * 1000, 6)
    expect(near!.to).toBeUndefined()
    const unknown = power(1, 0).map((p) => ({ ...p, low: NaN, high: NaN }))
    expect(crossings(power(0.001, 1), unknown)[0]).toEqual({ context: found!.context, latencyMs: found!.latencyMs })
  })

  it('finds a crossing at a measured point once, and none where curves only touch or are apart', () => {
    const at = (values: readonly number[]): ContextPoint[] =>
      values.map((latencyMs, i) => ({ context: 10 ** (i + 1), latencyMs, low: latencyMs, high: latencyMs }))
    expect(crossings(at([1, 2, 3]), at([3, 2, 1])).map((c) => Math.round(c.context))).toEqual([100])
    expect(crossings(at([1, 2, 1]), at([3, 2, 3]))).toEqual([])
    expect(crossings(at([1, 1, 1]), at([2, 2, 2]))).toEqual([])
    expect(crossings([], at([1]))).toEqual([])
    expect(crossings(power(1, 1, [10, 20]), power(2, 1, [30, 40]))).toEqual([])
  })

  it('is symmetric', () => {
    const latencies = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 2, maxLength: 8 })
    const curve = (values: readonly number[], ratio: number): ContextPoint[] =>
      values.map((latencyMs, i) => ({ context: 100 * ratio ** i, latencyMs, low: latencyMs, high: latencyMs }))
    fc.assert(
      fc.property(latencies, latencies, (a, b) => {
        const one = crossings(curve(a, 2), curve(b, 3)),
          two = crossings(curve(b, 3), curve(a, 2))
        expect(one.length).toBe(two.length)
        one.forEach((c, i) => expect(c.context / two[i]!.context).toBeCloseTo(1, 6))
      }),
    )
  })

  it('marks the crossing and says it', () => {
    const scene = crossoverScene(
      [
        {
          key: 'a',
          name: 'softmax',
          letter: 'A',
          color: '#2F62C9',
          points: [...power(0.001, 1), { context: 0, latencyMs: NaN, low: 0, high: 0 }],
        },
        { key: 'b', name: 'linear', letter: 'l', color: '#6B6F9C', points: power(1, 0) },
      ],
      { width: 600, height: 360, theme: LIGHT, yLabel: 'decode, ms' },
    )
    expect(scene.description).toContain('softmax and linear cross at 1k tokens')
    expect(scene.marks.some((m) => m.mark === 'text' && m.text === 'A = l at 1k (818 to 1.22k)')).toBe(true)
    expect(sceneToSvg(scene)).not.toMatch(/NaN|Infinity/)
  })
})

describe('attribution', () => {
  it('adds up to the whole, the rest named', () => {
    const parts = [
      { key: '1', name: 'first', value: 2 },
      { key: '2', name: 'second', value: 5 },
      { key: '3', name: 'third', value: NaN },
    ]
    const bars = attributionBars(parts, 10)
    expect(bars.map(({ name }) => name)).toEqual(['second', 'first', 'third', 'unattributed'])
    expect(bars.at(-1)).toMatchObject({ value: 3, look: 'rest', note: '30.0 % of the whole' })
    expect(attributionBars(parts, 6).at(-1)).toMatchObject({
      name: 'unattributed',
      value: -1,
      note: '-16.7 %: the parts add up to more',
    })
  })

  it('is drawn: solid, hollow and dashed, intervals, and rows without a value', () => {
    const scene = barsScene(
      [
        { key: 'a', name: 'attention', value: 2, low: 1.8, high: 2.4 },
        { key: 'b', name: 'FFN', value: 1, look: 'predicted' },
        { key: 'c', name: 'lost', value: NaN },
        { key: 'd', name: 'counted twice', value: -0.5, look: 'rest' },
      ],
      { width: 500, theme: LIGHT, label: 'decode, ms', unit: 'ms' },
    )
    const rects = scene.marks.filter((m) => m.mark === 'rect')
    expect(rects.map((m) => m.mark === 'rect' && m.fill)).toEqual([LIGHT.ink, LIGHT.ground, LIGHT.ground])
    expect(scene.marks.filter((m) => m.mark === 'path' && m.dash !== undefined)).toHaveLength(1)
    expect(scene.marks.some((m) => m.mark === 'text' && m.text === 'no value')).toBe(true)
    expect(scene.marks.some((m) => m.mark === 'text' && m.text === '1 ms predicted')).toBe(true)
    expect(sceneToSvg(scene)).not.toContain('NaN')
  })
})

describe('lines of equal value', () => {
  it('lie on the level of a plane', () => {
    const level = fc.double({ min: 0.1, max: 8, noNaN: true })
    fc.assert(
      fc.property(
        level,
        fc.double({ min: 0.1, max: 2, noNaN: true }),
        fc.double({ min: 0.1, max: 2, noNaN: true }),
        (at, a, b) => {
          const plane = (x: number, y: number): number => a * x + b * y
          for (const p of isoSegments(plane, 5, 4, at)) {
            expect(plane(p.x0, p.y0)).toBeCloseTo(at, 9)
            expect(plane(p.x1, p.y1)).toBeCloseTo(at, 9)
          }
        },
      ),
    )
  })

  it('closes around a peak, separates saddles by their middle and skips missing corners', () => {
    const peak = (x: number, y: number): number => (x === 1 && y === 1 ? 4 : 0)
    const ring = isoSegments(peak, 3, 3, 2)
    expect(ring).toHaveLength(4)
    const ends = ring.flatMap((p) => [`${p.x0},${p.y0}`, `${p.x1},${p.y1}`])
    expect(new Set(ends).size).toBe(4)
    const saddle = (x: number, y: number): number => ((x + y) % 2 === 0 ? 4 : 0)
    expect(isoSegments(saddle, 2, 2, 1)[0]).toEqual({ x0: 0.75, y0: 0, x1: 1, y1: 0.25 })
    expect(isoSegments(saddle, 2, 2, 3)[0]).toEqual({ x0: 0.25, y0: 0, x1: 0, y1: 0.25 })
    expect(isoSegments((x) => (x === 1 ? NaN : x), 3, 2, 1)).toEqual([])
  })

  it('are drawn over a heat map with their text', () => {
    const cells = [1, 2, 4, 8].map((value, i) => ({ column: i % 2, row: i >> 1, value, text: String(value) }))
    const options = {
      width: 400,
      height: 300,
      theme: LIGHT,
      columns: ['1', '2'],
      rows: ['1', '2'],
      xLabel: 'x',
      yLabel: 'y',
      valueLabel: 'ms',
    }
    const plain = heatMapScene(cells, options)
    const lined = heatMapScene(cells, {
      ...options,
      isoLines: [
        { value: 3, text: '3 ms' },
        { value: 99, text: '99 ms' },
      ],
    })
    expect(lined.marks.length - plain.marks.length).toBe(4)
    expect(lined.marks.some((m) => m.mark === 'text' && m.text === '3 ms')).toBe(true)
  })
})
