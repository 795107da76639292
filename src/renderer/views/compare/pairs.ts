import type { RunRow } from '#main/api/workbench/events.ts'

/** The finished runs that can be ranked against each other: of those that differ in their stacks and seeds only, the most. */
export function comparableRuns(runs: readonly RunRow[]): number[] {
  const settingsOf = ({ config: { spec: _spec, run, ...rest } }: RunRow): string => {
    const { seed: _seed, ...budget } = (run ?? {}) as Readonly<Record<string, unknown>>
    return JSON.stringify([budget, rest])
  }
  const groups = [
    ...Map.groupBy(
      runs.filter((run) => run.state === 'done'),
      settingsOf,
    ).values(),
  ]
  const stacksOf = (group: readonly RunRow[]): number => new Set(group.map((run) => run.spec)).size
  const largest = groups.reduce<readonly RunRow[]>(
    (best, group) => (stacksOf(group) > stacksOf(best) ? group : best),
    [],
  )
  return largest.map((run) => run.id)
}

/** A run by its metric early and at its end. */
export interface Pair {
  readonly run: number
  readonly short: number
  readonly final: number
}

interface Curve {
  readonly steps: ArrayLike<number>
  readonly values: ArrayLike<number>
}

/** Each run's last value up to a step beside its last value of all; runs whose curve is not there, or begins later, are left out. */
export function shortAndFinal(
  runs: readonly number[],
  step: number,
  curveOf: (run: number) => Curve | undefined,
): Pair[] {
  return runs.flatMap((run) => {
    const curve = curveOf(run)
    if (curve === undefined || curve.steps.length === 0) return []
    let at = -1
    while (at + 1 < curve.steps.length && curve.steps[at + 1]! <= step) at++
    return at < 0 ? [] : [{ run, short: curve.values[at]!, final: curve.values[curve.values.length - 1]! }]
  })
}
