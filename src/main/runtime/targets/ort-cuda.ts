import type { Node } from '#core/graph/types.ts'
import { openOrtProgram, probeProvider } from './ort.ts'
import type { Target } from './target.ts'

/** Fused ops with float32 CUDA kernels; the attention kernels of this provider take half precision only. */
const CLAIMED: ReadonlySet<string> = new Set(['rms_norm', 'softmax', 'silu'])

const claims = (node: Node): boolean => CLAIMED.has(node.op)

export const ortCuda: Target = {
  kind: 'ort-cuda',
  title: 'ONNX Runtime, CUDA',
  doc: 'float32 on an NVIDIA GPU through the CUDA execution provider. State passes through host memory between runs.',
  probe: () => probeProvider('CUDA'),
  claims,
  open: (program, options) =>
    openOrtProgram(program, options, { providers: [{ name: 'CUDA' }], claims, config: {}, threads: 1 }),
}
