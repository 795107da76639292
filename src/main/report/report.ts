// The report of a project: searches, stacks, loss curves, loss against latency, sweeps, tables, proxies. Everything is
// read from the project file.

import { curvesScene } from '#core/plots/curves.ts'
import { frontScene } from '#core/plots/front.ts'
import { stripScene } from '#core/plots/strip.ts'
import type { Project } from '#main/store/db.ts'
import type { MeasurementRow } from '#main/store/measurements.ts'
import type { RunRow } from '#main/store/runs.ts'
import { figure, html, htmlTable, page } from './html.ts'
import type { Html } from './html.ts'
import { colorOf, curve, lastValue, placeOf, readStacks } from './rows.ts'
import type { StackRows } from './rows.ts'
import { shortName } from './search-rows.ts'
import { searchSections } from './searches.ts'
import { predictionSections, sweepSections } from './tables.ts'
import { studySections } from './studies.ts'
import { trustSections } from './trust.ts'

export interface ReportOptions {
  readonly title: string
  readonly intro: string
  /** A reference line in bits per byte, with its name. */
  readonly baseline?: { readonly name: string; readonly bitsPerByte: number }
  /** What was found, by name: a list at the top. */
  readonly facts?: readonly (readonly [name: string, text: string])[]
}

/** Most stacks that a table or a legend names. */
const MOST_NAMED = 12

/** A self-contained HTML page about everything in a project. */
export function projectReport(project: Project, options: ReportOptions): string {
  const stacks = readStacks(project)
  return page(options.title, [
    html`<h1>${options.title}</h1>
      <p class="quiet">${options.intro}</p>`,
    ...provenance(project, stacks),
    ...factList(options.facts ?? []),
    ...searchSections(project),
    ...predictionSections(project),
    ...sweepSections(project),
    ...trustSections(project),
    ...studySections(project),
    stackTable(project, stacks),
    ...lossCurves(project, stacks, options.baseline),
    ...tradeOffs(project, stacks),
  ])
}

const nameOf = (s: StackRows): string => (s.row.name === '' ? shortName(s.resolved) : s.row.name)

const stepsOf = ({ config }: RunRow): number => Number((config['run'] as { steps?: unknown } | undefined)?.steps ?? 0)

/** The last of the longest runs of a stack. */
const longestRun = ({ runs }: StackRows): RunRow | undefined =>
  runs.reduce<RunRow | undefined>((a, b) => (a === undefined || stepsOf(b) >= stepsOf(a) ? b : a), undefined)

/** Stacks by the length of their longest run, then by what it ended at, the best first. */
function ranked(project: Project, stacks: readonly StackRows[]): StackRows[] {
  const keyed = stacks.map((stack) => {
    const run = longestRun(stack)
    const end = run === undefined ? undefined : lastValue(project, run.id, 'bitsPerByte')
    return { stack, steps: run === undefined ? 0 : stepsOf(run), end: end ?? Infinity }
  })
  return keyed
    .sort((a, b) => b.steps - a.steps || (a.end === b.end ? 0 : a.end < b.end ? -1 : 1))
    .map(({ stack }) => stack)
}

function factList(facts: readonly (readonly [string, string])[]): Html[] {
  if (facts.length === 0) return []
  return [
    html`<dl>
      ${facts.map(
        ([name, text]) =>
          html`<dt>${name}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>`,
  ]
}

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
  const shown = ranked(project, stacks).slice(0, MOST_NAMED)
  const rows = shown.map((s) => {
    const run = longestRun(s)
    const value = (metric: string, digits: number): string =>
      run === undefined ? '' : (lastValue(project, run.id, metric)?.toFixed(digits) ?? '')
    const strip = figure((theme) => stripScene(s.resolved, { width: 150, height: 18, theme }))
    return [
      strip,
      html`${nameOf(s)}<br /><code>${s.row.text.replace(/^\{[^}]*\} /, '')}</code>`,
      millions(s.row.counts['params']),
      run === undefined ? '' : String(stepsOf(run)),
      value('valLoss', 3),
      value('bitsPerByte', 3),
      latencyCell(s.latest.prefill),
      latencyCell(s.latest.decode),
    ]
  })
  // a column that nothing fills is left out
  const isEmpty = (phase: 'prefill' | 'decode'): boolean => shown.every((s) => s.latest[phase] === undefined)
  const columns = [...Array(8).keys()].filter(
    (i) => !(i === 6 && isEmpty('prefill')) && !(i === 7 && isEmpty('decode')),
  )
  const header = [
    '',
    'stack',
    'parameters',
    'steps',
    'validation loss, nats/token',
    'bits/byte',
    'prefill, ms [95 %]',
    'decode, ms/token [95 %]',
  ]
  const left = stacks.length - shown.length
  return html`<h2>Stacks</h2>
    ${htmlTable(
      columns.map((i) => header[i]!),
      rows.map((row) => columns.map((i) => row[i]!)),
      columns.flatMap((i, place) => (i >= 2 ? [place] : [])),
    )}
    <p class="quiet">
      Quality is from one seed each, so it carries no spread; latencies are medians with 95 %
      intervals.${left > 0 ? ` Longest runs first; ${left} more stacks are in the project.` : ''}
    </p>`
}

const millions = (n: number | null | undefined): string =>
  n === null || n === undefined ? '' : `${(n / 1e6).toFixed(2)} M`

function lossCurves(project: Project, stacks: readonly StackRows[], baseline: ReportOptions['baseline']): Html[] {
  const trained = stacks.filter((s) => s.runs.length > 0)
  if (trained.length === 0) return []
  const most = Math.max(...trained.flatMap((s) => s.runs.map(stepsOf)))
  const named = new Set(ranked(project, trained).slice(0, MOST_NAMED))
  const isLong = (s: StackRows, run: RunRow): boolean => named.has(s) && stepsOf(run) === most
  const draw = (metric: 'loss' | 'bitsPerByte', label: string): Html =>
    figure((theme) => {
      const curves = trained
        .flatMap((s) =>
          s.runs.map((run) => ({
            isLong: isLong(s, run),
            name: isLong(s, run) ? nameOf(s) : '',
            color: colorOf(s, theme.side),
            points: curve(project, run.id, metric),
            marked: metric !== 'loss' && isLong(s, run),
            ...(!isLong(s, run) && { opacity: 0.25 }),
          })),
        )
        .filter((c) => c.isLong || c.points.length > 1)
        .sort((a, b) => Number(a.isLong) - Number(b.isLong))
      const steps = curves.flatMap((c) => c.points.map(([x]) => x))
      const line =
        metric === 'bitsPerByte' && baseline !== undefined && steps.length > 0
          ? [
              {
                name: baseline.name,
                color: theme.quiet,
                dash: '4 4',
                points: [
                  [steps.reduce((a, b) => Math.min(a, b)), baseline.bitsPerByte],
                  [steps.reduce((a, b) => Math.max(a, b)), baseline.bitsPerByte],
                ] as [number, number][],
              },
            ]
          : []
      return curvesScene([...curves, ...line], {
        width: 960,
        height: 360,
        theme,
        xLabel: 'optimiser steps',
        yLabel: label,
      })
    })
  const others = trained.reduce((sum, s) => sum + s.runs.filter((run) => !isLong(s, run)).length, 0)
  return [
    html`<h2>Loss curves</h2>`,
    draw('loss', 'training loss, nats/token'),
    draw('bitsPerByte', 'validation, bits/byte'),
    html`<figcaption>
      Every step is drawn; validation is on held-out
      documents.${others > 0 ? ` Named: runs of ${most} steps; faint: ${others} others, shorter runs with a schedule of their own among them.` : ''}
    </figcaption>`,
  ]
}

/** Runs of other lengths do not compare, so that only the longest have a place. */
function tradeOffs(project: Project, stacks: readonly StackRows[]): Html[] {
  const most = Math.max(0, ...stacks.flatMap((s) => s.runs.map(stepsOf)))
  const long = stacks.flatMap((s) => {
    const run = longestRun(s)
    return run !== undefined && stepsOf(run) === most ? [{ s, run }] : []
  })
  const phases = [
    ['decode', 'decode latency, ms/token'],
    ['prefill', 'prefill latency, ms'],
  ] as const
  return phases.flatMap(([phase, label]) => {
    const shown = long.filter(({ s }) => s.latest[phase] !== undefined)
    if (shown.length < 2) return []
    const m = shown[0]!.s.latest[phase]!
    return [
      html`<h2>Runs of ${most} steps against ${phase} latency</h2>`,
      figure((theme) => {
        const points = shown.map(({ s, run }) => {
          const { p50Ms, lowMs, highMs } = s.latest[phase]!
          return {
            name: nameOf(s),
            label: nameOf(s),
            color: colorOf(s, theme.side),
            x: p50Ms,
            xLow: lowMs,
            xHigh: highMs,
            y: lastValue(project, run.id, 'bitsPerByte') ?? NaN,
            isMeasured: true,
          }
        })
        return frontScene([{ name: '', shape: 'circle', points }], {
          width: 960,
          height: 380,
          theme,
          xLabel: label,
          yLabel: 'validation, bits/byte',
        })
      }, `Batch ${m.batch}, context ${m.context} tokens, ${m.dtype}. Bars are 95 % intervals of the median; the line is the front, lower left is better.`),
    ]
  })
}
