// A place in one arena for every buffer that lives only during part of a run.

import type { Pack } from './launches/batch.ts'
import type { Buffer } from './job.ts'
import type { Step } from './schedule.ts'
import { STORED_BYTES } from './values.ts'

const ALIGNMENT = 256

export interface MemoryPlan {
  /** Bytes from the start of the arena. */
  readonly offsets: ReadonlyMap<Buffer, number>
  readonly arenaBytes: number
  /** What all arena buffers would take side by side. */
  readonly unsharedBytes: number
  /** Bytes that stay: states, feeds, results, constants and what is computed once. */
  readonly keptBytes: number
}

export const bufferBytes = (buffer: Buffer): number =>
  Math.ceil((buffer.size * STORED_BYTES[buffer.stored]) / ALIGNMENT) * ALIGNMENT

interface Life {
  readonly unit: Pack
  readonly from: number
  to: number
}

interface Placed {
  readonly from: number
  readonly to: number
  readonly start: number
  readonly end: number
}

/** Buffers that are computed once and stay. */
export function keptOnce(steps: readonly Step[]): ReadonlySet<Buffer> {
  return new Set(steps.filter((step) => step.isOnce).flatMap((step) => step.writes))
}

/**
 * Gives every arena buffer the lowest place that is free throughout its life, the largest first; the buffers of a pack lie one
 * behind the other. A place that is given up stays free for the next `rest` steps, so that what runs side by side need not wait.
 */
export function planMemory(
  steps: readonly Step[],
  buffers: readonly Buffer[],
  packs: readonly Pack[] = [],
  rest = 0,
): MemoryPlan {
  const once = keptOnce(steps)
  const packOf = new Map(packs.flatMap((pack) => pack.map((buffer) => [buffer, pack] as const)))
  const lives = new Map<Pack, Life>()
  const alone = new Map<Buffer, Pack>()
  const unitOf = (buffer: Buffer): Pack => {
    const unit = packOf.get(buffer) ?? alone.get(buffer) ?? [buffer]
    alone.set(buffer, unit)
    return unit
  }
  steps.forEach((step, i) => {
    for (const buffer of [...step.writes, ...step.reads]) {
      if (buffer.home !== 'arena' || once.has(buffer)) continue
      const unit = unitOf(buffer)
      const life = lives.get(unit)
      if (life === undefined) lives.set(unit, { unit, from: i, to: i })
      else life.to = i + rest
    }
  })
  const bytesOf = (unit: Pack): number => unit.reduce((sum, buffer) => sum + bufferBytes(buffer), 0)
  const offsets = new Map<Buffer, number>()
  /** What has a place already, by its start. */
  const placed: Placed[] = []
  let arenaBytes = 0
  const bySize = [...lives.values()].sort((a, b) => bytesOf(b.unit) - bytesOf(a.unit) || a.from - b.from)
  for (const { unit, from, to } of bySize) {
    const bytes = bytesOf(unit)
    let start = 0
    for (const other of placed) {
      if (other.start - start >= bytes) break
      if (other.from <= to && from <= other.to) start = Math.max(start, other.end)
    }
    let at = start
    for (const buffer of unit) {
      offsets.set(buffer, at)
      at += bufferBytes(buffer)
    }
    const next = placed.findIndex((other) => other.start > start)
    placed.splice(next < 0 ? placed.length : next, 0, { from, to, start, end: start + bytes })
    arenaBytes = Math.max(arenaBytes, start + bytes)
  }
  const sum = (list: readonly Buffer[]): number => list.reduce((total, buffer) => total + bufferBytes(buffer), 0)
  return {
    offsets,
    arenaBytes,
    unsharedBytes: sum([...lives.keys()].flat()),
    keptBytes: sum(buffers.filter((b) => b.home !== 'arena' || once.has(b))),
  }
}
