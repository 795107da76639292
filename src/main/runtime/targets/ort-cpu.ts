import { availableParallelism } from 'node:os'
import type { Program } from '#core/graph/program.ts'
import type { Node } from '#core/graph/types.ts'
import { openOrtProgram, probeProvider, takesHeadWidth } from './ort.ts'
import type { Target } from './target.ts'

/** Fused ops whose CPU kernels are right and faster than their decomposition, by phase. */
const CLAIMED: Readonly<Record<Program['phase'], ReadonlySet<string>>> = {
  train: new Set(['rms_norm', 'softmax', 'silu', 'tri_inverse', 'depthwise_conv']),
  prefill: new Set([
    'rms_norm',
    'softmax',
    'silu',
    'tri_inverse',
    'depthwise_conv',
    'attention',
    'linear_attention',
    'causal_conv1d',
  ]),
  decode: new Set(['rms_norm', 'softmax', 'silu', 'attention_step', 'linear_attention', 'causal_conv1d']),
}

export const ortCpu: Target = {
  kind: 'ort-cpu',
  title: 'ONNX Runtime, CPU',
  doc: 'The embedded default: float32 on the processor through the library that onnxruntime-node brings.',
  probe: () => probeProvider('CPU'),
  claims,
  open: (program, options) =>
    openOrtProgram(program, options, {
      providers: [],
      claims: (node) => claims(node, program.phase),
      config: {},
      threads: Math.min(availableParallelism(), 16),
    }),
}

function claims(node: Node, phase: Program['phase']): boolean {
  if (!CLAIMED[phase].has(node.op)) return false
  const isWindowed = (node.attrs['window'] as number) > 0
  if (node.op === 'attention') return takesHeadWidth(node) && !(isWindowed && (node.attrs['meta'] as number) > 0)
  if (node.op === 'attention_step') return takesHeadWidth(node) && !isWindowed
  return true
}
