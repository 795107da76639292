// Training runs and their curves. Whole curves are read once and grow by the points that arrive.

import type { MetricPoint } from '#main/api/workbench/events.ts'
import type { RunRow } from '#main/api/workbench/events.ts'
import { client } from '../client.ts'

/** One curve; arrays are replaced, never changed in place. */
export interface RunCurve {
  readonly steps: Float64Array
  readonly values: Float64Array
}

const keyOf = (run: number, metric: string): string => `${run} ${metric}`

class Runs {
  list = $state.raw<readonly RunRow[]>([])
  /** By `run metric`. */
  curves = $state.raw<ReadonlyMap<string, RunCurve>>(new Map())

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

  get(id: number): RunRow | undefined {
    return this.list.find((run) => run.id === id)
  }

  /** Reads the curves of these runs that are not there yet. */
  async need(runs: readonly number[], metric: string): Promise<void> {
    const lacking = runs.filter((run) => !this.curves.has(keyOf(run, metric)))
    if (lacking.length === 0) return
    const found = await client.training.curves({ runs: lacking, metric })
    this.curves = new Map([
      ...this.curves,
      ...found.map(({ run, steps, values }) => [keyOf(run, metric), { steps, values }] as const),
    ])
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
      const last = curve.steps.at(-1) ?? -Infinity
      const fresh = points.filter((p) => p.values[metric] !== undefined && p.step > last)
      if (fresh.length === 0) continue
      next.set(key, {
        steps: Float64Array.from([...curve.steps, ...fresh.map((p) => p.step)]),
        values: Float64Array.from([...curve.values, ...fresh.map((p) => p.values[metric]!)]),
      })
    }
    this.curves = next
  }
}

export const runs = new Runs()
