import { correlationBudgetScene } from '#core/plots/correlation-budget.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'
import { expect, it } from 'vitest'

const options = { width: 600, height: 300, theme: LIGHT, xLabel: 'steps', yLabel: 'Spearman' }

it('draws a mark for each budget, a line for each free proxy, and names them all', () => {
  const points = [10, 20].map((budget) => ({ budget, value: budget / 20, low: 0, high: 1 }))
  const { marks, description } = correlationBudgetScene(
    [{ name: 'short', points }],
    [
      { name: 'parameters', value: 0.3 },
      { name: 'nothing', value: NaN },
    ],
    options,
  )
  const circles = marks.filter((m) => m.mark === 'circle')
  expect(circles).toHaveLength(2)
  // twice the budget and twice the correlation: further right and higher up
  expect(circles[1]!.x).toBeGreaterThan(circles[0]!.x)
  expect(circles[1]!.y).toBeLessThan(circles[0]!.y)
  const names = marks.flatMap((m) => (m.mark === 'text' ? [m.text] : []))
  expect(names).toContain('short')
  expect(names).toContain('parameters')
  expect(names).not.toContain('nothing')
  expect(description).toBe('Spearman against steps for short, parameters')
})

it('stays whole without any finite value', () => {
  const svg = sceneToSvg(
    correlationBudgetScene([{ name: 'x', points: [{ budget: 1, value: NaN, low: NaN, high: NaN }] }], [], options),
  )
  expect(svg).not.toContain('NaN')
})
