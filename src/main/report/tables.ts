// Sections of a report about sweeps and about the look-up table, for projects that hold such rows.

import { predictLatency } from '#core/model/latency-table.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { heatMapScene } from '#core/plots/heat-map.ts'
import { predictedScene } from '#core/plots/predicted.ts'
import { additivity } from '#core/stats/latency/additivity.ts'
import { readTable } from '#main/api/lut.ts'
import type { SweepPoint } from '#main/api/sweep.ts'
import { listFits } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { listSpecs } from '#main/store/specs.ts'
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
    ]
  })
}

/** Stacks that the look-up table predicts and that were measured in the same place, under the same conditions. */
export function predictionSections(project: Project): Html[] {
  const specs = new Map(listSpecs(project).map((row) => [row.hash, row]))
  return (['decode', 'prefill'] as const).flatMap((phase) => {
    const points = listMeasurements(project, { phase }).flatMap((m) => {
      const { batch, context, environment, target, dtype, protocolVersion, spec } = m
      const table = readTable(project, { environment, target, dtype, phase, batch, context, protocolVersion })
      const row = specs.get(spec)
      if (table.length === 0 || row === undefined) return []
      const resolved = resolveSpec(parseSpec(row.json))
      const { ms } = predictLatency(resolved, table, { phase, batch, context })
      return Number.isFinite(ms)
        ? [
            {
              name: row.name === '' ? row.text : row.name,
              predicted: ms,
              measured: m.p50Ms,
              low: m.lowMs,
              high: m.highMs,
              blocks: resolved.blocks.map((b) => b.block.symbol),
            },
          ]
        : []
    })
    if (points.length < 2) return []
    const a = additivity(points)
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
        `${a.count} stacks: median error ${(100 * a.medianError).toFixed(1)} %, 95 % of errors below ${(100 * a.p95Error).toFixed(1)} %, Kendall tau ${a.kendall.toFixed(3)}. Bars are 95 % intervals of the measured median; the dashed line is equality.`,
      ),
    ]
  })
}
