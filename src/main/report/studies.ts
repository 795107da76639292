// The part of a report about studies: the table of each, and curves of the metrics that its plan names.

import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { metricOf } from '#core/metrics.ts'
import { curvesScene } from '#core/plots/curves.ts'
import { studyPlans } from '#main/api/studies/plans.ts'
import { studyTable, summariseStudy } from '#main/api/studies/summary.ts'
import type { StudySummary } from '#main/api/studies/summary.ts'
import type { Project } from '#main/store/db.ts'
import { getRun } from '#main/store/runs.ts'
import { getSpec } from '#main/store/specs.ts'
import { listStudies } from '#main/store/studies.ts'
import { figure, html, htmlTable } from './html.ts'
import type { Html } from './html.ts'
import { colorOf, curve } from './rows.ts'

const DASHES = [undefined, '5 3', '2 3'] as const

/** Tables and curves of the paper's experiments in a project. */
export function studySections(project: Project): Html[] {
  return listStudies(project).flatMap((study) => {
    const plan = studyPlans.find(({ kind }) => kind === study.kind)
    const summary = plan === undefined ? undefined : summariseStudy(project, study.id)
    if (plan === undefined || summary === undefined) return []
    const { header, rows } = studyTable(summary)
    const seeds = Math.max(0, ...summary.cells.map((cell) => cell.runs.length))
    return [
      html`<h2>${plan.title}</h2>
        <p>${plan.doc}</p>`,
      htmlTable(header, rows, header.map((_, i) => i).slice(1)),
      html`<p class="quiet">
        Perplexity / bits per byte on held-out documents,
        ${seeds === 1 ? 'one seed each, so without a spread' : `means of up to ${seeds} seeds, ± their standard deviation`}.
      </p>`,
      ...(summary.runs.length === 0 ? [] : plan.curves.map((metric) => curves(project, summary, metric))),
    ]
  })
}

/** One curve for each run; rows differ by colour, columns by dash. */
function curves(project: Project, { cells, columns }: StudySummary, metric: string): Html {
  const { title, unit } = metricOf(metric) ?? { title: metric, unit: '' }
  return figure(
    (theme) => {
      const lines = cells.flatMap((cell) =>
        cell.runs.map((run, i) => {
          const row = getSpec(project, getRun(project, run).spec)!
          const dash = DASHES[columns.indexOf(cell.column) % DASHES.length]
          const color = colorOf({ resolved: resolveSpec(parseSpec(row.json)) }, theme.side)
          return {
            name: i === 0 ? `${cell.row}, ${cell.column}` : '',
            color,
            points: curve(project, run, metric),
            ...(dash !== undefined && { dash }),
          }
        }),
      )
      return curvesScene(
        lines.filter((l) => l.points.length > 0),
        {
          width: 900,
          height: 340,
          theme,
          xLabel: 'optimiser steps',
          yLabel: unit === '' ? title : `${title}, ${unit}`,
        },
      )
    },
    columns.length > 1 ? `Lines are solid, then dashed, in the order of the columns: ${columns.join(', ')}.` : '',
  )
}
