import { metricOf } from '#core/metrics.ts'
import { correlationBudgetScene } from '#core/plots/correlation-budget.ts'
import { client } from '../../client.ts'
import { runsOf } from './train.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'

interface Content {
  readonly of: readonly string[]
  readonly metric: string
  readonly finalMetric: string
}

const TITLES: Readonly<Record<string, string>> = {
  prefix: 'Short runs: the same runs, earlier',
  scheduled: 'Short runs with their own schedule',
}

export const correlation = cellView<Content>({
  async output({ of, metric, finalMetric }, _, context) {
    const inputs = of.map((id) => context.input(id).result)
    const [study] = inputs.flatMap((result) => numbersOf(result, 'study'))
    const runs = inputs.flatMap((result) => runsOf(result).map(({ run }) => run))
    if (study === undefined && runs.length === 0) return NOTHING
    const report = await client.trust.judge({ metric, finalMetric, ...(study === undefined ? { runs } : { study }) })
    const title = metricOf(metric)?.title.toLowerCase() ?? metric
    const targets = report.panels.flatMap(({ mode, panel }) => {
      const target = panel.targets[0]
      return target === undefined ? [] : [{ name: TITLES[mode] ?? mode, panel, target }]
    })
    return {
      ...NOTHING,
      figures: targets.map(({ name, panel, target }) => ({
        name,
        caption: name,
        height: 320,
        scene: (width, height, theme) =>
          correlationBudgetScene(
            (['spearman', 'kendall'] as const).map((kind) => ({
              name: kind === 'spearman' ? 'Spearman' : 'Kendall',
              points: target.checkpoints.map((at) => ({
                budget: at.step,
                value: at[kind].estimate,
                low: at[kind].low,
                high: at[kind].high,
              })),
            })),
            [
              ...target.baselines.map((b) => ({ name: metricOf(b.name)?.title ?? b.name, value: b.spearman.estimate })),
              ...(panel.ceiling === undefined
                ? []
                : [{ name: 'another seed', value: panel.ceiling.estimate, isCeiling: true }]),
            ],
            { width, height, theme, xLabel: 'Training budget, steps', yLabel: `Rank correlation of ${title}` },
          ),
      })),
      tables: targets.map(({ name, target }) => ({
        name,
        columns: ['step', 'Spearman', 'low', 'high', 'Kendall', 'low ', 'high '],
        rows: target.checkpoints.map(({ step, spearman, kendall }) => [
          ...[step, spearman.estimate, spearman.low, spearman.high, kendall.estimate, kendall.low, kendall.high].map(
            (value) => (Number.isFinite(value) ? value : null),
          ),
        ]),
        isCut: false,
      })),
      lines: targets.map(({ name, panel, target }) =>
        target.settledStep === undefined
          ? `${name}: ranks do not settle at ${panel.threshold} within these runs.`
          : `${name}: ranks settle at ${panel.threshold} from step ${target.settledStep}.`,
      ),
    }
  },
})
