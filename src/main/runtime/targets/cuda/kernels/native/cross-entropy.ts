// Cross-entropy of bf16 logits: one pass for the loss, one for the gradient, which needs the logarithm of each row's sum and
// nothing else of it. Meaning: core/ops/fused/loss.ts.

import type { Node, Value } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { intAttr } from '#core/ops/op.ts'
import type { Buffer } from '../../schedule/job.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'

const THREADS = 256
const WARPS = THREADS / 32
/** Neighbouring logits that are loaded at once. */
const WIDTH = 8
/** Threads that add up the rows' losses. */
const SUM_THREADS = 1024

const takes = ([logits]: readonly Value[]): boolean => logits!.type.shape[1]! % WIDTH === 0

/** log Σ e^x of each row, and its loss: 0 where the target is ignored. */
function rowsKernel(node: Node, lse: Buffer, losses: Buffer, memory: NativeMemory): Launch {
  const [logits, targets] = node.inputs as [Value, Value]
  const [rows, width] = logits.type.shape as [number, number]
  const writer = new KernelWriter()
  const x = writer.pointer(memory.buffer(logits))
  const target = writer.load(memory.buffer(targets), 'r')
  const body = [
    `__shared__ float most[${WARPS}], sums[${WARPS}];`,
    'unsigned r = blockIdx.x;',
    `unsigned long long base = (unsigned long long)r * ${width}u;`,
    // a finite start, so that the difference of two of them is 0
    'float m = -3.0e38f, s = 0.0f;',
    '#pragma unroll 4',
    `for (unsigned j = threadIdx.x * ${WIDTH}u; j < ${width}u; j += ${THREADS * WIDTH}u) {`,
    `float v[${WIDTH}];`,
    `load_many<${WIDTH}>(v, ${x} + base + j);`,
    'float top = v[0];',
    '#pragma unroll',
    `for (int u = 1; u < ${WIDTH}; u++) top = larger(top, v[u]);`,
    'top = larger(top, m);',
    's *= exp_f(m - top);',
    'm = top;',
    '#pragma unroll',
    `for (int u = 0; u < ${WIDTH}; u++) s += exp_f(v[u] - m);`,
    '}',
    'float all = lanes_larger<32>(m);',
    's = lanes_add<32>(s * exp_f(m - all));',
    'if (threadIdx.x % 32u == 0u) { most[threadIdx.x / 32u] = all; sums[threadIdx.x / 32u] = s; }',
    '__syncthreads();',
    'if (threadIdx.x != 0u) return;',
    'all = most[0];',
    `for (int w = 1; w < ${WARPS}; w++) all = larger(all, most[w]);`,
    's = 0.0f;',
    `for (int w = 0; w < ${WARPS}; w++) s += sums[w] * exp_f(most[w] - all);`,
    'float log_sum = all + logf(s);',
    `int t = ${target};`,
    writer.store(lse, 'r', 'log_sum'),
    `bool isCounted = t != ${intAttr(node.attrs, 'ignoreIndex')};`,
    writer.store(losses, 'r', `isCounted ? log_sum - load(${x}, base + min((unsigned)t, ${width - 1}u)) : 0.0f`),
  ]
  return writer.finish('cross_entropy', [rows, 1], THREADS, body)
}

/** The mean over rows that count, and their number. */
function meanKernel(node: Node, losses: Buffer, memory: NativeMemory): Launch {
  const [logits, targets] = node.inputs as [Value, Value]
  const rows = logits.type.shape[0]!
  const writer = new KernelWriter()
  const stores = node.outputs.flatMap((output, i) =>
    memory.isRead(output)
      ? [writer.store(memory.buffer(output), '0u', i === 0 ? 'sum / larger(count, 1.0f)' : 'count')]
      : [],
  )
  const body = [
    '__shared__ float shared[32];',
    'float sum = 0.0f, count = 0.0f;',
    `for (unsigned r = threadIdx.x; r < ${rows}u; r += ${SUM_THREADS}u) {`,
    `sum += ${writer.load(losses, 'r')};`,
    `count += ${writer.load(memory.buffer(targets), 'r')} != ${intAttr(node.attrs, 'ignoreIndex')} ? 1.0f : 0.0f;`,
    '}',
    `sum = block_add<${SUM_THREADS / 32}>(sum, shared);`,
    `count = block_add<${SUM_THREADS / 32}>(count, shared);`,
    'if (threadIdx.x != 0u) return;',
    ...stores,
  ]
  return writer.finish('mean_loss', [1, 1], SUM_THREADS, body)
}

function gradientKernel(node: Node, memory: NativeMemory): Launch {
  const { inputs, outputs, cotangents, attrs } = vjpParts(node)
  const [logits, targets] = inputs as [Value, Value]
  const [rows, width] = logits.type.shape as [number, number]
  const writer = new KernelWriter()
  const lse = memory.residual(outputs[0]!.node, 'f32', rows, 'log sums')
  const items = (rows * width) / WIDTH
  const load = (value: Value, at: string): string => writer.load(memory.buffer(value), at)
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${items}u) return;`,
    `unsigned r = i / ${width / WIDTH}u, j = i % ${width / WIDTH}u * ${WIDTH}u;`,
    `float v[${WIDTH}];`,
    `load_many<${WIDTH}>(v, ${writer.pointer(memory.buffer(logits))} + (unsigned long long)i * ${WIDTH}u);`,
    `int t = ${load(targets, 'r')};`,
    `float log_sum = ${writer.load(lse, 'r')};`,
    `float weight = t == ${intAttr(attrs, 'ignoreIndex')} ? 0.0f : ${load(cotangents[0]!, '0u')} / larger(${load(outputs[1]!, '0u')}, 1.0f);`,
    // a target outside the table counts as its last row, as in the loss
    `unsigned own = min((unsigned)t, ${width - 1}u) - j;`,
    '#pragma unroll',
    `for (int u = 0; u < ${WIDTH}; u++) v[u] = weight * (exp_f(v[u] - log_sum) - (own == u ? 1.0f : 0.0f));`,
    `store_many<${WIDTH}>(${writer.writes(memory.buffer(node.outputs[0]!))} + (unsigned long long)i * ${WIDTH}u, v);`,
  ]
  return writer.finish('cross_entropy_grad', [Math.ceil(items / THREADS), 1], THREADS, body)
}

export const crossEntropy: NativeOp = {
  kind: 'cross_entropy',
  claims: (node) => takes(node.inputs),
  stored: (_, side, index) => (side === 'output' ? 'f32' : index === 0 ? 'bf16' : 'i32'),
  launches: (node, memory) => {
    const rows = node.inputs[0]!.type.shape[0]!
    const lse = memory.residual(node, 'f32', rows, 'log sums')
    const losses = memory.scratch('f32', rows, 'losses')
    return [rowsKernel(node, lse, losses, memory), meanKernel(node, losses, memory)]
  },
}

export const crossEntropyGradient: NativeOp = {
  kind: 'vjp cross_entropy',
  claims: (node) => {
    const { inputs, cotangents, wrt } = vjpParts(node)
    return takes(inputs) && cotangents[1] === undefined && wrt.join() === '0'
  },
  stored: (node, side, index) => {
    if (side === 'output' || index === 0) return 'bf16'
    if (index === 1) return 'i32'
    return index === 2 ? undefined : 'f32'
  },
  launches: (node, memory) => [gradientKernel(node, memory)],
}
