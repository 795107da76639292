import { HeddleError } from '#core/errors.ts'
import { metricOf } from '#core/metrics.ts'
import { rng } from '#core/rng.ts'
import type { RankCorrelation } from '#core/stats/rank-ci.ts'
import { finish } from '#core/stats/settle.ts'
import { trustPanelSteps } from '#core/stats/trust/panel.ts'
import type { Judgement, TrustPanel } from '#core/stats/trust/panel.ts'
import { addCorrelation } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { readTrustRuns } from './trust-runs.ts'
import type { RunChoice, TrustMode } from './trust-runs.ts'

export interface TrustRequest extends RunChoice {
  readonly topK?: number | undefined
  /** Correlation at which ranks count as settled. */
  readonly threshold?: number | undefined
  /** Of the bootstrap. */
  readonly seed?: number | undefined
  readonly resamples?: number | undefined
}

export interface TrustReport {
  readonly metric: string
  readonly finalMetric: string
  /** Steps of the long runs. */
  readonly steps: number
  readonly runs: readonly number[]
  readonly panels: readonly { readonly mode: TrustMode; readonly panel: TrustPanel }[]
}

/**
 * Judges short runs of a project as proxies of long ones: as prefixes of the same runs, and, where shorter runs of three or
 * more architectures are there, as runs with a schedule of their own.
 * @throws HeddleError `usage` or `param-invalid`
 */
export function judgeProxies(project: Project, request: TrustRequest): TrustReport {
  return finish(judging(project, request))
}

/** Milliseconds that judging may keep the door shut at once; one judgement is not cut. */
const SLICE_MS = 20

/** The same without keeping other calls waiting: hundreds of stacks take seconds. */
export async function judgeInSlices(project: Project, request: TrustRequest): Promise<TrustReport> {
  const work = judging(project, request)
  let since = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    if (performance.now() - since < SLICE_MS) continue
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}

function* judging(project: Project, request: TrustRequest): Generator<void, TrustReport> {
  const { metric, finalMetric = metric, topK, threshold, seed = 1, resamples } = request
  const [direction, finalDirection] = [metric, finalMetric].map((name) => {
    const better = metricOf(name)?.better
    if (better === undefined)
      throw new HeddleError('usage', `${JSON.stringify(name)} is not a metric that is better low or high`, {
        path: 'metric',
        hint: 'bitsPerByte, valLoss, perplexity or accuracy',
      })
    return better === 'higher' ? ('maximise' as const) : ('minimise' as const)
  })
  const { steps, long, items } = readTrustRuns(project, { ...request, finalMetric })
  const options = { direction, finalDirection, topK, threshold, resamples }
  const modes = (['prefix', 'scheduled'] as const).filter(
    (mode) =>
      mode === 'prefix' ||
      items.scheduled.filter((item) => item.replicates.every((r) => r.curve.length > 0)).length >= 3,
  )
  const panels: { mode: TrustMode; panel: TrustPanel }[] = []
  for (const mode of modes) {
    const panel = yield* trustPanelSteps(items[mode], { ...options, rng: rng(seed, 'trust', mode) })
    panels.push({ mode, panel })
  }
  if (panels[0]!.panel.targets[0]!.checkpoints.length === 0)
    throw new HeddleError('usage', `the runs have no points of ${metric}`, { path: 'metric' })
  return { metric, finalMetric, steps, runs: long, panels }
}

/** Stores every correlation of a report; returns their numbers. Rows of one report share `details.report`. */
export function storeTrust(project: Project, report: TrustReport, study?: number): number[] {
  const stamp = Date.now()
  const number = (value: number): number | null => (Number.isFinite(value) ? value : null)
  const end = `${report.finalMetric}@${report.steps}`
  const add = (
    mode: TrustMode,
    x: string,
    y: string,
    step: number | null,
    kind: string,
    one: RankCorrelation,
    details: object,
  ): number =>
    addCorrelation(project, {
      study: study ?? null,
      name: `trust ${mode}`,
      method: one.statistic,
      x,
      y,
      step,
      count: one.count,
      value: number(one.estimate),
      low: number(one.low),
      high: number(one.high),
      details: { report: stamp, kind, mode, dropped: one.dropped, steps: report.steps, ...details },
    })
  return project.sql.transaction(() =>
    report.panels.flatMap(({ mode, panel }) => {
      const { topK, threshold, seeds, names } = panel
      const shared = { topK, threshold, seeds, names, runs: report.runs }
      const judged = panel.targets.flatMap((target) => {
        const y = target.target === 'final' ? end : target.target
        const settled = { settledStep: target.settledStep ?? null, shownStep: target.shownStep ?? null }
        const both = (x: string, step: number | null, kind: string, j: Judgement): number[] =>
          [j.spearman, j.kendall].map((one) =>
            add(mode, x, y, step, kind, one, {
              ...shared,
              ...settled,
              recall: number(j.recall),
              regret: number(j.regret),
            }),
          )
        return [
          ...target.checkpoints.flatMap((c) => both(`${report.metric}@${c.step}`, c.step, 'checkpoint', c)),
          ...target.baselines.flatMap((b) => both(b.name, null, 'baseline', b)),
        ]
      })
      const { ceiling } = panel
      if (ceiling === undefined) return judged
      const one: RankCorrelation = { ...ceiling, statistic: 'spearman', dropped: panel.names.length - ceiling.count }
      return [
        ...judged,
        add(mode, 'another seed', end, null, 'ceiling', one, { ...shared, ofMeans: number(ceiling.ofMeans) }),
      ]
    }),
  )
}
