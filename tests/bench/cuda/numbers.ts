export interface Spread {
  readonly low: number
  readonly middle: number
  readonly high: number
}

/** Quartiles and median. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!
  return { low: at(0.25), middle: at(0.5), high: at(0.75) }
}
