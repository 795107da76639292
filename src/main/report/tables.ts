// Sections of a report about sweeps and about the look-up table, for projects that hold such rows.

import { heatMapScene } from '#core/plots/heat-map.ts'
import { lawFitScene } from '#core/plots/law-fit.ts'
import type { LawGroup } from '#core/plots/law-fit.ts'
import { predictedScene } from '#core/plots/predicted.ts'
import { rng } from '#core/rng.ts'
import { scalingLawBands } from '#core/stats/law/bands.ts'
import { predictedStacks } from '#main/api/predicted-stacks.ts'
import type { SweepPoint } from '#main/api/sweep.ts'
import { listFits } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { listSpecs } from '#main/store/specs.ts'
import type { SpecRow } from '#main/store/specs.ts'
import { figure, html } from './html.ts'
import type { Html } from './html.ts'

/** The latest fit of every sweep as a heat map of latencies with losses, and the law in words. */
export function sweepSections(project: Project): Html[] {
  const latest = new Map(listFits(project, { law: 'depth-width' }).map((fit) => [fit.study ?? -fit.id, fit]))
  return [...latest.values()].flatMap((fit) => {
    const points = (fit.details['points'] ?? []) as readonly SweepPoint[]
    const chosen = (
      fit.details['optimal'] as {
        readonly chosen?: { readonly depth: number; readonly width: number; readonly probability: number }
      } | null
    )?.chosen
    const depths = [...new Set(points.map((p) => p.depth))].sort((a, b) => a - b),
      budgets = [...new Set(points.map((p) => p.budget))].sort((a, b) => a - b)
    const { L0, a, alpha, b, beta } = fit.coefficients
    const digits = (x: number | null | undefined): string =>
      x === null || x === undefined ? 'unknown' : x.toPrecision(3)
    const percent = (x: number | null | undefined): string =>
      x === null || x === undefined ? 'unknown' : `${(100 * x).toFixed(2)} %`
    return [
      html`<h2>Depth against width: ${fit.name}</h2>`,
      figure(
        (theme) =>
          heatMapScene(
            points.map((p) => ({
              column: budgets.indexOf(p.budget),
              row: depths.indexOf(p.depth),
              value: p.latencyMs,
              text: `${p.latencyMs.toPrecision(3)} ms`,
              note: `width ${p.width}${p.loss === null ? '' : `, ${p.loss.toFixed(3)} nats`}`,
              isMarked: chosen?.depth === p.depth && chosen.width === p.width,
            })),
            {
              width: 900,
              height: 80 + 52 * depths.length,
              theme,
              columns: budgets.map((n) => n.toLocaleString('en')),
              rows: depths.map(String),
              xLabel: 'decoder parameters',
              yLabel: 'blocks',
              valueLabel: 'latency, ms',
            },
          ),
        `L = ${digits(L0)} + ${digits(a)} D^-${digits(alpha)} + ${digits(b)} W^-${digits(beta)}. Fitted without the deepest stacks and the largest budget, the law misses those by ${percent(fit.errors['heldOutMean'])} on average, ${percent(fit.errors['heldOutWorst'])} at most.${chosen === undefined ? '' : ` The frame marks the shape with the lowest predicted loss within ${digits(fit.details['budgetMs'] as number)} ms, best under ${percent(chosen.probability)} of resampled laws.`}`,
      ),
      ...lawFigure(points, fit.details['warnings']),
    ]
  })
}

const CURVE_POINTS = 40
const RESAMPLES = 200

/** Losses over depth at each budget, with the law along the widths that spend it. */
function lawFigure(points: readonly SweepPoint[], warnings: unknown): Html[] {
  const finished = points.flatMap(({ loss, ...p }) => (loss === null ? [] : [{ ...p, loss }]))
  const groups = [...Map.groupBy(finished, (p) => p.budget)].map(([budget, group]) => ({
    name: `${budget.toLocaleString('en')} parameters`,
    points: group.toSorted((a, b) => a.depth - b.depth),
  }))
  if (finished.length < 3) return []
  const sizes = groups.flatMap(({ points: group }) => curveSizes(group))
  const { predictions } = scalingLawBands(finished, sizes, { rng: rng(1, 'report'), resamples: RESAMPLES })
  const curves = groups.map(({ name, points: group }, i): LawGroup => {
    const start = groups.slice(0, i).reduce((sum, one) => sum + curveSizes(one.points).length, 0)
    return {
      name,
      points: group.map((p) => ({ ...p, note: `width ${p.width}` })),
      curve: curveSizes(group).map(({ depth }, j) => {
        const { estimate, low, high } = predictions[start + j]!
        return { depth, loss: estimate, low, high }
      }),
    }
  })
  const notes = (Array.isArray(warnings) ? warnings : []).map((w: { readonly message?: unknown }) => String(w.message))
  return [
    figure(
      (theme) =>
        lawFitScene(curves, {
          width: 960,
          height: 340,
          theme,
          xLabel: 'blocks',
          yLabel: 'validation loss, nats/token',
        }),
      `Losses at each parameter budget with the law fitted to all of them, along the widths that spend the budget; bands are 95 % of resampled laws. Diamonds, the deepest stacks and the largest budget, were held out of the fit that is tested.${notes.length === 0 ? '' : ` Notes on the fit: ${notes.join('; ')}.`}`,
    ),
  ]
}

/** Depths from the first point to the last; the width between two depths is on a line of logarithms. */
function curveSizes(points: readonly SweepPoint[]): { readonly depth: number; readonly width: number }[] {
  const first = points[0]!.depth,
    last = points.at(-1)!.depth
  if (first === last) return []
  return Array.from({ length: CURVE_POINTS + 1 }, (_, i) => {
    const depth = first + ((last - first) * i) / CURVE_POINTS
    const next = Math.max(
      1,
      points.findIndex((p) => p.depth >= depth - 1e-9),
    )
    const a = points[next - 1]!,
      b = points[next]!
    const share = Math.log(depth / a.depth) / Math.log(b.depth / a.depth)
    return { depth, width: a.width ** (1 - share) * b.width ** share }
  })
}

/** Stacks that the look-up table predicts and that were measured in the same place, under the same conditions. */
export function predictionSections(project: Project): Html[] {
  const specs = new Map(listSpecs(project).map((row) => [row.hash, row]))
  return predictedStacks(project).flatMap(({ phase, batch, context, stacks, additivity: a }) => {
    if (a === null) return []
    const points = stacks.map(({ spec, predicted, measured }) => ({
      name: nameOf(specs.get(spec)!),
      predicted: predicted.ms,
      measured: measured.ms,
      low: measured.low,
      high: measured.high,
    }))
    return [
      html`<h2>Predicted against measured ${phase} latency</h2>`,
      figure(
        (theme) =>
          predictedScene(points, {
            width: 560,
            height: 420,
            theme,
            xLabel: `predicted from the table, ms`,
            yLabel: 'measured, ms',
          }),
        `${a.count} stacks, batch ${batch}, context ${context}: median error ${(100 * a.medianError).toFixed(1)} %, 95 % of errors below ${(100 * a.p95Error).toFixed(1)} %, Kendall tau ${a.kendall.toFixed(3)}. Bars are 95 % intervals of the measured median; the dashed line is equality.`,
      ),
    ]
  })
}

const nameOf = (row: SpecRow): string => (row.name === '' ? row.text : row.name)
