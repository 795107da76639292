// A trial as a point of the front. A class: ten thousands are made at once, and titles when they are asked for.

import type { CloudPoint, PointStatus } from '#core/plots/interactive/point-cloud.ts'
import type { Trial } from '#core/search/index.ts'
import type { TrialLatency } from '#main/api/workbench/search.ts'
import { titleOf, valueText } from '../metrics.ts'
import { valueOf } from './specs.ts'

interface OfAxes<T> {
  readonly x: T
  readonly y: T
}

export class TrialPoint implements CloudPoint {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly xLow: number | undefined
  readonly xHigh: number | undefined
  readonly yLow: number | undefined
  readonly yHigh: number | undefined
  readonly status: PointStatus
  readonly color: string
  readonly #metrics: OfAxes<string>

  constructor(
    trial: Trial,
    metrics: OfAxes<string>,
    ranges: OfAxes<TrialLatency | undefined>,
    isPredicted: boolean,
    color: string,
  ) {
    this.key = String(trial.number)
    this.x = valueOf(trial, metrics.x) ?? NaN
    this.y = valueOf(trial, metrics.y) ?? NaN
    this.xLow = ranges.x?.lowMs
    this.xHigh = ranges.x?.highMs
    this.yLow = ranges.y?.lowMs
    this.yHigh = ranges.y?.highMs
    this.status = trial.state === 'failed' ? 'failed' : isPredicted ? 'predicted' : 'measured'
    this.color = color
    this.#metrics = metrics
  }

  get title(): string {
    if (this.status === 'failed') return `trial ${this.key}: failed`
    const { x, y } = this.#metrics
    return `trial ${this.key}: ${titleOf(x)} ${valueText(x, this.x)}, ${titleOf(y)} ${valueText(y, this.y)}`
  }
}
