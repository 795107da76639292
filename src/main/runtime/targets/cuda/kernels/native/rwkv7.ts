// The RWKV-7 recurrence over sequences, forward and backward. Meaning: core/ops/fused/rwkv7.ts; bodies of the kernels:
// rwkv7/device.ts.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import type { Buffer } from '../../schedule/job.ts'
import { fillOf } from '../../schedule/values.ts'
import type { Stored } from '../../schedule/values.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { NativeMemory, NativeOp } from './native-op.ts'
import { CHUNK, LINES, RWKV7, THREADS } from './rwkv7/device.ts'
import { TENSOR_CORE } from './tensor-core.ts'

const WIDTHS = [32, 64, 128]
/** Places of the operands r, decay, k, v, kappa, b and of the state before. */
const DECAY = 1
const V = 3
const STATE = 6

interface Shape {
  readonly batch: number
  readonly length: number
  readonly heads: number
  readonly width: number
  readonly chunks: number
}

function shapeOf([r]: readonly Value[]): Shape {
  const [batch, length, heads, width] = r!.type.shape as [number, number, number, number]
  return { batch, length, heads, width, chunks: Math.ceil(length / CHUNK) }
}

const takes = (inputs: readonly Value[]): boolean => {
  const { length, width } = shapeOf(inputs)
  return length > 1 && WIDTHS.includes(width)
}

interface Kernel {
  readonly name: string
  /** Blocks of a head. */
  readonly blocks: number
  readonly shared?: number
  /** r, decay, k, kappa, b, and what is of the columns of the state. */
  readonly operands: readonly Buffer[]
  /** In the order of the device function's further parameters; undefined: a null pointer. */
  readonly reads: readonly (Buffer | undefined)[]
  readonly writes: readonly (Buffer | undefined)[]
}

function launch({ batch, length, heads, width }: Shape, kernel: Kernel): Launch {
  const writer = new KernelWriter()
  const operands = kernel.operands.map((buffer) => writer.pointer(buffer))
  const args = [
    `rwkv7::Operands{${operands.join(', ')}}`,
    ...kernel.reads.map((buffer) => (buffer === undefined ? 'nullptr' : writer.pointer(buffer))),
    ...kernel.writes.map((buffer) => (buffer === undefined ? 'nullptr' : writer.writes(buffer))),
  ]
  const body = [`rwkv7::${kernel.name}<rwkv7::Shape<${length}, ${heads}, ${width}>>(${args.join(', ')});`]
  return writer.finish(`rwkv7_${kernel.name}`, [kernel.blocks, heads, batch], THREADS, body, {
    ...(kernel.shared !== undefined && { shared: kernel.shared }),
    uses: [TENSOR_CORE, RWKV7],
  })
}

/** What a forward node leaves for its gradient: what each step removes, and the state before each chunk. */
function residuals(primal: Node, { batch, heads, width, chunks, length }: Shape, memory: NativeMemory) {
  return {
    removed: memory.residual(primal, 'f32', batch * length * heads * width, 'removed'),
    states: memory.residual(primal, 'f32', batch * heads * chunks * width * width, 'states'),
  }
}

function operandsOf(inputs: readonly Value[], column: Value, memory: NativeMemory): readonly Buffer[] {
  const [r, decay, k, , kappa, b] = inputs as [Value, Value, Value, Value, Value, Value]
  return [r, decay, k, kappa, b, column].map((value) => memory.buffer(value))
}

function forwardLaunches(node: Node, memory: NativeMemory): readonly Launch[] {
  const shape = shapeOf(node.inputs)
  const [state, [o, last]] = [node.inputs[STATE]!, node.outputs as [Value, Value]]
  const left = memory.isDifferentiated(node) ? residuals(node, shape, memory) : undefined
  return [
    launch(shape, {
      name: 'forward',
      blocks: shape.width / LINES,
      operands: operandsOf(node.inputs, node.inputs[V]!, memory),
      reads: [fillOf(state) === 0 ? undefined : memory.buffer(state)],
      writes: [
        memory.isRead(o) ? memory.buffer(o) : memory.scratch('bf16', sizeOf(o.type.shape), 'unread outputs'),
        left?.removed,
        left?.states,
        memory.isRead(last) ? memory.buffer(last) : undefined,
      ],
    }),
  ]
}

function gradientLaunches(node: Node, memory: NativeMemory): readonly Launch[] {
  const { inputs, outputs, cotangents, wrt } = vjpParts(node)
  const shape = shapeOf(inputs)
  const { width, chunks } = shape
  const { removed, states } = residuals(outputs[0]!.node, shape, memory)
  const isWanted = (input: number): boolean => {
    const output = node.outputs[wrt.indexOf(input)]
    return output !== undefined && memory.isRead(output)
  }
  const gradient = (input: number): Buffer =>
    isWanted(input)
      ? memory.buffer(node.outputs[wrt.indexOf(input)]!)
      : memory.scratch(formOf(input), removed.size, `unread gradient ${input}`)
  const ct = cotangents[0]!
  const dremoved = memory.scratch('f32', removed.size, 'gradients of what is removed')
  const dstates = memory.scratch('f32', states.size, 'gradients of states')
  const walk = launch(shape, {
    name: 'backward',
    blocks: width / LINES,
    operands: operandsOf(inputs, ct, memory),
    reads: [],
    writes: [gradient(V), dremoved, dstates],
  })
  const others = [0, DECAY, 2, 4, 5]
  if (!others.some(isWanted)) return [walk]
  return [
    walk,
    launch(shape, {
      name: 'gradients',
      blocks: (width / LINES) * chunks,
      // `Chunk` in rwkv7/device.ts
      shared: 4 * CHUNK * (4 * width + 7 * LINES),
      operands: operandsOf(inputs, inputs[V]!, memory),
      reads: [removed, states, memory.buffer(ct), dremoved, dstates],
      writes: others.map(gradient),
    }),
  ]
}

const formOf = (input: number): Stored => (input === DECAY || input === STATE ? 'f32' : 'bf16')

export const rwkv7Recurrence: NativeOp = {
  kind: 'rwkv7_recurrence',
  claims: ({ inputs }) => takes(inputs),
  stored: ({ inputs }, side, index) => {
    if (side === 'output') return index === 0 ? 'bf16' : 'f32'
    return index === STATE && fillOf(inputs[STATE]!) === 0 ? undefined : formOf(index)
  },
  launches: forwardLaunches,
}

export const rwkv7RecurrenceGradient: NativeOp = {
  kind: 'vjp rwkv7_recurrence',
  claims: (node) => {
    const { inputs, cotangents, wrt } = vjpParts(node)
    // the state before and the one behind have no gradient in training
    const isPlain =
      fillOf(inputs[STATE]!) === 0 && !wrt.includes(STATE) && cotangents[0] !== undefined && !cotangents[1]
    return isPlain && takes(inputs)
  },
  stored: (node, side, index) => {
    const { inputs, outputs, wrt } = vjpParts(node)
    if (side === 'output') return formOf(wrt[index]!)
    if (index < STATE) return formOf(index)
    return index === inputs.length + outputs.length ? 'bf16' : undefined
  },
  launches: gradientLaunches,
}
