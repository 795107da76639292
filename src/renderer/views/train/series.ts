// What can be drawn of runs: a curve for each step, with the sparse validations beside the training loss.

import { metricOf } from '#core/metrics.ts'

export interface Series {
  readonly id: string
  readonly title: string
  /** Curves of every step. */
  readonly metrics: readonly string[]
  /** Sparse and exact: drawn as circles, never smoothed. */
  readonly marked: readonly string[]
  readonly canLog: boolean
}

export const SERIES: readonly Series[] = [
  { id: 'loss', title: 'Loss', metrics: ['loss'], marked: ['valLoss'], canLog: true },
  { id: 'bits', title: 'Bits/byte', metrics: [], marked: ['bitsPerByte'], canLog: true },
  { id: 'accuracy', title: 'Accuracy', metrics: [], marked: ['accuracy'], canLog: false },
  { id: 'gradNorm', title: 'Gradient', metrics: ['gradNorm'], marked: [], canLog: true },
  { id: 'weightNorm', title: 'Weights', metrics: ['weightNorm'], marked: [], canLog: true },
  { id: 'lr', title: 'Learning rate', metrics: ['lr'], marked: [], canLog: true },
  { id: 'speed', title: 'Tokens/s', metrics: ['tokensPerSecond'], marked: [], canLog: false },
]

/** The axis of a series: its first metric with its unit. */
export function axisOf({ metrics, marked }: Series): string {
  const metric = metricOf(metrics[0] ?? marked[0] ?? '')
  if (metric === undefined) return ''
  const title = metrics[0] === 'loss' ? 'Loss' : metric.title
  return metric.unit === '' ? title : `${title}, ${metric.unit}`
}

/** Points as CSV, one row for each point. */
export function curvesCsv(
  curves: readonly {
    readonly name: string
    readonly metric: string
    readonly steps: ArrayLike<number>
    readonly values: ArrayLike<number>
  }[],
): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const rows = curves.flatMap(({ name, metric, steps, values }) =>
    Array.from(steps, (step, i) => `${quoted(name)},${metric},${step},${values[i]!}`),
  )
  return ['run,metric,step,value', ...rows].join('\n')
}
