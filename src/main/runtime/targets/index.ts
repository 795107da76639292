// Execution targets, in the order of the picker.

import { HeddleError } from '#core/errors.ts'
import { cuda, cudaExact, cudaF16, cudaTf32 } from './cuda/target.ts'
import { ortCpu } from './ort-cpu.ts'
import { ortCuda } from './ort-cuda.ts'
import { ortWebgpu } from './ort-webgpu.ts'
import { reference } from './reference.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [ortCpu, ortWebgpu, ortCuda, cuda, cudaF16, cudaTf32, cudaExact, reference]

/** All of them, on every device of this machine. */
export const targetsHere = (): readonly Target[] =>
  targets.flatMap((target) => [target, ...(target.furtherDevices?.() ?? [])])

/** The target of a kind such as `ort-cpu`, `cuda` or, on the second device, `cuda:1`; throws HeddleError `target-missing`. */
export function knownTarget(kind: string): Target {
  const target = targets.find((t) => t.kind === kind) ?? targetsHere().find((t) => t.kind === kind)
  if (target !== undefined) return target
  throw new HeddleError('target-missing', `unknown target ${JSON.stringify(kind)}`, {
    hint: `known targets: ${targetsHere()
      .map((t) => t.kind)
      .join(', ')}`,
  })
}

/** The target of a kind; throws HeddleError `target-missing` when it is unknown or does not work here. */
export function targetOf(kind: string): Target {
  const target = knownTarget(kind)
  const availability = target.probe()
  if (!availability.isAvailable)
    throw new HeddleError('target-missing', `target ${kind} is not available: ${availability.reason}`)
  return target
}

/** What activations are on a target, for what is stored of it. */
export const dtypeOf = (kind: string): string =>
  targets.find((t) => t.kind === kind.replace(/:\d+$/, ''))?.dtype ?? 'f32'

/** Versions for the environment of what runs on a target, with the device where it has a name; none where it is missing. */
export function runtimesOf(kind: string): Readonly<Record<string, string>> {
  const availability = targetsHere()
    .find((t) => t.kind === kind)
    ?.probe()
  return availability?.isAvailable === true ? { [kind]: availability.version } : {}
}
