import { describe, expect, it } from 'vitest'
import {
  cloudBase,
  cloudScene,
  crossPlace,
  frontsOf,
  wholeView,
  type CloudOptions,
  type CloudPoint,
} from '#core/plots/interactive/point-cloud.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'

const point = (key: string, x: number, y: number, rest: Partial<CloudPoint> = {}): CloudPoint => ({
  key,
  title: `trial ${key}`,
  x,
  y,
  status: 'measured',
  ...rest,
})
const POINTS = [
  point('a', 1, 5, { xLow: 0.9, xHigh: 1.2 }),
  point('b', 2, 3),
  point('c', 4, 2),
  point('d', 3, 4),
  point('e', 0.5, 1, { status: 'predicted' }),
  point('f', 2, NaN, { status: 'failed' }),
  point('g', NaN, NaN, { status: 'failed' }),
]
const AXES = { x: { label: 'decode, ms' }, y: { label: 'loss' } }
const GROUPS = [{ name: '', shape: 'circle' }] as const
const options = (view = wholeView(POINTS, AXES)): CloudOptions => ({
  width: 600,
  height: 400,
  theme: LIGHT,
  groups: GROUPS,
  view,
  ...AXES,
})

describe('fronts', () => {
  it('are of measured points, from the best x on; of predicted ones where none is measured', () => {
    expect(frontsOf(POINTS, options())).toEqual([[0, 1, 2]])
    const predicted = POINTS.map((p) => ({ ...p, status: 'predicted' as const }))
    expect(frontsOf(predicted, options())).toEqual([[4]])
  })

  it('turn with the direction of an axis', () => {
    const y = { label: 'accuracy', better: 'higher' } as const
    expect(frontsOf(POINTS, { ...options(), y })).toEqual([[0]])
    const x = { label: 'speed', better: 'higher' } as const
    expect(frontsOf(POINTS, { ...options(), x })).toEqual([[2]])
  })

  it('belong to their group, and no value off a log axis is on one', () => {
    const points = [point('a', 1, 1), point('b', 2, 2, { group: 1 }), point('c', -1, 0)]
    const x = { label: 'x', log: true }
    expect(frontsOf(points, { ...options(), x, groups: [...GROUPS, { name: 'other', shape: 'square' }] })).toEqual([
      [0],
      [1],
    ])
  })
})

it('the whole view holds every point and interval', () => {
  const { x, y } = wholeView(POINTS, AXES)
  expect(x[0]).toBeLessThan(0.5)
  expect(x[1]).toBeGreaterThan(4)
  expect(y[0]).toBeLessThan(1)
  expect(y[1]).toBeGreaterThan(5)
  expect(wholeView([], AXES)).toEqual({ x: [0, 1], y: [0, 1] })
})

it('measured is solid, predicted hollow, failed a cross, and all are counted', () => {
  const scene = cloudScene(POINTS, options())
  const circles = scene.marks.filter((m) => m.mark === 'circle' && m.title !== undefined)
  expect(circles.filter((m) => m.mark === 'circle' && m.fill === LIGHT.ink)).toHaveLength(4)
  expect(circles.filter((m) => m.mark === 'circle' && m.fill === LIGHT.ground)).toHaveLength(1)
  expect(scene.marks.filter((m) => m.mark === 'path' && m.title?.startsWith('trial'))).toHaveLength(2)
  expect(scene.description).toBe('loss against decode, ms: 4 measured, 1 predicted, 2 failed; 3 on the front')
  expect(sceneToSvg(scene)).not.toContain('NaN')
})

it('a failed point stands on the axis of what is known', () => {
  const { frame } = cloudBase(POINTS, [], [], options())
  const { left, bottom } = frame.inner
  expect(crossPlace(POINTS[5]!, frame, AXES)).toEqual({ x: frame.x(2), y: bottom })
  expect(crossPlace(point('h', NaN, 3), frame, AXES)).toEqual({ x: left, y: frame.y(3) })
  expect(crossPlace(POINTS[6]!, frame, AXES)).toEqual({ x: left, y: bottom })
})

it('nothing leaves the frame when zoomed', () => {
  const zoomed = options({ x: [1.5, 2.5], y: [2.5, 3.5] })
  const { frame, marks } = cloudBase(POINTS, frontsOf(POINTS, zoomed), POINTS.keys(), zoomed)
  const { left, right, top, bottom } = frame.inner
  const paths = marks.slice(frame.marks.length).filter((m) => m.mark === 'path')
  const lines = paths.filter((m) => m.mark === 'path' && (m.fill !== undefined || m.stroke === LIGHT.quiet))
  expect(lines.length).toBe(2)
  for (const m of lines)
    for (const [, px, py] of m.mark === 'path' ? m.d.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g) : []) {
      expect(Number(px)).toBeGreaterThanOrEqual(left)
      expect(Number(px)).toBeLessThanOrEqual(right)
      expect(Number(py)).toBeGreaterThanOrEqual(top)
      expect(Number(py)).toBeLessThanOrEqual(bottom)
    }
  const drawn = cloudScene(POINTS, zoomed).marks.filter((m) => m.mark === 'circle' && m.title !== undefined)
  expect(drawn).toHaveLength(1)
})
