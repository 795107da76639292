// Execution targets, in the order of the picker.

import { HeddleError } from '#core/errors.ts'
import { cuda, cudaExact, cudaF16, cudaTf32 } from './cuda/target.ts'
import { ortCpu } from './ort-cpu.ts'
import { ortCuda } from './ort-cuda.ts'
import { ortWebgpu } from './ort-webgpu.ts'
import { reference } from './reference.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [ortCpu, ortWebgpu, ortCuda, cuda, cudaF16, cudaTf32, cudaExact, reference]

/** The target of a kind; throws HeddleError `target-missing` when it is unknown or does not work here. */
export function targetOf(kind: string): Target {
  const target = targets.find((t) => t.kind === kind)
  if (target === undefined)
    throw new HeddleError('target-missing', `unknown target ${JSON.stringify(kind)}`, {
      hint: `known targets: ${targets.map((t) => t.kind).join(', ')}`,
    })
  const availability = target.probe()
  if (!availability.isAvailable)
    throw new HeddleError('target-missing', `target ${kind} is not available: ${availability.reason}`)
  return target
}
