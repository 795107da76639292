import { countSpec } from '#core/model/counts.ts'
import type { Counts } from '#core/model/counts.ts'
import { hashSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { printSpecText } from '#core/model/text.ts'

export interface SpecSummary {
  readonly name: string | null
  readonly hash: string
  readonly text: string
  readonly spec: ArchSpec
  readonly params: number
  readonly paramsByBlock: Counts['paramsByBlock']
  /** Of a prefill over the context; decode and training beside it in `counts`. */
  readonly flopsPerToken: number
  readonly stateBytes: number
  readonly counts: Counts
}

/** Everything that follows from a spec without running it. */
export function summarise(spec: ArchSpec, context: number): SpecSummary {
  const counts = countSpec(resolveSpec(spec), context)
  return {
    name: spec.name ?? null,
    hash: hashSpec(spec),
    text: printSpecText(spec),
    spec,
    params: counts.params,
    paramsByBlock: counts.paramsByBlock,
    flopsPerToken: counts.prefillFlopsPerToken,
    stateBytes: counts.stateBytes,
    counts,
  }
}
