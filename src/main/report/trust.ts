// The part of a report about proxies: the correlations of the latest panel of each study.

import { metricOf } from '#core/metrics.ts'
import { correlationBudgetScene } from '#core/plots/correlation-budget.ts'
import { listCorrelations } from '#main/store/correlations.ts'
import type { CorrelationRow } from '#main/store/correlations.ts'
import type { Project } from '#main/store/db.ts'
import { figure, html } from './html.ts'
import type { Html } from './html.ts'

const MODES: Readonly<Record<string, string>> = { prefix: 'same run, earlier', scheduled: 'shorter run, own schedule' }

/** A figure for each expensive quantity of each study; nothing where no panel was stored. */
export function trustSections(project: Project): Html[] {
  const rows = listCorrelations(project, { method: 'spearman' }).filter(
    (row) => typeof row.details['report'] === 'number',
  )
  const latest = [...Map.groupBy(rows, (row) => row.study).values()].flatMap((group) => {
    const newest = group.reduce((most, row) => Math.max(most, row.details['report'] as number), 0)
    return group.filter((row) => row.details['report'] === newest)
  })
  const panels = [...Map.groupBy(latest, (row) => JSON.stringify([row.study, row.y])).values()].filter((group) =>
    group.some((row) => row.details['kind'] === 'checkpoint'),
  )
  return panels.length === 0 ? [] : [html`<h2>Can short runs be trusted</h2>`, ...panels.map(panelFigure)]
}

function panelFigure(rows: readonly CorrelationRow[]): Html {
  const of = (kind: string): CorrelationRow[] => rows.filter((row) => row.details['kind'] === kind)
  const checkpoints = of('checkpoint')
  const { details, y } = checkpoints[0]!
  const series = [...Map.groupBy(checkpoints, (row) => String(row.details['mode']))].map(([mode, points]) => ({
    name: MODES[mode] ?? mode,
    points: points.map((row) => ({
      budget: row.step ?? NaN,
      value: row.value ?? NaN,
      low: row.low ?? NaN,
      high: row.high ?? NaN,
    })),
  }))
  // both modes judge the same counts and seeds
  const once = (kind: string): CorrelationRow[] => [...new Map(of(kind).map((row) => [row.x, row])).values()]
  const lines = [
    ...once('baseline').map((row) => ({ name: titleOf(row.x), value: row.value ?? NaN })),
    ...once('ceiling').map((row) => ({ name: 'another seed', value: row.value ?? NaN, isCeiling: true })),
  ]
  const count = checkpoints[0]!.count
  const settled =
    details['settledStep'] === null ? 'Ranks do not settle' : `Ranks settle from step ${String(details['settledStep'])}`
  const caption = `Over ${count} stacks, ${String(details['seeds'])} ${details['seeds'] === 1 ? 'seed' : 'seeds'} each; bands are 95 % bootstrap intervals over stacks. Dotted lines rank without training, more taken as better. ${settled} at a correlation of ${String(details['threshold'])}. A value measured against itself, at the last step, is 1.`
  return figure(
    (theme) =>
      correlationBudgetScene(series, lines, {
        width: 900,
        height: 340,
        theme,
        xLabel: 'optimiser steps of the short run',
        yLabel: `Spearman with ${y}`,
      }),
    caption,
  )
}

const titleOf = (name: string): string => metricOf(name)?.title.toLowerCase() ?? name
