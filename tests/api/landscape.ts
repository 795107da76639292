import { HeddleError } from '#core/errors.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'

/** Metrics that follow from a spec alone: deeper is better, with diminishing returns, and slower; some stacks fail. */
export function landscape(spec: ArchSpec): Record<string, number> {
  const resolved = resolveSpec(spec)
  const { params } = countSpec(resolved, 16)
  if (params % 7 === 0) throw new HeddleError('train-diverged', 'made up')
  const kinds = new Set(resolved.blocks.map((b) => b.block.kind)).size
  return {
    bitsPerByte: 4 - Math.log10(params) / 3 - 0.1 * kinds,
    tpotMs: 0.01 * resolved.blocks.length + params / 1e7,
    params,
  }
}
