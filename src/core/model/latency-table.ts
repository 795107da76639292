// Latencies of whole stacks predicted from a table of single costs. A prediction is the cost of an empty model (floor,
// embedding, head) and, for every block, what it costs with its norm and residual addition in a stack of that many blocks:
// deeper stacks leave the fast caches, so that a block costs more in them. Pure stacks are reproduced exactly.

import { sha256 } from '../graph/sha256.ts'
import { printPattern } from './text.ts'
import { canonicalJson } from './spec.ts'
import type { BlockItem, FlatBlock, ModelSettings, ResolvedSpec } from './spec.ts'

/**
 * `floor`: a run that does nothing. `embedding`: reading the embedding, beyond the floor. `head`: final norm and logits,
 * beyond the embedding. `layer`: norm and residual addition around a block that does nothing. `block`: one more block
 * with its norm and residual addition; the block alone is this minus `layer`.
 */
export type LatencyPart = 'block' | 'embedding' | 'head' | 'layer' | 'floor'

/** Where a table holds: the same block has other costs elsewhere. */
export interface LatencyConditions {
  readonly phase: 'prefill' | 'decode'
  readonly batch: number
  /** Text tokens in the caches (decode) or in the prompt (prefill). */
  readonly context: number
}

export interface LatencyEntry extends LatencyConditions {
  readonly part: LatencyPart
  /** Kind of the block; empty for other parts. */
  readonly kind: string
  /** From `partHash`. */
  readonly paramsHash: string
  readonly dModel: number
  /** Milliseconds with the ends of their 95 % interval. */
  readonly ms: number
  readonly low: number
  readonly high: number
  /** Mean cost of a copy, ms, in pure stacks of so many copies, ascending; without it the slope `ms` holds at any depth. */
  readonly perCopy?: readonly { readonly copies: number; readonly ms: number }[]
}

export interface LatencyPrediction {
  /** Never to be mixed with measurements. */
  readonly source: 'predicted'
  /** NaN where entries are missing. */
  readonly ms: number
  /** From the intervals of the entries, taken as independent of each other. */
  readonly low: number
  readonly high: number
  /** What the table lacks, in words. */
  readonly missing: readonly string[]
}

/** An entry that a stack needs, and how often. */
export interface LatencyNeed {
  readonly part: LatencyPart
  readonly kind: string
  readonly paramsHash: string
  readonly dModel: number
  readonly count: number
  /** For messages: `m2{dState: 64}`. */
  readonly name: string
}

/** What a part's cost depends on besides width, batch and context. */
export function partParams(
  part: LatencyPart,
  settings: ModelSettings,
  flat?: FlatBlock,
): Readonly<Record<string, unknown>> {
  const { vocabSize, metaTokens, tieEmbeddings, headNormDivision } = settings
  switch (part) {
    case 'floor':
      return {}
    case 'embedding':
      return { vocabSize, metaTokens }
    case 'head':
      return { vocabSize, tieEmbeddings, headNormDivision }
    case 'layer':
      return { metaTokens }
    case 'block':
      return { version: flat!.block.version, metaTokens, params: flat!.params }
  }
}

/** Hash of `partParams`. */
export const partHash = (part: LatencyPart, settings: ModelSettings, flat?: FlatBlock): string =>
  sha256(canonicalJson(partParams(part, settings, flat)))

/** Entries that predict a stack: floor, embedding, head, and each different block once with its count. */
export function latencyNeeds({ settings, blocks }: ResolvedSpec): LatencyNeed[] {
  const base = (['floor', 'embedding', 'head'] as const).map((part): LatencyNeed => ({
    part,
    kind: '',
    paramsHash: partHash(part, settings),
    dModel: part === 'floor' ? 1 : settings.dModel,
    count: 1,
    name: part,
  }))
  const needs = new Map<string, LatencyNeed>()
  for (const flat of blocks) {
    const key = `${flat.block.kind} ${canonicalJson(flat.params)}`
    const known = needs.get(key)
    needs.set(
      key,
      known === undefined
        ? {
            part: 'block',
            kind: flat.block.kind,
            paramsHash: partHash('block', settings, flat),
            dModel: settings.dModel,
            count: 1,
            name: operatorName(flat),
          }
        : { ...known, count: known.count + 1 },
    )
  }
  return [...base, ...needs.values()]
}

/** Symbol of a block with the parameters that were given: `m2{dState: 64}`. */
export function operatorName({ block, params }: FlatBlock): string {
  const differing = Object.entries(params).filter(([name, value]) => {
    const standard = block.params[name]?.default
    return typeof standard !== 'function' && standard !== value
  })
  const item: BlockItem = { kind: block.kind, ...(differing.length > 0 && { params: Object.fromEntries(differing) }) }
  return printPattern([item])
}

const entryKey = (e: Pick<LatencyEntry, 'part' | 'kind' | 'paramsHash' | 'dModel'>): string =>
  `${e.part} ${e.kind} ${e.paramsHash} ${e.dModel}`

/** The entries of a table under some conditions, by what they time; of equal ones the last. */
export function indexTable(
  table: readonly LatencyEntry[],
  { phase, batch, context }: LatencyConditions,
): (need: Pick<LatencyEntry, 'part' | 'kind' | 'paramsHash' | 'dModel'>) => LatencyEntry | undefined {
  const index = new Map(
    table
      .filter((e) => e.phase === phase && e.batch === batch && (e.part === 'floor' || e.context === context))
      .map((e) => [entryKey(e), e]),
  )
  return (need) => index.get(entryKey(need))
}

/** Predicts the latency of a stack. Errors of different entries add as independent ones, those of copies in full. */
export const predictLatency = (
  resolved: ResolvedSpec,
  table: readonly LatencyEntry[],
  conditions: LatencyConditions,
): LatencyPrediction => latencyPredictor(table, conditions)(resolved)

/** `predictLatency` for many stacks: reads the table once. */
export function latencyPredictor(
  table: readonly LatencyEntry[],
  conditions: LatencyConditions,
): (resolved: ResolvedSpec) => LatencyPrediction {
  const find = indexTable(table, conditions)
  return (resolved) => {
    const needs = latencyNeeds(resolved).map((need) => ({ need, entry: find(need) }))
    const missing = needs.flatMap(({ need, entry }) =>
      entry === undefined ? [`${need.name} at width ${need.dModel}`] : [],
    )
    if (missing.length > 0) return { source: 'predicted', ms: NaN, low: NaN, high: NaN, missing }
    const parts = needs.map(({ need, entry }) => ({ count: need.count, entry: entry! }))
    const ms = totalOf(parts)
    const spread = (end: (entry: LatencyEntry) => number): number =>
      Math.sqrt(parts.reduce((sum, { count, entry }) => sum + (count * end(entry)) ** 2, 0))
    const low = ms - spread((entry) => entry.ms - entry.low),
      high = ms + spread((entry) => entry.high - entry.ms)
    return { source: 'predicted', ms, low, high, missing }
  }
}

interface CountedEntry {
  readonly count: number
  readonly entry: LatencyEntry
}

/** What does not depend on the rest of the stack: floor, embedding and head, ms. */
export const baseOf = (entries: readonly LatencyEntry[]): number =>
  entries.reduce((sum, { part, ms }) => sum + (part === 'block' ? 0 : ms), 0)

const HALVINGS = 40

/**
 * Latency of a stack of these parts. A block costs more in a stack that takes longer: what runs between two visits pushes its
 * weights out of the caches, and in a mixed stack the time of a pass says how much that is better than the number of blocks
 * does. So the total is the time at which every block costs what a copy of it costs in a stack of copies that takes as long.
 */
function totalOf(parts: readonly CountedEntry[]): number {
  const base = baseOf(parts.map(({ entry }) => entry))
  const at = (total: number): number =>
    parts.reduce((sum, { count, entry }) => sum + count * costAt(entry, base, total), 0)
  let low = 0,
    high = parts.reduce(
      (sum, { count, entry: { ms, perCopy = [] } }) =>
        sum + count * Math.max(0, ms, ...perCopy.map((point) => point.ms)),
      0,
    )
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2
    if (at(middle) > middle) low = middle
    else high = middle
  }
  return at(high)
}

/**
 * Cost of a part in a stack that takes `total` ms, `base` of them outside its blocks: on a line between the measured stacks of
 * copies, beyond them as in the nearest. It is a difference of measurements, which noise can make negative: then it is 0, and
 * the interval of the entry tells how little is known.
 */
export function costAt(entry: Pick<LatencyEntry, 'ms' | 'perCopy'>, base: number, total: number): number {
  return Math.max(0, measuredCost(entry, base, total))
}

function measuredCost({ ms, perCopy }: Pick<LatencyEntry, 'ms' | 'perCopy'>, base: number, total: number): number {
  if (perCopy === undefined || perCopy.length === 0) return ms
  const timeOf = (point: { readonly copies: number; readonly ms: number }): number => base + point.copies * point.ms
  const above = perCopy.findIndex((point) => timeOf(point) >= total)
  if (above <= 0) return perCopy.at(above)!.ms
  const low = perCopy[above - 1]!,
    high = perCopy[above]!
  return low.ms + ((total - timeOf(low)) / (timeOf(high) - timeOf(low))) * (high.ms - low.ms)
}

/** An entry with its part in the uncertainty of some stacks. */
export interface RemeasureCandidate {
  readonly name: string
  readonly entry: LatencyEntry
  /** Times that the stacks use it. */
  readonly uses: number
  /** Width of its interval times its uses, ms. */
  readonly uncertainty: number
}

/** Entries by how much uncertainty they bring into the predictions of some stacks, the largest first. */
export function worthRemeasuring(
  stacks: readonly ResolvedSpec[],
  table: readonly LatencyEntry[],
  conditions: LatencyConditions,
): RemeasureCandidate[] {
  const find = indexTable(table, conditions)
  const found = new Map<LatencyEntry, { name: string; uses: number }>()
  for (const need of stacks.flatMap(latencyNeeds)) {
    const entry = find(need)
    if (entry !== undefined) found.set(entry, { name: need.name, uses: (found.get(entry)?.uses ?? 0) + need.count })
  }
  return [...found]
    .map(([entry, { name, uses }]) => ({ name, entry, uses, uncertainty: uses * (entry.high - entry.low) }))
    .sort((a, b) => b.uncertainty - a.uncertainty)
}
