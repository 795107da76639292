import type { Target } from '#main/runtime/targets/target.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { cpuMachine, hasCompiler, there } from './cpu-machine.ts'

/** The CUDA target on the CPU: the same schedule, memory plan and kernels, run thread after thread. */
export const cpuTarget = (compute: Compute): Target => ({
  kind: `cuda-${compute}-on-cpu`,
  title: 'CUDA kernels on the CPU',
  doc: 'For tests. What needs tensor cores is generated from its meaning, in any precision.',
  probe: () => (hasCompiler() ? { isAvailable: true, version: '1' } : { isAvailable: false, reason: 'no g++' }),
  claims: claimsIn('f32'),
  open: (program, options) =>
    openOnMachine(there(cpuMachine()), program, options, { compute, claims: claimsIn('f32') }),
})
