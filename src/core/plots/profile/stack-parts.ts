// What the look-up table says of each part of one stack, for the bars that attribute a measured latency.

import {
  baseOf,
  costAt,
  indexTable,
  latencyNeeds,
  latencyPredictor,
  operatorName,
  partHash,
} from '../../model/latency-table.ts'
import type { LatencyConditions, LatencyEntry } from '../../model/latency-table.ts'
import type { ResolvedSpec } from '../../model/spec.ts'
import { glyphOf } from '../strip.ts'
import type { AttributedPart } from './attribution.ts'

/** Stacks of more blocks have one bar for each different block. */
const MOST_BLOCKS = 20

export interface StackParts {
  readonly parts: readonly AttributedPart[]
  /** What the table lacks, in words; there are no parts then. */
  readonly missing: readonly string[]
}

/** Floor, embedding, head and every block at what it costs in a stack that takes as long as this one is predicted to. */
export function tableParts(
  resolved: ResolvedSpec,
  table: readonly LatencyEntry[],
  conditions: LatencyConditions,
  side: 'light' | 'dark',
): StackParts {
  const { ms, missing } = latencyPredictor(table, conditions)(resolved)
  if (missing.length > 0) return { parts: [], missing }
  const find = indexTable(table, conditions)
  const outside = latencyNeeds(resolved).flatMap((need) => {
    const entry = need.part === 'block' ? undefined : find(need)
    return entry === undefined ? [] : [{ name: need.name, entry }]
  })
  const base = baseOf(outside.map(({ entry }) => entry))
  const blocks = resolved.blocks.map((flat, i): AttributedPart => {
    const entry = find({
      part: 'block',
      kind: flat.block.kind,
      paramsHash: partHash('block', resolved.settings, flat),
      dModel: resolved.settings.dModel,
    })!
    const value = costAt(entry, base, ms)
    return {
      key: `block ${i}`,
      name: `${i + 1} ${operatorName(flat)}`,
      value,
      low: value - (entry.ms - entry.low),
      high: value + (entry.high - entry.ms),
      color: glyphOf(flat)[side],
    }
  })
  const grouped =
    blocks.length <= MOST_BLOCKS ? blocks : joined(blocks.map((part, i) => [operatorName(resolved.blocks[i]!), part]))
  const rest = outside.map(({ name, entry }) => ({
    key: name,
    name,
    value: entry.ms,
    low: entry.low,
    high: entry.high,
  }))
  return { parts: [...grouped, ...rest], missing }
}

/** One part for each name, with the number of its copies; errors of copies add in full. */
export function joined(named: readonly (readonly [string, AttributedPart])[]): AttributedPart[] {
  const sum = (parts: readonly AttributedPart[], valueOf: (part: AttributedPart) => number): number =>
    parts.reduce((total, part) => total + valueOf(part), 0)
  return [...Map.groupBy(named, ([name]) => name)].map(([name, list]) => {
    const parts = list.map(([, part]) => part)
    return {
      ...parts[0]!,
      key: name,
      name: `${parts.length} × ${name}`,
      value: sum(parts, (p) => p.value),
      low: sum(parts, (p) => p.low ?? p.value),
      high: sum(parts, (p) => p.high ?? p.value),
    }
  })
}
