import type { Target } from '#main/runtime/targets/target.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { claimsNode } from '#main/runtime/targets/cuda/target.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { cpuMachine, hasCompiler } from './cpu-machine.ts'

/** The CUDA target on the CPU: the same schedule, memory plan and kernels, run thread after thread. */
export const cpuTarget = (compute: Compute): Target => ({
  kind: `cuda-${compute}-on-cpu`,
  title: 'CUDA kernels on the CPU',
  doc: 'For tests.',
  probe: () => (hasCompiler() ? { isAvailable: true, version: '1' } : { isAvailable: false, reason: 'no g++' }),
  claims: claimsNode,
  open: (program, options) => openOnMachine(cpuMachine(), program, options, { compute, claims: claimsNode }),
})
