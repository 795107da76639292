import { expect, it } from 'vitest'
import { parseSpecText } from '#core/model/text.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { scatterRanksScene } from '#core/plots/scatter-ranks.ts'
import { stripDiffScene } from '#core/plots/strip-diff.ts'
import { LIGHT } from '#core/plots/theme.ts'

const point = (key: string, short: number, final: number) => ({ key, name: key, short, final })
const texts = (scene: ReturnType<typeof scatterRanksScene>): string[] =>
  scene.marks.flatMap((m) => (m.mark === 'text' && m.text.includes('→') ? [m.text] : []))
const BOX = { width: 500, height: 400, theme: LIGHT, xLabel: 'loss at 100 steps', yLabel: 'loss at 1,000 steps' }

it('names both ranks, ties as the mean of their ranks', () => {
  const points = [point('a', 3, 2.5), point('b', 2, 2), point('c', 3, 2.2), point('d', NaN, 1)]
  const scene = scatterRanksScene(points, BOX)
  expect(texts(scene)).toEqual(['=2.5 → 3', '1 → 1', '=2.5 → 2'])
  expect(scene.description).toContain('3 stacks; 1 without both values')
  expect(texts(scatterRanksScene(points, { ...BOX, better: 'higher' }))).toEqual(['=1.5 → 1', '3 → 3', '=1.5 → 2'])
})

it('a perfect order lies on the line of agreement', () => {
  const points = [point('a', 1, 10), point('b', 2, 11), point('c', 4, 15)]
  for (const byRank of [false, true]) {
    const scene = scatterRanksScene(points, { ...BOX, byRank })
    const line = scene.marks.find((m) => m.mark === 'path' && m.dash === '4 4')
    const corners = [...(line?.mark === 'path' ? line.d : '').matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(
      ([, x, y]) => `${x},${y}`,
    )
    const circles = scene.marks.flatMap((m) => (m.mark === 'circle' ? [`${m.x},${m.y}`] : []))
    expect(circles).toEqual(corners)
  }
})

it('a diff shows both strips, one mark for each change, and says what changed', () => {
  const stack = (text: string) => resolveSpec(parseSpecText(text))
  const same = stripDiffScene(stack('d f a f'), stack('d f a f'), { width: 300, theme: LIGHT })
  expect(same.description).toBe('the two stacks have the same blocks')
  const diff = stripDiffScene(stack('d f a f'), stack('d f m2 f a f'), { width: 300, theme: LIGHT })
  expect(diff.marks.filter((m) => m.mark === 'path')).toHaveLength(2)
  expect(diff.description).toMatch(/^changes: added .+, added .+/)
  const right = Math.max(...diff.marks.flatMap((m) => (m.mark === 'rect' ? [m.x + m.w] : [])))
  expect(right).toBeLessThanOrEqual(300)
})
