// Progress of long work: from bare events (so much of so much is done) to a rate and an honest time left. The rate is an
// average in which work done T seconds ago counts 1/e of work done now, whatever the spacing of the events.

import type { Clock } from './latency/sample.ts'

/** What a job reports. */
export interface ProgressEvent {
  /** What is going on, such as `warm-up`; rate and time left start anew when it changes. */
  readonly phase: string
  readonly done: number
  /** Null when nobody knows; may be an estimate that changes. */
  readonly total: number | null
  /** Plural noun of what is counted: `steps`, `trials`. */
  readonly unit: string
}

/** An event with what follows from the earlier ones. */
export interface Progress extends ProgressEvent {
  /** Units per second; null until work of at least a second has been seen. */
  readonly rate: number | null
  /** Null while total or rate are unknown. */
  readonly remainingSeconds: number | null
}

export interface ProgressTracker {
  update(event: ProgressEvent): Progress
  /** The state now: the time left shrinks between events and grows again when they stay away. */
  current(): Progress | undefined
}

const MEMORY_SECONDS = 20
const FIRST_RATE_SECONDS = 1
// silence of this many usual intervals is a stall, and counts as time in which nothing was done
const STALL_INTERVALS = 3

/** Follows the events of one job. */
export function progressTracker(clock: Clock = performance): ProgressTracker {
  let latest: ProgressEvent | undefined
  let phaseStart = 0
  let lastTime = 0
  let lastDone = 0
  let work = 0
  let time = 0
  let usualInterval = 0

  const seconds = (): number => clock.now() / 1000
  const begin = (event: ProgressEvent, now: number): void => {
    phaseStart = lastTime = now
    lastDone = event.done
    work = time = usualInterval = 0
  }
  const current = (): Progress | undefined => {
    if (!latest) return undefined
    const now = seconds()
    const silence = now - lastTime
    const isStalled = silence > STALL_INTERVALS * usualInterval
    const keep = isStalled ? Math.exp(-silence / MEMORY_SECONDS) : 1
    const seen = time * keep + MEMORY_SECONDS * (1 - keep)
    const isKnown = now - phaseStart >= FIRST_RATE_SECONDS && work > 0
    const rate = isKnown ? (work * keep) / seen : null
    const { total, done } = latest
    const left = rate && total !== null ? Math.max(0, total - done) / rate : null
    return { ...latest, rate, remainingSeconds: left === null || isStalled ? left : Math.max(0, left - silence) }
  }
  return {
    update(event) {
      const now = seconds()
      if (!latest || event.phase !== latest.phase || event.unit !== latest.unit || event.done < lastDone)
        begin(event, now)
      const interval = now - lastTime
      if (interval > 0) {
        const keep = Math.exp(-interval / MEMORY_SECONDS)
        work = work * keep + ((event.done - lastDone) / interval) * MEMORY_SECONDS * (1 - keep)
        time = time * keep + MEMORY_SECONDS * (1 - keep)
        usualInterval = usualInterval === 0 ? interval : 0.7 * usualInterval + 0.3 * interval
        lastTime = now
        lastDone = event.done
      }
      latest = event
      return current()!
    },
    current,
  }
}

/** A progress event out of foreign data, or undefined when it is none. */
export function parseProgressEvent(value: unknown): ProgressEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { phase, done, total, unit } = value as Record<string, unknown>
  const isCount = (count: unknown): count is number => typeof count === 'number' && count >= 0 && Number.isFinite(count)
  const isName = (name: unknown): name is string => typeof name === 'string' && name.length <= 100
  if (!isName(phase) || !isName(unit) || !isCount(done)) return undefined
  return { phase, unit, done, total: isCount(total) ? total : null }
}
