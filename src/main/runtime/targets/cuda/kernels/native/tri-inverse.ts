// (I + A)^-1 of strictly lower triangular blocks: one block of threads for each matrix, forward substitution in shared memory.

import type { Node } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { KernelWriter, powerOfTwo } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

/** Largest matrix that the kernel takes: two of them fit in 48 KB of shared memory. */
const MAX_TRI_SIZE = 64

/**
 * X = (I + A)^-1 by rows: X_i = e_i - Σ_(j<i) A_ij X_j. Each thread owns columns of X, which never mix, so rows need no
 * barrier between them.
 */
function triInverseKernel(node: Node, memory: NativeMemory): Launch {
  const size = node.inputs[0]!.type.shape.at(-1)!
  const matrices = sizeOf(node.inputs[0]!.type.shape) / size ** 2
  const writer = new KernelWriter()
  const threads = Math.max(32, powerOfTwo(size))
  const area = size * size
  const body = [
    `__shared__ float a[${area}];`,
    `unsigned base = blockIdx.x * ${area}u;`,
    `for (unsigned i = threadIdx.x; i < ${area}u; i += ${threads}u) a[i] = ${writer.load(memory.buffer(node.inputs[0]!)!, 'base + i')};`,
    '__syncthreads();',
    'unsigned c = threadIdx.x;',
    `if (c >= ${size}u) return;`,
    `float x[${size}];`,
    '#pragma unroll',
    `for (int i = 0; i < ${size}; i++) {`,
    'float sum = i == (int)c ? 1.0f : 0.0f;',
    '#pragma unroll',
    `for (int j = 0; j < i; j++) sum = fmaf(-a[i * ${size} + j], x[j], sum);`,
    'x[i] = sum;',
    '}',
    '#pragma unroll',
    `for (int i = 0; i < ${size}; i++) ${writer.store(memory.buffer(node.outputs[0]!)!, `base + i * ${size}u + c`, 'x[i]')}`,
  ]
  return writer.finish('tri_inverse', [matrices, 1], threads, body)
}

export const triInverse: NativeOp = {
  kind: 'tri_inverse',
  claims: (node) => node.outputs[0]!.type.shape.at(-1)! <= MAX_TRI_SIZE,
  stored: () => 'any',
  launches: (node, memory) => [triInverseKernel(node, memory)],
}
