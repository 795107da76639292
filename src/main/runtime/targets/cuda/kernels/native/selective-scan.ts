// The selective scan of Mamba-1, forward and backward. Meaning: core/ops/fused/scan.ts; bodies of the kernels:
// selective-scan/device.ts.

import type { Node, Value } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import type { Buffer } from '../../schedule/job.ts'
import { fillOf, STORED_BYTES } from '../../schedule/values.ts'
import { KernelWriter, powerOfTwo } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp, Rows } from './native-op.ts'
import { SELECTIVE_SCAN } from './selective-scan/device.ts'
import { TENSOR_CORE } from './tensor-core.ts'

const THREADS = 256
const WARPS = THREADS / 32
/** Tokens between the states that are kept for the gradient, and those that a thread does at once. */
const CHUNK = 32
const GROUP = 4
/** States of a channel, and of a thread. */
const MAX_STATES = 64
const MAX_PER_THREAD = 4
const STATE = 5
const FORMS = ['bf16', 'bf16', 'f32', 'bf16', 'bf16', 'f32'] as const

interface ScanShape {
  readonly batch: number
  readonly length: number
  readonly channels: number
  readonly states: number
  /** Threads of a channel, and states of each of them. */
  readonly lanes: number
  readonly perThread: number
  /** Blocks side by side along the channels. */
  readonly columns: number
  readonly chunks: number
}

function shapeOf([x, , rates]: readonly Value[]): ScanShape {
  const [batch, length, channels] = x!.type.shape as [number, number, number]
  const states = rates!.type.shape[1]!
  const perThread = Math.min(MAX_PER_THREAD, powerOfTwo(states / GROUP))
  const lanes = Math.max(GROUP, powerOfTwo(states / perThread))
  const columns = Math.ceil((channels * lanes) / THREADS)
  return { batch, length, channels, states, lanes, perThread, columns, chunks: Math.ceil(length / CHUNK) }
}

const takes = ([x, , rates]: readonly Value[]): boolean => x!.type.shape[1]! > 1 && rates!.type.shape[1]! <= MAX_STATES

const isEmpty = (state: Value): boolean => fillOf(state) === 0

/** Rows of B and C may lie apart. */
const rowsOf = (inputs: readonly Value[], input: number | undefined): number | undefined =>
  input === 3 || input === 4 ? inputs[input]!.type.shape[2]! : undefined

/** The sizes of an op as a type of selective-scan/device.ts. */
function sizesOf({ batch, length, channels, states, lanes, perThread }: ScanShape, b: Rows, c: Rows): string {
  const sizes = [batch, length, channels, states, CHUNK, lanes, perThread, b.stride, c.stride]
  return `selective_scan::Shape<${sizes.join(', ')}>`
}

/** Bytes of shared memory: halves of some values per channel, numbers per state, and what a gradient adds. */
function sharedBytes({ lanes, perThread }: ScanShape, isGradient: boolean): number {
  const states = lanes * perThread
  const halves = (isGradient ? 3 : 2) * CHUNK * (THREADS / lanes)
  const kept = (CHUNK / GROUP) * perThread * THREADS + 2 * WARPS * 2 * GROUP * states
  return halves * STORED_BYTES.bf16 + (2 * CHUNK * states + (isGradient ? kept : 0)) * STORED_BYTES.f32
}

/** The states that the chunks begin with, [sequence, chunk, E, N]. */
const startsOf = (primal: Node, { batch, chunks, channels, states }: ScanShape, memory: NativeMemory): Buffer =>
  memory.residual(primal, 'f32', batch * chunks * channels * states, 'states')

/** Pointers to the operands but the state. */
function operands(writer: KernelWriter, inputs: readonly Value[], [b, c]: readonly [Rows, Rows], memory: NativeMemory) {
  return [
    ...inputs.slice(0, 3).map((input) => writer.pointer(memory.buffer(input))),
    ...[b, c].map(({ buffer, offset }) => `${writer.pointer(buffer)} + ${offset}`),
  ]
}

function forwardKernel(node: Node, memory: NativeMemory): Launch {
  const { inputs } = node
  const [y, last] = node.outputs as [Value, Value]
  const shape = shapeOf(inputs)
  const writer = new KernelWriter()
  const rows = [memory.rows(inputs[3]!), memory.rows(inputs[4]!)] as const
  const args = [
    ...operands(writer, inputs, rows, memory),
    isEmpty(inputs[STATE]!) ? 'nullptr' : writer.pointer(memory.buffer(inputs[STATE]!)),
    memory.isRead(y) ? writer.writes(memory.buffer(y)) : 'nullptr',
    memory.isRead(last) ? writer.writes(memory.buffer(last)) : '(float *)nullptr',
    memory.isDifferentiated(node) ? writer.writes(startsOf(node, shape, memory)) : 'nullptr',
  ]
  const body = [`selective_scan::forward<${sizesOf(shape, ...rows)}>(${args.join(', ')});`]
  return writer.finish('selective_scan', [shape.batch * shape.columns, 1], THREADS, body, {
    shared: sharedBytes(shape, false),
    uses: [TENSOR_CORE, SELECTIVE_SCAN],
  })
}

function partsOf(node: Node, memory: NativeMemory) {
  const { inputs, outputs, cotangents, wrt } = vjpParts(node)
  const shape = shapeOf(inputs)
  const { batch, length, channels, states, columns } = shape
  const [dx, ddt, dRates, db, dc] = [0, 1, 2, 3, 4].map((input) => {
    const output = node.outputs[wrt.indexOf(input)]
    return output !== undefined && memory.isRead(output) ? output : undefined
  })
  const isSummed = db !== undefined || dc !== undefined
  return {
    inputs,
    ct: cotangents[0]!,
    shape,
    starts: startsOf(outputs[0]!.node, shape, memory),
    ...{ dx, ddt, dRates, db, dc },
    rateSums: dRates && memory.scratch('f32', batch * channels * states, 'sums of rates'),
    stateSums: isSummed ? memory.scratch('f32', columns * batch * length * 2 * states, 'sums of B and C') : undefined,
  }
}

type Parts = ReturnType<typeof partsOf>

function backwardKernel(memory: NativeMemory, parts: Parts): Launch {
  const { inputs, ct, shape, starts, dx, ddt, rateSums, stateSums } = parts
  const writer = new KernelWriter()
  const rows = [memory.rows(inputs[3]!), memory.rows(inputs[4]!)] as const
  const written = [dx && memory.buffer(dx), ddt && memory.buffer(ddt), rateSums, stateSums]
  const args = [
    ...operands(writer, inputs, rows, memory),
    writer.pointer(memory.buffer(ct)),
    writer.pointer(starts),
    ...written.map((buffer) => (buffer === undefined ? 'nullptr' : writer.writes(buffer))),
  ]
  const body = [`selective_scan::backward<${sizesOf(shape, ...rows)}>(${args.join(', ')});`]
  return writer.finish('selective_scan_grad', [shape.batch * shape.columns, 1], THREADS, body, {
    shared: sharedBytes(shape, true),
    minBlocks: 2,
    uses: [TENSOR_CORE, SELECTIVE_SCAN],
  })
}

/** Adds up some arrays of one size; the statements put `sum` where place `i` belongs. */
function totalKernel(writer: KernelWriter, from: Buffer, count: number, put: readonly string[]): Launch {
  const size = from.size / count
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i >= ${size}u) return;`,
    `float sum = selective_scan::total<${count}, ${size}>(${writer.pointer(from)}, i);`,
    ...put,
  ]
  const uses = [TENSOR_CORE, SELECTIVE_SCAN]
  return writer.finish('selective_scan_total', [Math.ceil(size / THREADS), 1], THREADS, body, { uses })
}

function rateKernel(memory: NativeMemory, { shape, dRates, rateSums }: Parts): Launch {
  const writer = new KernelWriter()
  return totalKernel(writer, rateSums!, shape.batch, [writer.store(memory.buffer(dRates!), 'i', 'sum')])
}

function stateKernel(memory: NativeMemory, { shape, db, dc, stateSums }: Parts): Launch {
  const writer = new KernelWriter()
  const put = [db, dc].flatMap((gradient, k) => {
    if (gradient === undefined) return []
    const { buffer, offset, stride } = memory.rows(gradient)
    return [`if (k == ${k}u) ${writer.store(buffer, `token * ${stride}u + n + ${offset}u`, 'sum')}`]
  })
  const { states } = shape
  return totalKernel(writer, stateSums!, shape.columns, [
    `unsigned token = i / ${2 * states}u, k = i / ${states}u % 2u, n = i % ${states}u;`,
    ...put,
  ])
}

export const selectiveScan: NativeOp = {
  kind: 'selective_scan',
  claims: (node) => takes(node.inputs),
  stored: ({ inputs }, side, index) => {
    if (side === 'output') return index === 0 ? 'bf16' : 'any'
    return index === STATE && isEmpty(inputs[STATE]!) ? undefined : FORMS[index]
  },
  rows: (node, side, index) => (side === 'input' ? rowsOf(node.inputs, index) : undefined),
  launches: (node, memory) => [forwardKernel(node, memory)],
}

export const selectiveScanGradient: NativeOp = {
  kind: 'vjp selective_scan',
  claims: (node) => {
    const { inputs, cotangents, wrt } = vjpParts(node)
    return takes(inputs) && cotangents[0] !== undefined && cotangents[1] === undefined && !wrt.includes(STATE)
  },
  stored: (node, side, index) => {
    const { inputs, outputs, wrt } = vjpParts(node)
    if (side === 'output') return FORMS[wrt[index]!]
    if (index < STATE) return FORMS[index]
    return index === inputs.length + outputs.length ? 'bf16' : undefined
  },
  rows: (node, side, index) => {
    const { inputs, wrt } = vjpParts(node)
    return rowsOf(inputs, side === 'input' ? index : wrt[index])
  },
  launches: (node, memory) => {
    const parts = partsOf(node, memory)
    return [
      backwardKernel(memory, parts),
      ...(parts.rateSums === undefined ? [] : [rateKernel(memory, parts)]),
      ...(parts.stateSums === undefined ? [] : [stateKernel(memory, parts)]),
    ]
  },
}
