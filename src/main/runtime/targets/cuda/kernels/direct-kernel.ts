// Matrix products as plain sums, with operands computed as they are read: for shapes too small or odd for the library.

import type { Node } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { Emitter } from '../schedule/emitter.ts'
import { unflatten, variable } from '../schedule/integer.ts'
import { matmulSizes, operandPlace } from '../schedule/matmul-view.ts'
import { KernelWriter } from './writer.ts'
import type { BufferOf, Launch } from './writer.ts'

const THREADS = 256
const WARPS = THREADS / 32
/** With fewer outputs than this a warp shares each sum. */
const FEW_OUTPUTS = 1 << 16
const LONG_SUM = 64

export function directKernel(node: Node, bufferOf: BufferOf): Launch {
  const { m, n, k, batchShape } = matmulSizes(node)
  const outputs = sizeOf(batchShape) * m * n
  const writer = new KernelWriter(bufferOf)
  const emitter = new Emitter({
    read: (value, place) => {
      const buffer = bufferOf(value)
      return buffer === undefined ? undefined : writer.load(buffer, place)
    },
  })
  const place = unflatten(variable('o', outputs), [...batchShape, m, n])
  const batch = place.slice(0, -2)
  const row = place.at(-2)!,
    column = place.at(-1)!
  const inner = variable('k', k)
  const a = emitter.element(node.inputs[0]!, operandPlace(node, 0, batch, row, inner))
  const b = emitter.element(node.inputs[1]!, operandPlace(node, 1, batch, inner, column))
  const lines = [...emitter.lines, `sum = fmaf(${a}, ${b}, sum);`]
  const result = bufferOf(node.outputs[0]!)!
  const isShared = outputs < FEW_OUTPUTS && k >= LONG_SUM
  const body = isShared
    ? [
        'unsigned lane = threadIdx.x % 32u;',
        `unsigned o = blockIdx.x * ${WARPS}u + threadIdx.x / 32u;`,
        `if (o >= ${outputs}u) return;`,
        'float sum = 0.0f;',
        '#pragma unroll 4',
        `for (unsigned k = lane; k < ${k}u; k += 32u) {`,
        ...lines,
        '}',
        'sum = lanes_add<32>(sum);',
        `if (lane == 0u) ${writer.store(result, 'o', 'sum')}`,
      ]
    : [
        `unsigned o = blockIdx.x * ${THREADS}u + threadIdx.x;`,
        `if (o >= ${outputs}u) return;`,
        'float sum = 0.0f;',
        '#pragma unroll 4',
        `for (unsigned k = 0; k < ${k}u; k++) {`,
        ...lines,
        '}',
        writer.store(result, 'o', 'sum'),
      ]
  return writer.finish('dot', [Math.ceil(outputs / (isShared ? WARPS : THREADS)), 1], THREADS, body)
}
