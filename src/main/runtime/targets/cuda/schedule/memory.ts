// A place in one arena for every buffer that lives only during part of a run.

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
  readonly buffer: Buffer
  readonly from: number
  to: number
}

/** Buffers that are computed once and stay. */
export function keptOnce(steps: readonly Step[]): ReadonlySet<Buffer> {
  return new Set(steps.filter((step) => step.isOnce).flatMap((step) => step.writes))
}

/** Gives every arena buffer the lowest place that is free throughout its life, the largest buffers first. */
export function planMemory(steps: readonly Step[], buffers: readonly Buffer[]): MemoryPlan {
  const once = keptOnce(steps)
  const lives = new Map<Buffer, Life>()
  steps.forEach((step, i) => {
    for (const buffer of [...step.writes, ...step.reads]) {
      if (buffer.home !== 'arena' || once.has(buffer)) continue
      const life = lives.get(buffer)
      if (life === undefined) lives.set(buffer, { buffer, from: i, to: i })
      else life.to = i
    }
  })
  const offsets = new Map<Buffer, number>()
  const placed: { from: number; to: number; start: number; end: number }[] = []
  let arenaBytes = 0
  const bySize = [...lives.values()].sort((a, b) => bufferBytes(b.buffer) - bufferBytes(a.buffer) || a.from - b.from)
  for (const { buffer, from, to } of bySize) {
    const bytes = bufferBytes(buffer)
    const overlapping = placed.filter((p) => p.from <= to && from <= p.to).sort((a, b) => a.start - b.start)
    let start = 0
    for (const other of overlapping) {
      if (other.start - start >= bytes) break
      start = Math.max(start, other.end)
    }
    offsets.set(buffer, start)
    placed.push({ from, to, start, end: start + bytes })
    arenaBytes = Math.max(arenaBytes, start + bytes)
  }
  const sum = (list: readonly Buffer[]): number => list.reduce((total, buffer) => total + bufferBytes(buffer), 0)
  return {
    offsets,
    arenaBytes,
    unsharedBytes: sum([...lives.keys()]),
    keptBytes: sum(buffers.filter((b) => b.home !== 'arena' || once.has(b))),
  }
}
