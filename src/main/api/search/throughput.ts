// Decode throughput at the largest batch that fits: metrics `decodeTokensPerSecond` and `decodeBatch` of core/metrics.

import { HeddleError } from '#core/errors.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { runProfile } from '#main/api/profile.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { Project } from '#main/store/db.ts'
import type { Evaluation } from './evaluation.ts'

const MAX_BATCH = 1024
const ELEMENT_BYTES = 4
/** A step reads the states of the last one and writes its own. */
const STATE_COPIES = 2

/** The largest power of two of sequences whose states fit beside the weights, at most 1024; 0 where not even one fits. */
export function largestBatch(spec: ArchSpec, context: number, memoryBytes: number): number {
  const { params, stateElements } = countSpec(resolveSpec(spec), context)
  const bytesAt = (batch: number): number => ELEMENT_BYTES * (params + STATE_COPIES * stateElements * batch)
  let batch = MAX_BATCH
  while (batch >= 1 && bytesAt(batch) > memoryBytes) batch /= 2
  return batch < 1 ? 0 : batch
}

/**
 * Measures decode at the largest batch that fits, at half of it where that does not run, and so on.
 * @throws HeddleError `usage` where one sequence does not fit, or what the measurement of one sequence throws.
 */
export async function measureThroughput(
  runner: Runner,
  spec: ArchSpec,
  { profile, memoryMib }: Evaluation,
  handlers: { readonly project: Project; readonly signal?: AbortSignal },
): Promise<{ readonly decodeTokensPerSecond: number; readonly decodeBatch: number }> {
  const { promptLen, context } = profile.options
  const largest = largestBatch(spec, Math.max(context, promptLen), memoryMib * 2 ** 20)
  if (largest === 0)
    throw new HeddleError('usage', `weights and states of one sequence do not fit in ${memoryMib} MiB`, {
      path: 'evaluation.memoryMib',
      hint: 'raise memoryMib, or narrow the space',
    })
  for (let batch = largest; ; batch /= 2) {
    try {
      const options = { ...profile.options, phases: 'decode', batchSize: batch, trace: false } as const
      const { stacks } = await runProfile(runner, { ...profile, options, specs: [spec] }, handlers)
      return { decodeTokensPerSecond: (1000 * batch) / stacks[0]!.phases[0]!.latency.p50Ms, decodeBatch: batch }
    } catch (error) {
      // a target says in its own words that memory ran out, or takes the process along
      const isTooLarge =
        error instanceof HeddleError && (error.code === 'target-failed' || error.code === 'job-crashed')
      if (!isTooLarge || batch === 1) throw error
    }
  }
}
