// Warm-up to a steady state: caches, lazily allocated arenas, just-in-time code and clock frequency all make the first
// executions slower, by an amount nobody knows in advance. So samples are taken until they stop getting faster.

import { quantile } from '#core/stats/summary.ts'
import { type Clock, innerRunsFor, type Subject, takeSample } from './sample.ts'

export interface WarmUpLimits {
  /** The fewest and most samples; the fewest are taken even when time is over. */
  readonly minSamples: number
  readonly maxSamples: number
  /** A steady state is not believed earlier, and not waited for longer. */
  readonly minMs: number
  readonly maxMs: number
  /** A relative fall of the median below this counts as none. */
  readonly tolerance: number
}

export const WARM_UP_LIMITS: WarmUpLimits = {
  minSamples: 3,
  maxSamples: 2000,
  minMs: 100,
  maxMs: 3000,
  tolerance: 0.02,
}

export interface WarmUp {
  /** Executions, all untimed for the result. */
  readonly runs: number
  /** Whether the median stopped falling before a limit was met. */
  readonly isSteady: boolean
  /** Executions per sample for the measurement that follows. */
  readonly innerRuns: number
}

const FIRST_CHECK = 9
const CHECK_GROWTH = 1.25

/**
 * Runs a subject until its running median stops falling: the samples so far are cut into thirds, and the state is steady
 * when the median of the last third is not lower than that of the middle third by more than `tolerance`. The first third
 * never decides. Checked after 9 samples and then at each growth by a quarter, so that the thirds grow with the patience
 * that a slow fall needs. `pause` is awaited between samples and may throw to end it all.
 */
export async function warmUp(
  subject: Subject,
  limits: WarmUpLimits,
  clock: Clock,
  stepMs: number,
  pause: () => Promise<void>,
): Promise<WarmUp> {
  const samples: number[] = []
  const start = clock.now()
  let innerRuns = 1
  let runs = 0
  let nextCheck = FIRST_CHECK
  let isSteady = false
  while (!isSteady && samples.length < limits.maxSamples) {
    const runMs = await takeSample(subject, innerRuns, clock)
    samples.push(runMs)
    runs += innerRuns
    // at most doubled, since the first executions of all are the worst guess of the later ones
    innerRuns = Math.min(innerRuns * 2, innerRunsFor(runMs, stepMs, subject))
    const elapsed = clock.now() - start
    if (samples.length >= limits.minSamples && elapsed >= limits.maxMs) break
    if (samples.length >= Math.max(nextCheck, limits.minSamples)) {
      nextCheck = Math.ceil(samples.length * CHECK_GROWTH)
      isSteady = elapsed >= limits.minMs && hasStoppedFalling(samples, limits.tolerance)
    }
    await pause()
  }
  const recent = samples.slice(Math.floor((samples.length * 2) / 3))
  return { runs, isSteady, innerRuns: innerRunsFor(quantile(recent, 0.5), stepMs, subject) }
}

function hasStoppedFalling(samples: readonly number[], tolerance: number): boolean {
  const third = Math.floor(samples.length / 3)
  const last = quantile(samples.slice(-third), 0.5)
  const middle = quantile(samples.slice(-2 * third, -third), 0.5)
  return last >= middle * (1 - tolerance)
}
