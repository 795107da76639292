import { expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { frontScene } from '#core/plots/front.ts'
import type { FrontPoint } from '#core/plots/front.ts'
import { hypervolumeScene, progressSeries } from '#core/plots/hypervolume.ts'
import { lawFitScene } from '#core/plots/law-fit.ts'
import { lineageScene } from '#core/plots/lineage.ts'
import type { Mark, PathMark } from '#core/plots/scene.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { DARK, LIGHT } from '#core/plots/theme.ts'

const size = { width: 600, height: 400, xLabel: 'ms', yLabel: 'bits' }
const texts = (marks: readonly Mark[]): string[] => marks.flatMap((m) => (m.mark === 'text' ? [m.text] : []))
const paths = (marks: readonly Mark[]): PathMark[] => marks.filter((m) => m.mark === 'path')
const titled = (marks: readonly Mark[], text: string): Mark[] =>
  marks.filter((m) => 'title' in m && m.title?.startsWith(text))

const point = (name: string, x: number, y: number, more: Partial<FrontPoint> = {}): FrontPoint => ({
  name,
  color: '#123456',
  x,
  xLow: 0.9 * x,
  xHigh: 1.1 * x,
  y,
  isMeasured: true,
  ...more,
})

it('a front goes through the points that none dominates, and only through those', () => {
  for (const theme of [LIGHT, DARK]) {
    const points = [
      point('a', 1, 3),
      point('b', 2, 2),
      point('dominated', 2.5, 2.5),
      point('again', 0.5, 1, { isOffFront: true }),
      point('lost', NaN, 1),
    ]
    const { marks } = frontScene([{ name: '', shape: 'circle', points }], { ...size, theme })
    const at = new Map(marks.flatMap((m) => (m.mark === 'circle' ? [[m.title!.split(':')[0]!, m]] : [])))
    expect([...at.keys()]).toEqual(['a', 'b', 'dominated', 'again'])
    const line = paths(marks).find((m) => m.stroke === theme.quiet && m.d.includes('V') && m.width === 1.2)!.d
    const corners = (name: string): boolean => line.includes(`V${at.get(name)!.y}`)
    expect(['a', 'b', 'dominated', 'again'].map(corners)).toEqual([true, true, false, false])
  }
})

it('predicted points are hollow, failed ones crosses on the axis, studies differ by shape and dash', () => {
  const { marks, description } = frontScene(
    [
      { name: 'one', shape: 'circle', points: [point('p', 1, 1, { isMeasured: false }), point('q', 2, 0.5)] },
      { name: 'two', shape: 'square', dash: '6 3', points: [point('r', 1.5, 2)], failed: [1.2, NaN] },
    ],
    { ...size, theme: LIGHT, constraint: { x: 1.8, label: 'target' } },
  )
  const circle = (name: string) => titled(marks, name)[0] as { fill: string; stroke: string }
  expect(circle('p').fill).toBe(LIGHT.ground)
  expect(circle('q').fill).toBe('#123456')
  expect(titled(marks, 'p')[0]).toMatchObject({ title: expect.stringContaining('predicted') as string })
  expect(titled(marks, 'r')[0]).toMatchObject({ mark: 'path' })
  const crosses = paths(marks).filter((m) => /^M\S+l6,6M/.test(m.d))
  expect(crosses).toHaveLength(2)
  expect(texts(marks)).toEqual(expect.arrayContaining(['one', 'two, 2 failed', 'target']))
  expect(paths(marks).some((m) => m.dash === '6 3')).toBe(true)
  expect(description).toContain('one, two')
})

it('an attainment band leaves a hole where every seed has been', () => {
  const attainment = { best: [[1, 2]], worst: [[2, 3]] } as const
  const { marks } = frontScene(
    [{ name: '', shape: 'circle', points: [point('a', 1, 2), point('b', 3, 4)], attainment }],
    {
      ...size,
      theme: LIGHT,
    },
  )
  const band = paths(marks).find((m) => m.opacity === 0.08)!
  expect(band.d.match(/M/g)).toHaveLength(2)
  // two outlines in opposite directions: the signed areas have different signs
  const areas = band.d
    .split('Z')
    .filter((part) => part !== '')
    .map((part) => {
      const corners = part
        .slice(1)
        .split('L')
        .map((pair) => pair.split(',').map(Number) as [number, number])
      return corners.reduce((sum, [x, y], i) => {
        const [nextX, nextY] = corners[(i + 1) % corners.length]!
        return sum + x * nextY - nextX * y
      }, 0)
    })
  expect(Math.sign(areas[0]!)).toBe(-Math.sign(areas[1]!))
  expect(Math.abs(areas[0]!)).toBeGreaterThan(Math.abs(areas[1]!))
})

it('hypervolume is a step curve, with a band where several seeds ran', () => {
  const several = progressSeries('evolution', [
    [0, 1, 3],
    [0, 2, 5],
    [0, 3, 4],
  ])
  expect(several.steps.map((s) => s.value)).toEqual([0, 2, 4])
  expect(several.steps[2]!.low).toBeLessThan(4)
  expect(several.steps[2]!.high).toBeGreaterThan(4)
  const one = progressSeries('random', [[0, 1]], '6 3')
  expect(one.steps).toEqual([
    { trial: 1, value: 0 },
    { trial: 2, value: 1 },
  ])
  const { marks, description } = hypervolumeScene([several, one], { ...size, theme: LIGHT })
  expect(texts(marks)).toEqual(expect.arrayContaining(['evolution', 'random']))
  expect(paths(marks).filter((m) => m.fill === LIGHT.ink)).toHaveLength(1)
  expect(description).toContain('evolution ends at 4.00, random ends at 1.00')
  expect(sceneToSvg(hypervolumeScene([progressSeries('none', [])], { ...size, theme: LIGHT }))).not.toMatch(
    /NaN|Infinity/,
  )
})

it('a law is drawn as a curve with a band for each group, held-out points as diamonds', () => {
  const curve = [1, 2, 4].map((depth) => ({ depth, loss: 3 / depth, low: 2.8 / depth, high: 3.3 / depth }))
  const points = [
    { depth: 1, loss: 3.1, isHeldOut: false },
    { depth: 4, loss: 0.8, isHeldOut: true, note: 'width 8' },
    { depth: 2, loss: NaN, isHeldOut: false },
  ]
  const { marks } = lawFitScene(
    [
      { name: '1 k', points, curve },
      { name: '2 k', points: [], curve: [] },
    ],
    { ...size, theme: DARK },
  )
  expect(titled(marks, '1 deep')).toMatchObject([{ mark: 'circle' }])
  expect(titled(marks, '4 deep, width 8: 0.8000, held out')).toMatchObject([{ mark: 'path' }])
  expect(texts(marks)).toEqual(expect.arrayContaining(['1 k', 'held out']))
  expect(texts(marks)).not.toContain('2 k')
  expect(sceneToSvg(lawFitScene([{ name: 'x', points, curve: [] }], { ...size, theme: DARK }))).not.toMatch(
    /NaN|Infinity/,
  )
})

it('a lineage marks what each mutation did to which cell', () => {
  const step = (text: string, name: string) => ({
    resolved: resolveSpec(parseSpecText(text)),
    name,
    note: name,
    value: '',
  })
  const scene = lineageScene(
    [
      step('a d m2 f', 'first'),
      step('d m2 f a', 'moved'),
      step('d f a', 'removed'),
      step('d f a{window: 8} gla', 'two'),
    ],
    { width: 800, theme: LIGHT },
  )
  const { marks } = scene
  expect(titled(marks, 'moved')).toHaveLength(1)
  expect(titled(marks, 'removed in the next')).toHaveLength(1)
  expect(titled(marks, 'added')).toHaveLength(1)
  expect(titled(marks, 'window default becomes 8')).toHaveLength(1)
  // the struck cell is the second of the second row: the mark starts at its left
  const cells = marks.filter((m) => m.mark === 'rect')
  const [struck] = titled(marks, 'removed in the next') as PathMark[]
  expect(Number(/^M([\d.]+),/.exec(struck!.d)![1])).toBeCloseTo(cells[5]!.x - 2, 6)
  expect(texts(marks)).toEqual(expect.arrayContaining(['first', 'moved', 'removed', 'two']))
  const last = cells.at(-1)!
  expect(last.y + last.h).toBeLessThan(scene.height)
  expect(Math.max(...cells.map((c) => c.x + c.w))).toBeLessThan(scene.width)
})

it('deep and many stacks stay inside a lineage', () => {
  const deep = resolveSpec(parseSpecText('(d f m2 f)x60'))
  const steps = Array.from({ length: 12 }, (_, i) => ({ resolved: deep, name: `trial ${i}`, note: '', value: '' }))
  const { marks, width, height } = lineageScene(steps, { width: 700, theme: LIGHT })
  const cells = marks.filter((m) => m.mark === 'rect')
  expect(cells).toHaveLength(240 * 12)
  for (const { x, y, w, h } of cells) {
    expect(x + w).toBeLessThanOrEqual(width)
    expect(y + h).toBeLessThanOrEqual(height)
  }
})
