import { bootstrapCountsCi } from '../bootstrap.ts'
import type { BootstrapOptions } from '../bootstrap.ts'
import type { Interval } from '../interval.ts'
import { spearmanOfCounts } from '../rank.ts'

/** How well training with another seed reproduces the ranking: what a perfect proxy would reach. */
export interface NoiseCeiling extends Interval {
  /** Items in which every seed is finite. */
  readonly count: number
  /** Seeds that all items have. */
  readonly seeds: number
  /** What the estimate becomes for means over that many seeds (Spearman 1910, Brown 1910). */
  readonly ofMeans: number
}

/**
 * Mean Spearman correlation between the final metrics of each two seeds, with a bootstrap interval over items.
 * `finals[i]` are the seeds of item i, in the same order; seeds that some item lacks are left out. Undefined with one seed.
 */
export function noiseCeiling(
  finals: readonly (readonly number[])[],
  options: BootstrapOptions,
): NoiseCeiling | undefined {
  const seeds = Math.min(...finals.map((values) => values.length))
  const usable = finals.filter((values) => values.slice(0, seeds).every(Number.isFinite))
  if (seeds < 2 || usable.length < 2) return undefined
  const columns = Array.from({ length: seeds }, (_, seed) => usable.map((values) => values[seed]!))
  const pairs = columns.flatMap((x, i) => columns.slice(i + 1).map((y) => spearmanOfCounts(x, y)))
  const average = (counts: Int32Array): number => pairs.reduce((sum, pair) => sum + pair(counts), 0) / pairs.length
  const { estimate, low, high } = bootstrapCountsCi([usable.length], average, options)
  return {
    estimate,
    low,
    high,
    count: usable.length,
    seeds,
    ofMeans: (seeds * estimate) / (1 + (seeds - 1) * estimate),
  }
}
