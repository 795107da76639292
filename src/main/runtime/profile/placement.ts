// What ran how: fused or decomposed for each block, and the execution provider and time of every node.

import type { Program } from '#core/graph/program.ts'
import { ops } from '#core/ops/index.ts'
import type { FlatBlock } from '#core/model/spec.ts'
import { blockScope } from '#core/model/lower.ts'
import type { Session, TraceEvent } from '../targets/target.ts'

export interface BlockPlacement {
  readonly kind: string
  readonly path: string
  /** Fused ops that ran as one kernel of the runtime. */
  readonly fused: readonly string[]
  /** Fused ops that ran as their meaning in simpler ops. */
  readonly decomposed: readonly string[]
  /** Nodes by execution provider. */
  readonly providers: Readonly<Record<string, number>>
  /** Kernel time of one run, from the trace. */
  readonly kernelMs: number
}

export interface Placement {
  readonly blocks: readonly BlockPlacement[]
  /** Embedding, norms, residual additions and head. */
  readonly outsideKernelMs: number
  /** Time of a run that no kernel accounts for; the trace itself slows runs down a little. */
  readonly unattributedMs: number
  readonly providers: Readonly<Record<string, number>>
}

/** Reads the trace of `runs` equal runs that took `wallMs` together. */
export function placement(
  program: Program,
  session: Session,
  blocks: readonly FlatBlock[],
  events: readonly TraceEvent[],
  runs: number,
  wallMs: number,
): Placement {
  const asked = program.graph.nodes.filter((n) => ops.get(n.op)!.decompose !== undefined)
  const perBlock = blocks.map((flat, i): BlockPlacement => {
    const scope = blockScope(i, flat.block)
    const own = events.filter((e) => e.node.startsWith(`${scope}/`) || e.node.startsWith(`${scope}.`))
    const fused = session.claimed.filter((c) => c.scope === scope).map((c) => c.op)
    const wanted = asked.filter((n) => n.scope === scope).map((n) => n.op)
    return {
      kind: flat.block.kind,
      path: flat.path,
      fused: [...new Set(fused)],
      decomposed: [...new Set(wanted.filter((op) => !fused.includes(op)))],
      providers: countProviders(own, runs),
      kernelMs: kernelMs(own) / runs,
    }
  })
  const inBlocks = perBlock.reduce((sum, b) => sum + b.kernelMs, 0)
  const all = kernelMs(events) / runs
  return {
    blocks: perBlock,
    outsideKernelMs: all - inBlocks,
    unattributedMs: wallMs / runs - all,
    providers: countProviders(events, runs),
  }
}

const kernelMs = (events: readonly TraceEvent[]): number => events.reduce((sum, e) => sum + e.microseconds, 0) / 1000

function countProviders(events: readonly TraceEvent[], runs: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { provider } of events) counts[provider] = (counts[provider] ?? 0) + 1 / runs
  for (const key of Object.keys(counts)) counts[key] = Math.round(counts[key]!)
  return counts
}
