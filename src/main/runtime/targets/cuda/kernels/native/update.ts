// A block of rows written at a place that is known only at run time: caches of decoding.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

const THREADS = 256

/** Replaces a block of rows; where the result has the memory of the operand, only the block is written. */
function updateKernel(node: Node, memory: NativeMemory): Launch {
  const [x, block, start] = node.inputs as [Value, Value, Value]
  const axis = node.attrs['axis'] as number
  const inner = sizeOf(x.type.shape.slice(axis + 1))
  const [length, rows] = [x.type.shape[axis]!, block.type.shape[axis]!]
  const from = memory.buffer(x)!,
    into = memory.buffer(node.outputs[0]!)!
  const writer = new KernelWriter()
  const first = writer.load(memory.buffer(start)!, '0u')
  const isInPlace = from === into
  const size = sizeOf((isInPlace ? block : x).type.shape)
  const taken = writer.load(memory.buffer(block)!, `(o * ${rows}u + t) * ${inner}u + c`)
  const position = isInPlace ? rows : length
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${size}u) return;`,
    `unsigned c = i % ${inner}u, t = i / ${inner}u % ${position}u, o = i / ${inner * position}u;`,
    `unsigned at = min((unsigned)max(${first}, 0), ${length - rows}u);`,
    ...(isInPlace
      ? [writer.store(into, `(o * ${length}u + at + t) * ${inner}u + c`, taken)]
      : [
          'bool isBlock = t - at < ' + `${rows}u;`,
          `float x = isBlock ? 0.0f : ${writer.load(from, 'i')};`,
          'if (isBlock) { t -= at; ' + `x = ${taken}; }`,
          writer.store(into, 'i', 'x'),
        ]),
  ]
  return writer.finish('update', [Math.ceil(size / THREADS), 1], THREADS, body)
}

export const update: NativeOp = {
  kind: 'update',
  claims: () => true,
  stored: () => 'any',
  inPlace: () => [{ output: 0, input: 0 }],
  launches: (node, memory) => [updateKernel(node, memory)],
}
