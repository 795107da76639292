// The part of a report about searches: fronts, hypervolume over trials, finalists, and how each winner came to be.

import { metricOf, measuredOf } from '#core/metrics.ts'
import { hashSpec } from '#core/model/spec.ts'
import { frontScene } from '#core/plots/front.ts'
import type { FrontPoint, FrontStudy } from '#core/plots/front.ts'
import { hypervolumeScene, progressSeries } from '#core/plots/hypervolume.ts'
import { lineageScene } from '#core/plots/lineage.ts'
import { stripScene } from '#core/plots/strip.ts'
import type { Theme } from '#core/plots/theme.ts'
import { specOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'
import type { MeasuredLatency } from '#main/api/search-run.ts'
import { tablePredictor } from '#main/api/search/table.ts'
import type { Project } from '#main/store/db.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { figure, html, htmlTable, raw } from './html.ts'
import type { Html } from './html.ts'
import { colorOf } from './rows.ts'
import { readSearches, shortName, stackOf } from './search-rows.ts'
import type { SearchGroup, SearchRows } from './search-rows.ts'

const SHAPES = ['circle', 'square', 'diamond', 'triangle'] as const
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'] as const

/** Everything about the searches of a project; nothing where there is none. */
export function searchSections(project: Project): Html[] {
  return readSearches(project).flatMap((group) => [
    ...(group.goal.objectives.length < 2 ? [] : [frontSection(project, group), volumeSection(group)]),
    ...group.searches.flatMap((rows) => [finalistSection(group, rows), lineageSection(group, rows)]),
  ])
}

/** `bits per byte, bits/byte`: a metric with its unit, for an axis. */
function axisOf(metric: string): string {
  const { title, unit } = metricOf(metric) ?? { title: metric, unit: '' }
  return unit === '' || title.toLowerCase() === unit.replace('/', ' per ') ? title : `${title}, ${unit}`
}

const valueText = (metric: string, value: number | null | undefined): string =>
  value === null || value === undefined ? '' : `${value.toPrecision(4)} ${metricOf(metric)?.unit ?? ''}`.trim()

function frontSection(project: Project, { goal, searches }: SearchGroup): Html {
  const [quality, cost] = goal.objectives.map((o) => o.metric) as [string, string]
  const bound = goal.constraints.find((c) => c.metric === cost)?.max
  const hasPredicted = measuredOf(cost) !== cost
  const draw = (theme: Theme) =>
    frontScene(
      searches.map((rows, i) => studyOf(project, rows, quality, cost, i, theme)),
      {
        width: 960,
        height: 440,
        theme,
        xLabel: hasPredicted ? axisOf(measuredOf(cost)) : axisOf(cost),
        yLabel: axisOf(quality),
        ...(bound !== undefined && { constraint: { x: bound, label: 'target' } }),
      },
    )
  const marks = hasPredicted
    ? ' Hollow points are predicted from the look-up table; solid ones are finalists, measured whole.'
    : ''
  return html`<h2>Quality against latency</h2>
    ${figure(draw, `Every trial of ${listText(searches.map((s) => s.title.toLowerCase()))}, one seed each.${marks} Bars are 95 % intervals of the latency; quality has none, because each stack was trained once. Lines are the fronts; lower left is better. Colour is the mixer that fills most of a stack; the ring marks the winner.`)}`
}

const listText = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`

function studyOf(
  project: Project,
  { study, title, trials, finalists, winner }: SearchRows,
  quality: string,
  cost: string,
  index: number,
  theme: Theme,
): FrontStudy {
  const { table } = study.config
  const measured = measuredOf(cost)
  const predict = table === undefined ? undefined : tablePredictor(table)
  const look = (trial: Trial): Pick<FrontPoint, 'name' | 'color' | 'y'> => ({
    name: `${title} ${trial.number}, ${shortName(stackOf(trial, study))}`,
    color: colorOf({ resolved: stackOf(trial, study) }, theme.side),
    y: trial.metrics[quality] ?? NaN,
  })
  const points = trials
    .filter(({ state }) => state === 'done')
    .map((trial): FrontPoint => {
      const spec = specOf(trial.genome, study.plan.space)
      const isPrediction = measured !== cost
      const interval = isPrediction
        ? predict?.(spec)[measured as 'tpotMs']
        : listMeasurements(project, { spec: hashSpec(spec) })
            .map((m) => ({ ms: m.p50Ms, low: m.lowMs, high: m.highMs }))
            .find(({ ms }) => ms === trial.metrics[cost])
      return {
        ...look(trial),
        x: trial.metrics[cost] ?? NaN,
        xLow: interval?.low ?? NaN,
        xHigh: interval?.high ?? NaN,
        isMeasured: !isPrediction,
      }
    })
  const again = finalists.flatMap(({ trial, measured: latencies }): FrontPoint[] => {
    const latency = latencies[measured as 'tpotMs']
    if (latency === undefined) return []
    const isWinner = trial.number === winner?.trial.number
    return [
      {
        ...look(trial),
        x: latency.p50Ms,
        xLow: latency.lowMs,
        xHigh: latency.highMs,
        isMeasured: true,
        isOffFront: true,
        ...(isWinner && { isChosen: true, label: shortName(stackOf(trial, study)) }),
      },
    ]
  })
  const dash = DASHES[index % DASHES.length]
  return {
    name: title.toLowerCase(),
    shape: SHAPES[index % SHAPES.length]!,
    ...(dash !== undefined && { dash }),
    points: [...points, ...again],
    failed: trials.filter(({ state }) => state === 'failed').map((t) => t.metrics[cost] ?? NaN),
  }
}

function volumeSection({ goal, searches, reference }: SearchGroup): Html {
  const units = goal.objectives.map(({ metric }) => metricOf(metric)?.unit ?? '').filter((unit) => unit !== '')
  const at = goal.objectives.map(({ metric }, i) => valueText(metric, reference[i]!))
  const keys = searches.map(({ trials }) => trials.map((t) => t.key))
  const shared = (keys[0] ?? []).findIndex((key, i) => keys.some((other) => other[i] !== key))
  const same =
    searches.length > 1 && shared > 0
      ? ` The first ${shared} stacks are the same ones: both start with random stacks of the same seed.`
      : ''
  return html`<h2>Hypervolume over trials</h2>
    ${figure(
      (theme) =>
        hypervolumeScene(
          searches.map(({ title, volume }, i) =>
            progressSeries(title.toLowerCase(), [volume], DASHES[i % DASHES.length]),
          ),
          { width: 960, height: 300, theme, xLabel: 'trials', yLabel: `hypervolume, ${units.join(' x ')}` },
        ),
      `Area between the front and the point (${at.join(', ')}), the same for all, over trials that keep the target.${same} One seed each: an example, not evidence that one searcher is better.`,
    )}`
}

function finalistSection({ goal }: SearchGroup, { study, title, finalists, winner }: SearchRows): Html {
  if (finalists.length === 0) return raw('')
  const [quality] = goal.objectives
  const latency = (m: MeasuredLatency | undefined): Html =>
    m === undefined
      ? html`<span class="quiet">not yet</span>`
      : html`${m.p50Ms.toPrecision(3)}
          <span class="unit">[${m.lowMs.toPrecision(3)}, ${m.highMs.toPrecision(3)}]</span>`
  const rows = finalists.map(({ trial, predicted, measured }) => {
    const resolved = stackOf(trial, study)
    return [
      figure((theme) => stripScene(resolved, { width: 150, height: 18, theme })),
      html`${trial.number === winner?.trial.number ? raw('<strong>winner</strong> ') : ''}<code
          >${shortName(resolved)}</code
        >`,
      String(trial.number),
      trial.metrics[quality!.metric]?.toFixed(3) ?? '',
      predicted.tpotMs?.toPrecision(3) ?? '',
      latency(measured.tpotMs),
    ]
  })
  return html`<h2>Finalists of ${title.toLowerCase()}</h2>
    ${htmlTable(['', 'width and stack', 'trial', axisOf(quality!.metric), 'predicted, ms/token', 'measured whole, ms/token [95 %]'], rows, [2, 3, 4, 5])}
    ${winner === undefined ? html`<p class="quiet">None of them keeps the target when it is measured whole.</p>` : ''}`
}

function lineageSection({ goal }: SearchGroup, { study, title, lineage, winner }: SearchRows): Html {
  if (lineage.length < 2) return raw('')
  const steps = lineage.map((trial) => ({
    resolved: stackOf(trial, study),
    name: `trial ${trial.number}`,
    note: trial.mutation?.description ?? 'random stack',
    value: goal.objectives.map(({ metric }) => valueText(metric, trial.metrics[metric])).join(', '),
  }))
  return html`<h2>Lineage of ${winner === undefined ? 'the best trial' : 'the winner'} of ${title.toLowerCase()}</h2>
    ${figure((theme) => lineageScene(steps, { width: 960, theme }), 'From the founder down. Struck: removed in the next stack; ringed: added; underlined: other parameters; linked: moved. Latencies are predictions where the trials were predicted.')}`
}
