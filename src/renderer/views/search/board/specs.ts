// Stacks of trials, made once for each: strips and tables ask for the same ones again and again.

import { metricOf } from '#core/metrics.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { glyphOf } from '#core/plots/strip.ts'
import { specOf } from '#core/search/index.ts'
import type { Genome, Space, Trial } from '#core/search/index.ts'

interface Made {
  readonly spec: ArchSpec
  readonly resolved: ResolvedSpec
}
const made = new WeakMap<Genome, Made>()

function makeOf({ genome }: Trial, space: Space): Made {
  let found = made.get(genome)
  if (found === undefined) {
    const spec = specOf(genome, space)
    made.set(genome, (found = { spec, resolved: resolveSpec(spec) }))
  }
  return found
}

/** The stack of a trial. */
export const stackOf = (trial: Trial, space: Space): ArchSpec => makeOf(trial, space).spec
export const resolvedOf = (trial: Trial, space: Space): ResolvedSpec => makeOf(trial, space).resolved

/** The colour of the sequence mixer that most blocks are of, the first of equals. */
export function colorOf(trial: Trial, space: Space, side: 'light' | 'dark'): string {
  const { blocks } = resolvedOf(trial, space)
  const mixers = blocks.filter(({ block }) => block.category === 'sequence mixer')
  const colors = (mixers.length > 0 ? mixers : blocks).map((flat) => glyphOf(flat)[side])
  const counts = new Map<string, number>()
  for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1)
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
}

/** A finite value of a metric, or undefined. */
export function valueOf({ metrics }: Pick<Trial, 'metrics'>, metric: string): number | undefined {
  const value = metrics[metric]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Metrics that any of the trials has, in the order of core/metrics. */
export function metricsOf(trials: readonly Pick<Trial, 'metrics'>[]): string[] {
  const names = new Set<string>()
  for (const { metrics } of trials)
    for (const [name, value] of Object.entries(metrics)) if (typeof value === 'number') names.add(name)
  return [...names].filter((name) => metricOf(name) !== undefined)
}
