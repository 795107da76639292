import { lawFitScene } from '#core/plots/law-fit.ts'
import { rng } from '#core/rng.ts'
import { scalingLawBands } from '#core/stats/law/bands.ts'
import { client } from '../../client.ts'
import { formatNumber } from '../../ui/format.ts'
import { toCsv } from '../../views/search/board/numbers.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'

interface Content {
  readonly of: string
}

/** Points along each curve. */
const STEPS = 40
const RESAMPLES = 200
const LEAST = 3
/** Coefficients of the term for tokens: a sweep trains all shapes on as many. */
const TOKENS = ['c', 'gamma']

export const fit = cellView<Content>({
  async output({ of }, _, context) {
    const [study] = numbersOf(context.input(of).result, 'study')
    if (study === undefined) return NOTHING
    const points = (await client.studies.trials({ study })).flatMap(({ metrics }) => {
      const { depth, width, budget, valLoss } = metrics ?? {}
      return isNumber(depth) && isNumber(width) && isNumber(budget) && isNumber(valLoss)
        ? [{ depth, width, budget, loss: valLoss }]
        : []
    })
    if (points.length < LEAST)
      return { ...NOTHING, lines: [`A law needs ${LEAST} points; the sweep has ${points.length}.`] }
    const groups = [...Map.groupBy(points, (point) => point.budget)].sort(([a], [b]) => a - b)
    const places = groups.flatMap(([, list]) => curveOf(list))
    const { coefficients, predictions } = scalingLawBands(points, places, {
      rng: rng(1, 'notebook'),
      resamples: RESAMPLES,
    })
    const stored = (await client.studies.fits()).filter((one) => one.study === study).at(-1)
    const held = stored?.errors['heldOutMean']
    return {
      ...NOTHING,
      figures: [
        {
          name: 'Law of the loss',
          height: 320,
          csv: () =>
            toCsv(
              ['budget', 'depth', 'width', 'validation loss'],
              points.map((point) => [point.budget, point.depth, point.width, point.loss]),
            ),
          scene: (width, height, theme) =>
            lawFitScene(
              groups.map(([budget, list], g) => ({
                name: `${formatNumber(budget).text} parameters`,
                points: list.map(({ depth, loss, width: w }) => ({
                  depth,
                  loss,
                  isHeldOut: false,
                  note: `width ${w}`,
                })),
                curve: curveOf(list).map(({ depth }, i) => {
                  const { estimate, low, high } = predictions[g * STEPS + i]!
                  return { depth, loss: estimate, low, high }
                }),
              })),
              { width, height, theme, xLabel: 'Depth, blocks', yLabel: 'Validation loss, nats/token' },
            ),
        },
      ],
      tables: [
        {
          name: 'Coefficients',
          columns: ['coefficient', 'estimate', 'low', 'high'],
          rows: Object.entries(coefficients)
            .filter(([name]) => !TOKENS.includes(name))
            .map(([name, { estimate, low, high }]) => [name, finite(estimate), finite(low), finite(high)]),
          isCut: false,
        },
      ],
      lines: !isNumber(held)
        ? []
        : [`Error on the deepest stacks and the largest budget, held out: ${(100 * held).toFixed(1)} %.`],
    }
  },
})

const isNumber = (value: unknown): value is number => typeof value === 'number'
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** Shapes along the depths of a budget, with widths between those of its points. */
function curveOf(
  list: readonly { readonly depth: number; readonly width: number }[],
): { depth: number; width: number }[] {
  const sorted = [...list].sort((a, b) => a.depth - b.depth)
  const from = Math.log(sorted[0]!.depth),
    to = Math.log(sorted.at(-1)!.depth)
  return Array.from({ length: STEPS }, (_, i) => {
    const depth = Math.exp(from + ((to - from) * i) / (STEPS - 1))
    const at = Math.max(
      1,
      sorted.findIndex((shape) => shape.depth >= depth - 1e-9),
    )
    const left = sorted[at - 1]!,
      right = sorted[at] ?? left
    const share = right.depth === left.depth ? 0 : Math.log(depth / left.depth) / Math.log(right.depth / left.depth)
    return { depth, width: Math.exp(Math.log(left.width) * (1 - share) + Math.log(right.width) * share) }
  })
}
