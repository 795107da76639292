// Where a value stands on a slider, linear or logarithmic. Pure.

/** Positions run from 0 to this. */
export const POSITIONS = 1000

export interface SliderScale {
  readonly min: number
  readonly max: number
  readonly step?: number | undefined
  /** Equal ways are equal factors; needs `min` above 0. */
  readonly log?: boolean | undefined
}

/** The position of a value, clamped to the range. */
export function toPosition(value: number, { min, max, log }: SliderScale): number {
  if (max <= min) return 0
  const share = log === true ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min)
  return Number.isFinite(share) ? Math.max(0, Math.min(1, share)) * POSITIONS : 0
}

/** The value at a position, on the grid of the step; without a step rounded to three significant digits. */
export function fromPosition(position: number, { min, max, step, log }: SliderScale): number {
  const share = Math.max(0, Math.min(1, position / POSITIONS))
  const raw = log === true ? min * (max / min) ** share : min + (max - min) * share
  const value =
    step === undefined
      ? Number(raw.toPrecision(3))
      : Number((min + Math.round((raw - min) / step) * step).toPrecision(12))
  return Math.max(min, Math.min(max, value))
}
