import { RUN_PARAMS } from '#core/optim/train-config.ts'
import type { RunRow } from '#main/api/workbench/events.ts'

const settings = new WeakMap<object, string>()

/** What must be alike for runs to be ranked against each other: everything but the stack and the seed. */
function settingsOf({ config }: RunRow): string {
  let text = settings.get(config)
  if (text === undefined) {
    const { spec: _spec, run, ...rest } = config
    const { seed: _seed, ...budget } = (run ?? {}) as Readonly<Record<string, unknown>>
    settings.set(config, (text = JSON.stringify([budget, rest])))
  }
  return text
}

/** Whether a run was validated before its end: without an earlier value there is nothing short to judge. */
function hasShort({ config }: RunRow): boolean {
  const run = (config['run'] ?? {}) as Readonly<Record<string, unknown>>
  const { steps = RUN_PARAMS.steps.default, validationEvery = RUN_PARAMS.validationEvery.default } = run
  return Number(steps) > Number(validationEvery)
}

/**
 * The finished runs that can be ranked against each other: of those that differ in their stacks and seeds only, the most;
 * of equal sets the latest. Runs that were validated on the way go before those that were not.
 */
export function comparableRuns(runs: readonly RunRow[]): number[] {
  const groups = Map.groupBy(
    runs.filter((run) => run.state === 'done'),
    settingsOf,
  )
  const worthOf = (group: readonly RunRow[]): readonly [number, number] => {
    const stacks = new Set(group.map((run) => run.spec)).size
    return [stacks > 2 && group.some(hasShort) ? 1 : 0, stacks]
  }
  const largest = [...groups.values()].reduce<readonly RunRow[]>((best, group) => {
    const [[own, stacks], [known, most]] = [worthOf(group), worthOf(best)]
    return own > known || (own === known && stacks >= most) ? group : best
  }, [])
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

/**
 * Each run's last short value up to a step beside its last final value of all; runs whose curves are not there, or whose
 * short one begins later, are left out.
 */
export function shortAndFinal(
  runs: readonly number[],
  step: number,
  curveOf: (run: number) => Curve | undefined,
  finalOf: (run: number) => Curve | undefined = curveOf,
): Pair[] {
  return runs.flatMap((run) => {
    const curve = curveOf(run)
    const last = finalOf(run)
    if (curve === undefined || curve.steps.length === 0 || last === undefined || last.steps.length === 0) return []
    let at = -1
    while (at + 1 < curve.steps.length && curve.steps[at + 1]! <= step) at++
    return at < 0 ? [] : [{ run, short: curve.values[at]!, final: last.values[last.values.length - 1]! }]
  })
}
