// Training runs and their curves. Whole curves are read once and grow by the points that arrive.

import type { MetricPoint } from '#main/api/workbench/events.ts'
import type { RunRow } from '#main/api/workbench/events.ts'
import { client } from '../client.ts'

/** One curve; arrays are replaced, never changed in place. */
export interface RunCurve {
  readonly steps: Float64Array
  readonly values: Float64Array
}

/** Most runs whose curves are asked for at once. */
const MOST_AT_ONCE = 200

const keyOf = (run: number, metric: string): string => `${run} ${metric}`

/** A curve with new points; those of a run that went on from a checkpoint take the place of the later old ones. */
export function joined(curve: RunCurve, points: readonly MetricPoint[], metric: string): RunCurve {
  const first = points[0]!.step
  let kept = curve.steps.length
  while (kept > 0 && curve.steps[kept - 1]! >= first) kept--
  const steps = new Float64Array(kept + points.length)
  const values = new Float64Array(kept + points.length)
  steps.set(curve.steps.subarray(0, kept))
  values.set(curve.values.subarray(0, kept))
  points.forEach((point, i) => {
    steps[kept + i] = point.step
    values[kept + i] = point.values[metric]!
  })
  return { steps, values }
}

class Runs {
  list = $state.raw<readonly RunRow[]>([])
  /** By `run metric`. */
  curves = $state.raw<ReadonlyMap<string, RunCurve>>(new Map())

  /** Curves on their way: asking again would read them twice. */
  readonly #asked = new Set<string>()

  async load(): Promise<void> {
    this.curves = new Map()
    this.list = await client.training.runs()
  }

  clear(): void {
    this.list = []
    this.curves = new Map()
  }

  put(run: RunRow): void {
    const at = this.list.findIndex((other) => other.id === run.id)
    this.list = at < 0 ? [...this.list, run] : this.list.with(at, run)
  }

  readonly #byId = $derived(new Map(this.list.map((run) => [run.id, run])))

  get(id: number): RunRow | undefined {
    return this.#byId.get(id)
  }

  /** Reads the curves of these runs that are not there yet. */
  async need(runs: readonly number[], metric: string): Promise<void> {
    const lacking = runs.filter((run) => {
      const key = keyOf(run, metric)
      return !this.curves.has(key) && !this.#asked.has(key)
    })
    if (lacking.length === 0) return
    for (const run of lacking) this.#asked.add(keyOf(run, metric))
    try {
      await this.#read(lacking, metric)
    } finally {
      for (const run of lacking) this.#asked.delete(keyOf(run, metric))
    }
  }

  async #read(lacking: readonly number[], metric: string): Promise<void> {
    const read = new Map<string, RunCurve>()
    for (let from = 0; from < lacking.length; from += MOST_AT_ONCE) {
      const found = await client.training.curves({ runs: lacking.slice(from, from + MOST_AT_ONCE), metric })
      for (const { run, steps, values } of found) read.set(keyOf(run, metric), { steps, values })
    }
    // at once: whatever draws them is computed once
    this.curves = new Map([...this.curves, ...read])
  }

  curve(run: number, metric: string): RunCurve | undefined {
    return this.curves.get(keyOf(run, metric))
  }

  /** Adds points to the curves that are there; others are read when they are needed. */
  append(run: number, points: readonly MetricPoint[]): void {
    const next = new Map(this.curves)
    for (const [key, curve] of this.curves) {
      const [id, metric = ''] = key.split(' ')
      if (Number(id) !== run) continue
      const fresh = points.filter((p) => p.values[metric] !== undefined)
      if (fresh.length > 0) next.set(key, joined(curve, fresh, metric))
    }
    this.curves = next
  }
}

export const runs = new Runs()
