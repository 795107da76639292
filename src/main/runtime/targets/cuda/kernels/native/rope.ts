// Rotary position embedding, and with the sine negated its gradient. A thread has neighbouring angles of one token and turns them
// in every head, so that tables are read once. Meaning: core/ops/fused/rope.ts.

import type { Node } from '#core/graph/types.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

const THREADS = 256
/** Neighbouring angles of a thread. */
const ANGLES = 8

function ropeKernel(node: Node, memory: NativeMemory): Launch {
  const [batch, length, heads, width] = node.inputs[0]!.type.shape as [number, number, number, number]
  const half = width / 2
  const threads = (batch * length * half) / ANGLES
  const writer = new KernelWriter()
  const [x, cos, sin] = node.inputs.map((input) => writer.pointer(memory.buffer(input)))
  const into = memory.rows(node.outputs[0]!)
  const y = writer.writes(into.buffer)
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${threads}u) return;`,
    `unsigned row = i / ${half / ANGLES}u, angle = i % ${half / ANGLES}u * ${ANGLES}u;`,
    `unsigned entry = row % ${length}u * ${half}u + angle;`,
    `float c[${ANGLES}], s[${ANGLES}];`,
    `load_many<${ANGLES}>(c, ${cos} + entry);`,
    `load_many<${ANGLES}>(s, ${sin} + entry);`,
    '#pragma unroll 4',
    `for (unsigned h = 0; h < ${heads}u; h++) {`,
    `unsigned long long at = ((unsigned long long)row * ${heads}u + h) * ${width}u + angle;`,
    `unsigned long long to = (unsigned long long)row * ${into.stride}u + h * ${width}u + angle + ${into.offset}u;`,
    `float a[${ANGLES}], b[${ANGLES}], first[${ANGLES}], second[${ANGLES}];`,
    `load_many<${ANGLES}>(a, ${x} + at);`,
    `load_many<${ANGLES}>(b, ${x} + at + ${half}u);`,
    '#pragma unroll',
    `for (int u = 0; u < ${ANGLES}; u++) {`,
    'first[u] = a[u] * c[u] - b[u] * s[u];',
    'second[u] = b[u] * c[u] + a[u] * s[u];',
    '}',
    `store_many<${ANGLES}>(${y} + to, first);`,
    `store_many<${ANGLES}>(${y} + to + ${half}u, second);`,
    '}',
  ]
  return writer.finish('rope', [Math.ceil(threads / THREADS), 1], THREADS, body)
}

export const rope: NativeOp = {
  kind: 'rope',
  // one token alone is better turned by the kernel that reads it
  claims: ({ inputs: [x] }) => x!.type.shape[1]! > 1 && x!.type.shape[3]! % (2 * ANGLES) === 0,
  stored: (_, side, index) => (side === 'input' && index > 0 ? 'f32' : 'bf16'),
  rows: ({ outputs }, side) => {
    const { shape } = outputs[0]!.type
    return side === 'output' ? shape[2]! * shape[3]! : undefined
  },
  launches: (node, memory) => [ropeKernel(node, memory)],
}
