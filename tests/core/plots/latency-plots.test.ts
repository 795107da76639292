import { expect, it } from 'vitest'
import { heatMapScene, mix } from '#core/plots/heat-map.ts'
import { predictedScene } from '#core/plots/predicted.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { DARK, LIGHT } from '#core/plots/theme.ts'

it('a heat map prints every finite value, frames the chosen one and darkens with the value', () => {
  const cells = [1, 4, NaN, 2].map((value, i) => ({
    column: i % 2,
    row: i >> 1,
    value,
    text: `${value} ms`,
    isMarked: value === 2,
  }))
  const scene = heatMapScene(cells, {
    width: 400,
    height: 200,
    theme: LIGHT,
    columns: ['x', 'y'],
    rows: ['1', '2'],
    xLabel: 'w',
    yLabel: 'd',
    valueLabel: 'ms',
  })
  const rects = scene.marks.filter((m) => m.mark === 'rect')
  expect(rects).toHaveLength(3)
  expect(rects.filter((r) => r.stroke !== undefined)).toHaveLength(1)
  const luminance = rects.map((r) => Number.parseInt(r.fill.slice(1, 3), 16))
  expect(luminance[0]).toBeGreaterThan(luminance[2]!)
  expect(luminance[2]).toBeGreaterThan(luminance[1]!)
  expect(
    scene.marks.filter((m) => m.mark === 'text' && m.text.endsWith(' ms')).map((m) => 'text' in m && m.text),
  ).toEqual(['1 ms', '4 ms', '2 ms'])
  expect(sceneToSvg(scene)).not.toContain('NaN')
})

it('mixes from one colour to the other', () => {
  expect(mix('#FBFAF7', '#1B1F24', 0)).toBe('#fbfaf7')
  expect(mix('#FBFAF7', '#1B1F24', 1)).toBe('#1b1f24')
})

it('predictions are hollow and the identity goes from corner to corner', () => {
  const points = [1, 2, NaN].map((v) => ({ name: `s${v}`, predicted: v, measured: 1.1 * v, low: v, high: 1.2 * v }))
  for (const theme of [LIGHT, DARK]) {
    const scene = predictedScene(points, { width: 400, height: 300, theme, xLabel: 'p', yLabel: 'm' })
    const circles = scene.marks.filter((m) => m.mark === 'circle')
    expect(circles).toHaveLength(2)
    expect(circles.every((c) => c.fill === theme.ground && c.stroke === theme.ink)).toBe(true)
    expect(scene.marks.filter((m) => m.mark === 'path' && m.dash !== undefined)).toHaveLength(1)
    expect(sceneToSvg(scene)).not.toContain('NaN')
  }
})
