// Stacks of trials, kept for a while: strips and tables ask for the same ones again and again.

import { blockOf } from '#core/blocks/index.ts'
import type { Glyph } from '#core/blocks/index.ts'
import { metricOf } from '#core/metrics.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { resolveParams } from '#core/params.ts'
import { glyphOf } from '#core/plots/strip.ts'
import { specOf } from '#core/search/index.ts'
import type { Genome, Space, Trial } from '#core/search/index.ts'
import type { Operator } from '#core/search/space/genome.ts'

interface Made {
  readonly spec: ArchSpec
  readonly resolved: ResolvedSpec
}
/** The last ones asked for: a live search shows thousands in passing, and a made stack is larger than its genome. */
const made = new Map<Genome, Made>()
const MOST_MADE = 512

function makeOf({ genome }: Trial, space: Space): Made {
  let found = made.get(genome)
  if (found === undefined) {
    const spec = specOf(genome, space)
    made.set(genome, (found = { spec, resolved: resolveSpec(spec) }))
    if (made.size > MOST_MADE) made.delete(made.keys().next().value!)
  }
  return found
}

/** The stack of a trial. */
export const stackOf = (trial: Trial, space: Space): ArchSpec => makeOf(trial, space).spec
export const resolvedOf = (trial: Trial, space: Space): ResolvedSpec => makeOf(trial, space).resolved

/** The colour of the sequence mixer that most blocks are of, the first of equals. */
export function colorOf({ genome }: Pick<Trial, 'genome'>, space: Space, side: 'light' | 'dark'): string {
  // ten thousands are asked for at once: without making their stacks
  const counts = new Map<string, number>()
  for (const { unit, count } of space.encoding.units(genome)) {
    const color = glyphOfMixer(unit.mixer, genome.dModel)[side]
    counts.set(color, (counts.get(color) ?? 0) + count)
  }
  let most = ''
  for (const [color, count] of counts) if (count > (counts.get(most) ?? 0)) most = color
  return most
}

/** By operator, which genomes of a space share, and width, which defaults may depend on. */
const glyphs = new WeakMap<Operator, Map<number, Glyph>>()

function glyphOfMixer(operator: Operator, dModel: number): Glyph {
  let byWidth = glyphs.get(operator)
  if (byWidth === undefined) glyphs.set(operator, (byWidth = new Map<number, Glyph>()))
  let glyph = byWidth.get(dModel)
  if (glyph === undefined) {
    const block = blockOf(operator.kind, 'kind')
    const params = resolveParams(block.params, operator.params, { dModel }, 'params')
    byWidth.set(dModel, (glyph = glyphOf({ block, params, path: 'params' })))
  }
  return glyph
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
