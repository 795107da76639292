// The growing series behind the curves on the screen: whole arrays come in, and only what is new is read.

import { MovingAverage, Series } from '#core/plots/geometry/series.ts'

/** One curve as it comes: steps ascending, a value each. */
export interface CurveData {
  readonly steps: ArrayLike<number>
  readonly values: ArrayLike<number>
}

export class GrowingCurve {
  raw = new Series()
  #smooth: { readonly smoothing: number; readonly average: MovingAverage; readonly series: Series } | undefined

  /** Takes in the points after the known ones; reads all of them again if the known ones are not a beginning of them. */
  take({ steps, values }: CurveData): void {
    const known = this.raw.length
    const last = known - 1
    const continues =
      known <= steps.length &&
      (known === 0 ||
        (steps[last] === this.raw.x(last) && Object.is(values[last], this.raw.y(last)) && steps[0] === this.raw.x(0)))
    if (!continues) {
      this.raw = new Series()
      this.#smooth = undefined
    }
    for (let i = this.raw.length; i < steps.length; i++) this.raw.append(steps[i]!, values[i]!)
  }

  /** The moving average up to the newest point; undefined without smoothing. */
  smoothed(smoothing: number): Series | undefined {
    if (smoothing <= 0) return undefined
    if (this.#smooth?.smoothing !== smoothing)
      this.#smooth = { smoothing, average: new MovingAverage(smoothing), series: new Series() }
    const { average, series } = this.#smooth
    for (let i = series.length; i < this.raw.length; i++) series.append(this.raw.x(i), average.next(this.raw.y(i)))
    return series
  }
}
