// One timed sample: what is measured, the clock, and how many executions one sample needs to be longer than the clock's step.

/** Something whose latency is measured. Between two resets it runs at most `maxInnerRuns` times. */
export interface Subject {
  readonly name: string
  /** One execution. A plain function is timed without any waiting; a promise is timed until it settles. */
  run(): Promise<void> | void
  /** Brings the subject into the state that every sample starts from; not timed. */
  reset?(): Promise<void> | void
  /** The most executions after one reset, 10 000 when left out; 1 where an execution changes what the next one costs. */
  readonly maxInnerRuns?: number | undefined
}

/** Time in ms, never going backwards; `performance` is one. */
export interface Clock {
  now(): number
}

const SAMPLE_MS = 0.2
const STEPS_PER_SAMPLE = 100

/** Resets the subject and times `innerRuns` executions together: ms per execution. */
export async function takeSample(subject: Subject, innerRuns: number, clock: Clock): Promise<number> {
  if (subject.reset) await subject.reset()
  const start = clock.now()
  for (let i = 0; i < innerRuns; i++) {
    const pending = subject.run()
    if (pending) await pending
  }
  return Math.max(0, clock.now() - start) / innerRuns
}

/** The smallest step in ms that a clock shows; 0 for one that does not move while it is read 100 000 times. */
export function clockStep(clock: Clock): number {
  let step = Number.POSITIVE_INFINITY
  let last = clock.now()
  for (let reads = 0, steps = 0; reads < 100_000 && steps < 50; reads++) {
    const now = clock.now()
    if (now > last) {
      step = Math.min(step, now - last)
      steps++
    }
    last = now
  }
  return Number.isFinite(step) ? step : 0
}

/**
 * Executions per sample so that a sample takes at least 0.2 ms and 100 steps of the clock: its granularity is then below
 * 1 %. One where a single execution is long enough.
 */
export function innerRunsFor(runMs: number, stepMs: number, subject: Subject): number {
  const wanted = Math.max(SAMPLE_MS, STEPS_PER_SAMPLE * stepMs)
  const limit = Math.max(1, Math.floor(subject.maxInnerRuns ?? 10_000))
  return runMs >= wanted ? 1 : Math.min(limit, Math.max(1, Math.ceil(wanted / Math.max(runMs, 1e-9))))
}
