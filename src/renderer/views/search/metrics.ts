// How metrics of core/metrics are written in this view.

import { measuredOf, metricOf } from '#core/metrics.ts'
import type { Metric } from '#core/metrics.ts'
import { formatWithUnit } from '../../ui/format.ts'

export const titleOf = (metric: string): string => metricOf(metric)?.title ?? metric
export const unitOf = (metric: string): string => metricOf(metric)?.unit ?? ''

/** `Decode latency (ms/token)`. */
export function axisOf(metric: string): string {
  const unit = unitOf(metric)
  return unit === '' ? titleOf(metric) : `${titleOf(metric)} (${unit})`
}

/** `0.412 ms/token`. */
export const valueText = (metric: string, value: number | null | undefined): string =>
  formatWithUnit(value, unitOf(metric))

/** Whether nothing was run for the numbers of a metric. */
export const isPredicted = (metric: string): boolean => measuredOf(metric) !== metric

/** Metrics that a search can aim at or bound: those of which one direction is better. */
export const aims = (metrics: readonly Metric[]): readonly Metric[] =>
  metrics.filter(({ better, predicts, kind }) => better !== undefined && predicts === undefined && kind !== 'loss')
