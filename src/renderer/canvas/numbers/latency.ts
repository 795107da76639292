// Predicted latency of a stack and of each block in it, from one table of measured costs.

import { baseOf, costAt, indexTable, partHash, predictLatency } from '#core/model/latency-table.ts'
import type { LatencyConditions, LatencyEntry, LatencyPart, LatencyPrediction } from '#core/model/latency-table.ts'
import type { FlatBlock, ResolvedSpec } from '#core/model/spec.ts'
import { signatureOf } from './costs.ts'

/** Measured costs of one device under one set of conditions. */
export interface LatencyTable {
  readonly id: string
  /** Where it was measured and under what conditions, in words. */
  readonly label: string
  readonly conditions: LatencyConditions
  readonly entries: readonly LatencyEntry[]
}

/** A part of a prediction, ms, with the ends of its interval. */
export interface PartLatency {
  readonly ms: number
  readonly low: number
  readonly high: number
}

export interface StackLatency {
  readonly total: LatencyPrediction
  /** One for each block of the unrolled stack; undefined where the table lacks it. */
  readonly blocks: readonly (PartLatency | undefined)[]
  readonly embedding: PartLatency | undefined
  readonly head: PartLatency | undefined
  readonly floor: PartLatency | undefined
}

type Find = ReturnType<typeof indexTable>

/** An index for each table: made once. */
const indices = new WeakMap<LatencyTable, Find>()

function finderOf(table: LatencyTable): Find {
  const known = indices.get(table)
  if (known !== undefined) return known
  const find = indexTable(table.entries, table.conditions)
  indices.set(table, find)
  return find
}

/** Predicts a stack and its parts. */
export function latencyOf(resolved: ResolvedSpec, table: LatencyTable): StackLatency {
  const find = finderOf(table)
  const total = predictLatency(resolved, table.entries, table.conditions)
  const { settings } = resolved
  const entryOf = (part: LatencyPart, flat?: FlatBlock): LatencyEntry | undefined =>
    find({
      part,
      kind: flat?.block.kind ?? '',
      paramsHash: partHash(part, settings, flat),
      dModel: part === 'floor' ? 1 : settings.dModel,
    })
  const base = baseOf((['floor', 'embedding', 'head'] as const).flatMap((part) => entryOf(part) ?? []))
  const partOf = (part: LatencyPart, flat?: FlatBlock): PartLatency | undefined => {
    const entry = entryOf(part, flat)
    if (entry === undefined) return undefined
    // without a total, which the table may be too small for, a copy costs what it does on average
    const ms = Number.isFinite(total.ms) ? costAt(entry, base, total.ms) : entry.ms
    return { ms, low: ms - (entry.ms - entry.low), high: ms + (entry.high - entry.ms) }
  }
  const parts = new Map<string, PartLatency | undefined>()
  const blocks = resolved.blocks.map((flat) => {
    const signature = signatureOf(flat)
    if (!parts.has(signature)) parts.set(signature, partOf('block', flat))
    return parts.get(signature)
  })
  return {
    total,
    blocks,
    embedding: partOf('embedding'),
    head: partOf('head'),
    floor: partOf('floor'),
  }
}
