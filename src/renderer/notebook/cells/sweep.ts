import { heatMapScene } from '#core/plots/heat-map.ts'
import { client } from '../../client.ts'
import { formatNumber } from '../../ui/format.ts'
import { toCsv } from '../../views/search/board/numbers.ts'
import { TRIALS_TYPE, trialRows } from './trials.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'
import type { Figure } from './view.ts'

interface Content {
  readonly stack: string
  readonly name: string
  readonly depths: readonly number[]
  readonly budgets: readonly number[]
  readonly options: Readonly<Record<string, unknown>>
  readonly data?: string
  readonly tokenizer: string
  readonly target: string
}
interface Result {
  readonly study: number
}
interface Shape {
  readonly depth: number
  readonly width: number
  readonly budget: number
  readonly latencyMs: number
  readonly valLoss: number
}

export const sweep = cellView<Content, Result>({
  async run({ stack, name, depths, budgets, options, data, tokenizer, target }, context) {
    const stamp = await context.once('stamp', async () => new Date().toISOString().slice(0, 19))
    const title = name === '' ? `${context.id} ${stamp}` : name
    const job = await context.once('job', () =>
      client.profile.sweep({
        ...{ name: title, spec: context.spec(stack), params: options, depths, budgets, tokenizer, target },
        ...(data !== undefined && { data }),
      }),
    )
    const ended = await context.follow(job)
    const found = (await client.studies.list()).filter((study) => study.kind === 'sweep' && study.name === title)
    const study = ended.subject.study ?? found.at(-1)?.id
    if (study === undefined) throw new Error(`the sweep ${title} left no study`)
    return { study }
  },
  async output(_, result) {
    const [study] = numbersOf(result, 'study')
    if (study === undefined) return NOTHING
    const shapes = (await client.studies.trials({ study })).flatMap(({ metrics }): Shape[] => {
      if (metrics === null) return []
      const of = (name: string): number => metrics[name] ?? NaN
      return [
        {
          depth: of('depth'),
          width: of('width'),
          budget: of('budget'),
          latencyMs: of('latencyMs'),
          valLoss: of('valLoss'),
        },
      ]
    })
    const table = {
      name: 'Shapes',
      columns: ['depth', 'width', 'parameters, budget', 'latency, ms', 'validation loss'],
      rows: shapes.map(({ depth, width, budget, latencyMs, valLoss }) => [
        depth,
        width,
        budget,
        latencyMs,
        finite(valLoss),
      ]),
      isCut: false,
    }
    const csv = (): string => toCsv(table.columns, table.rows)
    const figures = [
      { ...map(shapes, 'latencyMs', 'Latency', 'Latency, ms (measured)'), csv },
      { ...map(shapes, 'valLoss', 'Loss', 'Validation loss, nats/token'), csv },
    ]
    return { ...NOTHING, figures, tables: [table] }
  },
  rows: (_, result) => trialRows(result),
  type: TRIALS_TYPE,
})

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function map(shapes: readonly Shape[], value: 'latencyMs' | 'valLoss', name: string, valueLabel: string): Figure {
  const depths = [...new Set(shapes.map((s) => s.depth))].sort((a, b) => a - b)
  const budgets = [...new Set(shapes.map((s) => s.budget))].sort((a, b) => a - b)
  return {
    name,
    height: 110 + 64 * budgets.length,
    scene: (width, height, theme) =>
      heatMapScene(
        shapes.map((shape) => ({
          column: depths.indexOf(shape.depth),
          row: budgets.indexOf(shape.budget),
          value: shape[value],
          text: Number.isFinite(shape[value]) ? shape[value].toPrecision(3) : 'failed',
          note: `width ${shape.width}`,
        })),
        {
          width,
          height,
          theme,
          columns: depths.map(String),
          rows: budgets.map((n) => formatNumber(n).text),
          xLabel: 'Depth, blocks',
          yLabel: 'Parameters in the blocks',
          valueLabel,
        },
      ),
  }
}
