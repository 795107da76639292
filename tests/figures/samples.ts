// Plots of the program as figures, with numbers from a seed.

import { rng } from '#core/rng.ts'
import { curvesScene } from '#core/plots/curves.ts'
import type { FigureSource } from '#core/plots/figure/metadata.ts'
import type { SceneMaker } from '#core/plots/figure/restyle.ts'
import { frontScene } from '#core/plots/front.ts'
import { heatMapScene } from '#core/plots/heat-map.ts'

export const SOURCE: FigureSource = {
  name: 'Front of (a study)',
  address: '#/search?study=2&trial=7',
  project: 'journey',
  selection: ['trial 7', 'trial ü 9'],
}

const HUES = ['#2A6FBB', '#C2571A', '#2E8B57', '#8A4FBF']

/** A front of some points of one study. */
export const frontOf =
  (count: number): SceneMaker =>
  (width, height, theme) => {
    const random = rng(7)
    const points = Array.from({ length: count }, (_, i) => {
      const x = 1 + 9 * random.uniform(),
        y = 1 + 2 / x + random.uniform()
      return { name: `trial ${i}`, color: HUES[i % 4]!, x, xLow: 0.97 * x, xHigh: 1.03 * x, y, isMeasured: i % 5 > 0 }
    })
    return frontScene([{ name: 'evolution', shape: 'circle', points }], {
      width,
      height,
      theme,
      xLabel: 'latency, ms',
      yLabel: 'validation loss, nats/token',
    })
  }

const curves: SceneMaker = (width, height, theme) =>
  curvesScene(
    HUES.map((color, i) => ({
      name: `run ${i}`,
      color,
      points: Array.from({ length: 200 }, (_, step) => [step, 5 / (1 + 0.02 * (i + 1) * step)] as const),
    })),
    { width, height, theme, xLabel: 'steps', yLabel: 'loss, nats/token' },
  )

const heatMap: SceneMaker = (width, height, theme) =>
  heatMapScene(
    [0, 1, 2].flatMap((column) =>
      [0, 1, 2].map((row) => ({ column, row, value: 1 + column * row, text: String(1 + column * row) })),
    ),
    {
      width,
      height,
      theme,
      columns: ['64', '128', '256'],
      rows: ['2', '4', '8'],
      xLabel: 'width',
      yLabel: 'depth, blocks',
      valueLabel: 'latency, µs ≤ 9 → α',
    },
  )

export const PLOTS: Readonly<Record<string, SceneMaker>> = { front: frontOf(60), curves, heatMap }
