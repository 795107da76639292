import { HeddleError } from '#core/errors.ts'
import { integer, optionalInteger, real } from '#core/params.ts'
import type { TrustPanel } from '#core/stats/trust/panel.ts'
import { judgeProxies, storeTrust } from '#main/api/trust.ts'
import type { TrustReport } from '#main/api/trust.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Command } from '../command.ts'
import { table } from '../command.ts'

export const trust: Command = {
  name: 'trust',
  summary: 'How well short runs rank stacks',
  usage: '--project FILE',
  help: 'Compares a metric at every validation of the longest runs with the metric at their end: rank correlations with 95 % intervals, the step from which\nranks settle, what picking the best k by the short run finds (recall) and loses (regret). Counts that cost nothing stand beside it, and task\nscores (heddle eval, heddle import lm-eval) are ranked too. Two modes: "prefix" reads the same run earlier, while its learning rate is still high;\n"scheduled" reads shorter runs whose schedule ended, which is what a search trains. They differ, and the second needs runs of its own.\nCorrelations are positive where both sides prefer the same stacks; more parameters, FLOPs and state count as better.',
  examples: [
    'trust --project my.heddle',
    'trust --project my.heddle --study 2 --metric valLoss --top-k 3',
    'trust --project my.heddle --runs 1-8,12 --json',
  ],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project file with the runs; keeps the correlations.' },
    runs: { type: 'text', value: 'LIST', doc: 'Numbers of runs, 1-8,12 [all].' },
    metric: { type: 'text', value: 'NAME', doc: 'Metric of the short run [bitsPerByte].' },
    final: { type: 'text', value: 'NAME', doc: 'Metric at the end of the long run [as --metric].' },
    'dry-run': { type: 'switch', doc: 'Print without storing.' },
  },
  params: {
    study: optionalInteger({ doc: 'Only runs of this study.', min: 1, max: 1e9, default: null }),
    steps: optionalInteger({
      doc: 'Steps of the long runs; none: the most that a run has.',
      min: 1,
      max: 1e9,
      default: null,
    }),
    topK: optionalInteger({
      doc: 'Size of the selection; none: a quarter of the stacks.',
      min: 1,
      max: 1e6,
      default: null,
    }),
    threshold: real({ doc: 'Correlation at which ranks count as settled.', min: -1, max: 1, default: 0.9 }),
    seed: integer({ doc: 'Seed of the bootstrap.', min: 0, max: 2 ** 31 - 1, default: 1 }),
  },
  run: ({ positionals, text, switches, params }, output) => {
    if (positionals.length > 0 || text['project'] === undefined)
      throw new HeddleError('usage', 'trust takes --project FILE and no other argument')
    const isStored = !switches.has('dry-run')
    const project = openProject(text['project'], isStored ? {} : { readonly: true })
    try {
      const number = (name: string): number | undefined => (params[name] ?? undefined) as number | undefined
      const study = number('study')
      const report = judgeProxies(project, {
        study,
        runs: text['runs'] === undefined ? undefined : parseRuns(text['runs']),
        metric: text['metric'] ?? 'bitsPerByte',
        finalMetric: text['final'],
        steps: number('steps'),
        topK: number('topK'),
        threshold: number('threshold'),
        seed: number('seed'),
      })
      if (isStored) storeTrust(project, report, study)
      output.print(output.isJson ? JSON.stringify(report, null, 2) : trustText(report))
    } finally {
      closeProject(project)
    }
  },
}

/** `1-3,7` as numbers. Throws HeddleError `usage`. */
export function parseRuns(list: string): number[] {
  const numbers = list.split(',').flatMap((part) => {
    const [, first, last] = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part) ?? []
    const from = Number(first),
      to = Number(last ?? first)
    if (first === undefined || to < from || to - from > 1e5)
      throw new HeddleError('usage', `--runs ${JSON.stringify(part)} is not a number or a range`, {
        path: '--runs',
        hint: 'as in 1-8,12',
      })
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return [...new Set(numbers)]
}

const TITLES = { prefix: 'the same runs, earlier', scheduled: 'shorter runs with their own schedule' } as const

/** The report as tables. */
export function trustText(report: TrustReport): string {
  const parts = report.panels.map(({ mode, panel }) => `${TITLES[mode]}\n\n${panelText(panel, report)}`)
  return [
    `${report.panels[0]!.panel.names.length} stacks, ${report.runs.length} runs of ${report.steps} steps, ${report.metric}`,
    ...parts,
  ].join('\n\n')
}

function panelText(panel: TrustPanel, { metric, finalMetric, steps }: TrustReport): string {
  const shown = (x: number, digits = 2): string => (Number.isFinite(x) ? x.toFixed(digits) : '-')
  const range = ({ estimate, low, high }: { estimate: number; low: number; high: number }): string =>
    Number.isFinite(estimate) ? `${shown(estimate)} [${shown(low)}, ${shown(high)}]` : '-'
  const tables = panel.targets.map((target) => {
    const end = target.target === 'final' ? `${finalMetric} at ${steps}` : target.target
    const rows = [
      ...target.checkpoints.map((c) => ({
        name: `${metric} at ${c.step}${target.target === 'final' && metric === finalMetric && c.step === steps ? ' (itself)' : ''}`,
        ...c,
      })),
      ...target.baselines,
    ].map((r) => [
      r.name,
      range(r.spearman),
      range(r.kendall),
      shown(r.recall),
      shown(r.regret, 4),
      String(r.spearman.count),
    ])
    const settled =
      target.settledStep === undefined
        ? `ranks do not settle at ${panel.threshold}`
        : `ranks settle (${panel.threshold}) from step ${target.settledStep}${target.shownStep === undefined ? '' : `, shown from step ${target.shownStep}`}`
    return `${table([[`against ${end}`, 'Spearman [95 %]', 'Kendall [95 %]', `top-${panel.topK} recall`, 'regret', 'stacks'], ...rows], [3, 4, 5])}\n${settled}`
  })
  const { ceiling } = panel
  return [
    ...tables,
    ceiling === undefined
      ? 'one seed each: how far seeds agree is not known'
      : `seeds agree at Spearman ${range(ceiling)}; means of ${ceiling.seeds} at ${shown(ceiling.ofMeans)}`,
  ].join('\n\n')
}
