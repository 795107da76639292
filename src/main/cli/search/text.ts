// What `heddle search` prints: trials, finalists, what-if tables and lineages.

import { metricOf } from '#core/metrics.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { printPattern } from '#core/model/text.ts'
import { ancestorsOf, specOf } from '#core/search/index.ts'
import type { Goal, Trial } from '#core/search/index.ts'
import type { Study } from '#main/api/search.ts'
import type { WhatIfAnswer } from '#main/api/search/what-if.ts'
import type { SearchOutcome } from '#main/api/search-run.ts'
import { table } from '../command.ts'
import { bytes, large, ms, msInterval } from '../format.ts'

const number = (metric: string, value: number | null | undefined): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return '?'
  const { unit } = metricOf(metric) ?? { unit: '' }
  if (unit.startsWith('ms')) return ms(value)
  if (unit === 'bytes') return bytes(value)
  return Math.abs(value) >= 1000 ? large(value) : Number.isInteger(value) ? String(value) : value.toFixed(3)
}

const nameOf = (metric: string): string => (metricOf(metric)?.title ?? metric).toLowerCase()

/** `0.412 ms decode latency`. */
const valueText = (metric: string, value: number | null | undefined): string =>
  `${number(metric, value)} ${nameOf(metric)}`

/** Metrics that a goal looks at, objectives first, once each. */
const columnsOf = ({ objectives, constraints }: Goal): string[] => [
  ...new Set([...objectives, ...constraints].map(({ metric }) => metric)),
]

function patternOf(trial: Trial, study: Study): string {
  const spec = specOf(trial.genome, study.plan.space)
  return `${spec.model.dModel ?? ''} ${printPattern(spec.blocks)}`
}

const mutationText = ({ mutation, parents }: Trial): string =>
  mutation === null ? '' : `${mutation.description} of ${parents.join(', ')}`

/** One line for a trial that has ended. */
export function trialLine(trial: Trial, study: Study): string {
  const values =
    trial.state === 'done'
      ? columnsOf(study.goal)
          .map((metric) => valueText(metric, trial.metrics[metric]))
          .join('  ')
      : trial.state
  const mutation = mutationText(trial)
  return `trial ${trial.number}  ${values}  ${patternOf(trial, study)}${mutation === '' ? '' : `  (${mutation})`}`
}

/** The finalists, what was predicted of them beside what was measured, and the best under the constraints. */
export function outcomeText({ study, trials, finalists, winner, state }: SearchOutcome): string {
  const done = trials.filter((t) => t.state === 'done').length
  const failed = trials.filter((t) => t.state === 'failed').length
  const columns = columnsOf(study.goal)
  const latencies = (['tpotMs', 'ttftMs'] as const).filter((metric) =>
    finalists.some(({ measured }) => measured[metric] !== undefined),
  )
  const isPredicted = finalists.some(({ predicted }) => Object.keys(predicted).length > 0)
  // what the table predicts stands beside every measurement, unless a column of the goal says it already
  const predictions = isPredicted
    ? latencies.filter((metric) => columns.every((c) => metricOf(c)?.predicts !== metric))
    : []
  const header = [
    '',
    'trial',
    ...columns.map(nameOf),
    ...predictions.map((metric) => `predicted ${nameOf(metric)}`),
    ...latencies.map((metric) => `${nameOf(metric)}, measured whole [95 %]`),
    'width and stack',
  ]
  const rows = finalists.map(({ trial, predicted, measured }) => [
    trial.number === winner ? '*' : '',
    String(trial.number),
    ...columns.map((metric) => number(metric, trial.metrics[metric])),
    ...predictions.map((metric) => number(metric, predicted[metric])),
    ...latencies.map((metric) => (measured[metric] === undefined ? '' : msInterval(measured[metric]))),
    patternOf(trial, study),
  ])
  const right = header.map((_, i) => i).slice(1, 2 + columns.length + predictions.length)
  return [
    `study ${study.id}: ${done} of ${study.config.trials} trials done${failed > 0 ? `, ${failed} failed` : ''}${state === 'paused' ? `; go on with --study ${study.id}` : ''}`,
    ...(finalists.length === 0 ? [] : [winnerText(winner, study), table([header, ...rows], right)]),
  ].join('\n')
}

const winnerText = (winner: number | undefined, { goal }: Study): string =>
  winner === undefined
    ? `no finalist keeps ${boundsText(goal)} when measured whole`
    : `the front, * best ${goal.constraints.length === 0 ? '' : `with ${boundsText(goal)} `}by ${nameOf(goal.objectives[0]!.metric)}`

const boundsText = ({ constraints }: Goal): string =>
  constraints
    .flatMap(({ metric, max, min }) => [
      ...(max === undefined ? [] : [`${nameOf(metric)} at most ${number(metric, max)}`]),
      ...(min === undefined ? [] : [`${nameOf(metric)} at least ${number(metric, min)}`]),
    ])
    .join(' and ') || 'the constraints'

/** The front of a study under another goal. */
export function whatIfText({ goal, trials, front, best }: WhatIfAnswer, rows: readonly Trial[], study: Study): string {
  const columns = columnsOf(goal)
  const problems = trials.filter(({ problem }) => problem !== undefined)
  const lines = front.map((n) => {
    const { metrics } = trials.find((t) => t.number === n)!
    return [
      n === best ? '*' : '',
      String(n),
      ...columns.map((metric) => number(metric, metrics[metric])),
      patternOf(
        rows.find((t) => t.number === n)!,
        study,
      ),
    ]
  })
  const kept = trials.filter((t) => t.violation === 0).length
  return [
    `study ${study.id}, nothing run again: ${kept} of ${trials.length} trials keep ${boundsText(goal)}`,
    ...(front.length === 0
      ? []
      : [
          table(
            [['', 'trial', ...columns.map(nameOf), 'width and stack'], ...lines],
            columns.map((_, i) => i + 2).concat(1),
          ),
        ]),
    ...(problems.length === 0
      ? []
      : [`${problems.length} trials without prediction: ${problems[0]!.problem!.message}`]),
  ].join('\n')
}

/** A trial and its ancestors, the founder first: strips of block symbols with the mutation between them. */
export function lineageText(rows: readonly Trial[], number: number, study: Study): string {
  const line = ancestorsOf(rows, number)
  const columns = columnsOf(study.goal)
  const strips = line.map((trial) => {
    const { settings, blocks } = resolveSpec(specOf(trial.genome, study.plan.space))
    return { width: String(settings.dModel), strip: blocks.map(({ block }) => block.symbol).join(' ') }
  })
  const widest = Math.max(...strips.map(({ strip }) => strip.length))
  return line
    .flatMap((trial, i) => {
      const { width, strip } = strips[i]!
      const { mutation } = trial
      const values =
        trial.state === 'done' ? columns.map((m) => valueText(m, trial.metrics[m])).join('  ') : trial.state
      return [
        ...(mutation === null
          ? []
          : [`    | ${mutation.description}   ${mutation.before || 'nothing'} -> ${mutation.after || 'nothing'}`]),
        `${String(trial.number).padStart(4)}  ${width.padStart(5)}  ${strip.padEnd(widest)}  ${values}`,
      ]
    })
    .join('\n')
}
