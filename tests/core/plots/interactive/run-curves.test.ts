import { expect, it } from 'vitest'
import { MovingAverage, Series } from '#core/plots/geometry/series.ts'
import { runCurvesScene, wholeSteps } from '#core/plots/interactive/run-curves.ts'
import { runLines, type DrawnRun, type RunLinesOptions } from '#core/plots/interactive/run-lines.ts'
import type { PathMark } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'

function runOf(key: string, values: readonly number[], smoothing?: number): DrawnRun {
  const raw = new Series()
  values.forEach((v, i) => raw.append(i, v))
  if (smoothing === undefined) return { key, name: key, raw }
  const smooth = new Series(),
    average = new MovingAverage(smoothing)
  values.forEach((v, i) => smooth.append(i, average.next(v)))
  return { key, name: key, raw, smooth }
}
function draw(runs: readonly DrawnRun[], changes: Partial<RunLinesOptions> = {}, emphasised = new Set<string>()) {
  const box = { width: 500, height: 300, theme: LIGHT, xLabel: 'step', yLabel: 'loss' }
  const options = { ...box, view: wholeSteps(runs), ...changes }
  const drawn = runLines(runs, options)
  return { frame: drawn.frame, scene: runCurvesScene(drawn, options, emphasised) }
}
const curves = ({ scene, frame }: ReturnType<typeof draw>): PathMark[] =>
  scene.marks.slice(frame.marks.length).filter((m) => m.mark === 'path')

it('raw values stay visible, faint, beside the stronger average', () => {
  const [raw, smooth] = curves(draw([runOf('a', [3, 2, 4, 1], 0.9)]))
  expect(raw!.opacity).toBeLessThan(smooth!.opacity!)
  expect(raw!.width).toBeLessThan(smooth!.width!)
  expect(curves(draw([runOf('a', [3, 2, 4, 1])]))).toHaveLength(1)
})

it('a value that is not finite is a gap, not a bridge', () => {
  const [path] = curves(draw([runOf('a', [3, 2, NaN, 4, 1])]))
  expect(path!.d.match(/M/g)).toHaveLength(2)
  expect(path!.d).not.toContain('NaN')
  const [log] = curves(draw([runOf('a', [3, 2, -1, 4, 1])], { yLog: true }))
  expect(log!.d.match(/M/g)).toHaveLength(2)
})

it('a zoomed line runs to the sides of the frame and not beyond', () => {
  const result = draw([runOf('a', [0, 10, 0, 10, 0])], { view: [1.5, 2.5] })
  const { left, right } = result.frame.inner
  const xs = [...curves(result)[0]!.d.matchAll(/[ML](-?[\d.]+),/g)].map(([, x]) => Number(x))
  expect(Math.min(...xs)).toBe(left)
  expect(Math.max(...xs)).toBeCloseTo(right, 1)
  // half way between 10 and 0 at both sides
  const ys = [...curves(result)[0]!.d.matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y))
  expect(ys[0]).toBeCloseTo(result.frame.y(5), 1)
  expect(ys.at(-1)).toBeCloseTo(result.frame.y(5), 1)
})

it('names as many runs as fit, the emphasised first, then the lowest', () => {
  const runs = Array.from({ length: 50 }, (_, i) => runOf(`run ${i}`, [5, i]))
  const { scene, frame } = draw(runs, {}, new Set(['run 49']))
  const names = scene.marks.slice(frame.marks.length).filter((m) => m.mark === 'text')
  expect(names.length).toBeLessThan(20)
  const texts = names.map((m) => m.mark === 'text' && m.text)
  expect(texts).toContain('run 49')
  expect(texts).toContain('run 0')
  expect(texts).not.toContain('run 40')
  const ys = names.map((m) => (m.mark === 'text' ? m.y : NaN)).sort((a, b) => a - b)
  for (let i = 1; i < ys.length; i++) expect(ys[i]! - ys[i - 1]!).toBeGreaterThanOrEqual(13.9)
})

it('draws nothing at all without runs', () => {
  const { scene } = draw([])
  expect(scene.description).toBe('loss against step for no runs')
  expect(JSON.stringify(scene)).not.toContain('null')
})
