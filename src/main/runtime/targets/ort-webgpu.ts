import type { Program } from '#core/graph/program.ts'
import type { Node } from '#core/graph/types.ts'
import { openOrtProgram, probeProvider, takesHeadWidth } from './ort.ts'
import type { Target } from './target.ts'

/** Fused ops with WebGPU kernels. Inverse and TensorScatter have none, so what needs them is decomposed or runs on the CPU. */
const CLAIMED: Readonly<Record<Program['phase'], ReadonlySet<string>>> = {
  train: new Set(['rms_norm', 'softmax', 'silu', 'depthwise_conv']),
  prefill: new Set(['rms_norm', 'softmax', 'silu', 'depthwise_conv', 'attention', 'linear_attention', 'causal_conv1d']),
  decode: new Set(['rms_norm', 'softmax', 'silu', 'attention_step', 'linear_attention', 'causal_conv1d']),
}

/** Widest key that the LinearAttention kernel takes on this provider. */
const MAX_KEY_WIDTH = 256

export const ortWebgpu: Target = {
  kind: 'ort-webgpu',
  title: 'ONNX Runtime, WebGPU',
  doc: 'float32 on a GPU through WebGPU. State passes through host memory between runs, which decode times include.',
  probe: () => probeProvider('WebGPU'),
  claims,
  open: (program, options) =>
    openOrtProgram(program, options, {
      providers: [{ name: 'WebGPU' }],
      claims: (node) => claims(node, program.phase),
      config: {},
      threads: 1,
    }),
}

function claims(node: Node, phase: Program['phase']): boolean {
  if (!CLAIMED[phase].has(node.op)) return false
  if (node.op === 'attention' || node.op === 'attention_step')
    return takesHeadWidth(node) && (node.attrs['window'] as number) === 0
  if (node.op === 'linear_attention') return node.inputs[0]!.type.shape[3]! <= MAX_KEY_WIDTH
  return true
}
