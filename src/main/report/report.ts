// The report of a project: stacks, loss curves, loss against latency. Everything is read from the project file.

import { curvesScene } from '#core/plots/curves.ts'
import { stripScene } from '#core/plots/strip.ts'
import { tradeOffScene } from '#core/plots/trade-off.ts'
import type { Project } from '#main/store/db.ts'
import type { MeasurementRow } from '#main/store/measurements.ts'
import { figure, html, htmlTable, page, raw } from './html.ts'
import type { Html } from './html.ts'
import { colorOf, curve, lastValue, placeOf, readStacks } from './rows.ts'
import type { StackRows } from './rows.ts'
import { predictionSections, sweepSections } from './tables.ts'
import { studySections } from './studies.ts'
import { trustSections } from './trust.ts'

export interface ReportOptions {
  readonly title: string
  readonly intro: string
  /** A reference line in bits per byte, with its name. */
  readonly baseline?: { readonly name: string; readonly bitsPerByte: number }
}

/** A self-contained HTML page about everything in a project. */
export function projectReport(project: Project, options: ReportOptions): string {
  const stacks = readStacks(project)
  return page(options.title, [
    html`<h1>${options.title}</h1>
      <p class="quiet">${options.intro}</p>`,
    ...provenance(project, stacks),
    ...studySections(project),
    ...trustSections(project),
    stackTable(project, stacks),
    ...lossCurves(project, stacks, options.baseline),
    ...tradeOffs(project, stacks),
    ...sweepSections(project),
    ...predictionSections(project),
  ])
}

const nameOf = (s: StackRows): string => (s.row.name === '' ? s.row.text : s.row.name)

function provenance(project: Project, stacks: readonly StackRows[]): Html[] {
  const measured = stacks.flatMap((s) => Object.values(s.latest))
  const places = [...new Set(measured.map((m) => placeOf(project, m)))]
  return places.map((place) => html`<p class="quiet">Measured on ${place}.</p>`)
}

function latencyCell(m: MeasurementRow | undefined): Html {
  if (m === undefined) return html`<span class="quiet">not measured</span>`
  return html`${m.p50Ms.toPrecision(3)}
    <span class="unit">[${m.lowMs.toPrecision(3)}, ${m.highMs.toPrecision(3)}]</span>`
}

function stackTable(project: Project, stacks: readonly StackRows[]): Html {
  const rows = stacks.map((s) => {
    const run = s.runs.at(-1)
    const value = (metric: string, digits: number): string =>
      run === undefined ? '' : (lastValue(project, run.id, metric)?.toFixed(digits) ?? '')
    const strip = figure((theme) => stripScene(s.resolved, { width: 150, height: 18, theme }))
    return [
      strip,
      html`${nameOf(s)}<br /><code>${s.row.text.replace(/^\{[^}]*\} /, '')}</code>`,
      millions(s.row.counts['params']),
      value('valLoss', 3),
      value('bitsPerByte', 3),
      latencyCell(s.latest.prefill),
      latencyCell(s.latest.decode),
    ]
  })
  return html`<h2>Stacks</h2>
    ${htmlTable(['', 'stack', 'parameters', 'validation loss, nats/token', 'bits/byte', 'prefill, ms [95 %]', 'decode, ms/token [95 %]'], rows, [2, 3, 4, 5, 6])}
    <p class="quiet">
      Quality is from one seed each, so it carries no spread; latencies are medians with 95 % intervals.
    </p>`
}

const millions = (n: number | null | undefined): string =>
  n === null || n === undefined ? '' : `${(n / 1e6).toFixed(2)} M`

function lossCurves(project: Project, stacks: readonly StackRows[], baseline: ReportOptions['baseline']): Html[] {
  const trained = stacks.filter((s) => s.runs.length > 0)
  if (trained.length === 0) return []
  const draw = (metric: 'loss' | 'bitsPerByte', label: string) =>
    figure((theme) => {
      const curves = trained.flatMap((s) =>
        s.runs.map((run) => ({
          name: nameOf(s),
          color: colorOf(s, theme.side),
          points: curve(project, run.id, metric),
          marked: metric !== 'loss',
        })),
      )
      const steps = curves.flatMap((c) => c.points.map(([x]) => x))
      const line =
        metric === 'bitsPerByte' && baseline !== undefined && steps.length > 0
          ? [
              {
                name: baseline.name,
                color: theme.quiet,
                dash: '4 4',
                points: [
                  [Math.min(...steps), baseline.bitsPerByte],
                  [Math.max(...steps), baseline.bitsPerByte],
                ] as [number, number][],
              },
            ]
          : []
      return curvesScene([...curves, ...line], {
        width: 900,
        height: 340,
        theme,
        xLabel: 'optimiser steps',
        yLabel: label,
      })
    })
  return [
    html`<h2>Loss curves</h2>`,
    draw('loss', 'training loss, nats/token'),
    draw('bitsPerByte', 'validation, bits/byte'),
    raw('<figcaption>Every step is drawn; validation is on held-out documents.</figcaption>'),
  ]
}

function tradeOffs(project: Project, stacks: readonly StackRows[]): Html[] {
  const phases = [
    ['decode', 'decode latency, ms/token'],
    ['prefill', 'prefill latency, ms'],
  ] as const
  return phases.flatMap(([phase, label]) => {
    const shown = stacks.filter((s) => s.latest[phase] !== undefined && s.runs.length > 0)
    if (shown.length < 2) return []
    const m = shown[0]!.latest[phase]!
    return [
      html`<h2>Validation loss against ${phase} latency</h2>`,
      figure(
        (theme) =>
          tradeOffScene(
            shown.map((s) => {
              const { p50Ms, lowMs, highMs } = s.latest[phase]!
              return {
                name: nameOf(s),
                color: colorOf(s, theme.side),
                x: p50Ms,
                xLow: lowMs,
                xHigh: highMs,
                y: lastValue(project, s.runs.at(-1)!.id, 'bitsPerByte') ?? NaN,
                measured: true,
              }
            }),
            { width: 900, height: 380, theme, xLabel: label, yLabel: 'validation, bits/byte' },
          ),
        `Batch ${m.batch}, context ${m.context} tokens, ${m.dtype}. Bars are 95 % intervals of the median; the line is the front, lower left is better.`,
      ),
    ]
  })
}
