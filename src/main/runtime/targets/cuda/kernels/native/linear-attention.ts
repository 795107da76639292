// Linear attention over sequences in chunks of 64 tokens, forward and backward. Meaning:
// core/ops/fused/linear-attention.ts; bodies of the kernels: linear-attention/.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { vjpParts } from '#core/ops/fused/vjp.ts'
import { textAttr } from '#core/ops/op.ts'
import { numberText } from '../../schedule/emitter.ts'
import type { Buffer } from '../../schedule/job.ts'
import type { Stored } from '../../schedule/values.ts'
import { fillOf } from '../../schedule/values.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import { BACKWARD } from './linear-attention/backward.ts'
import { FORWARD } from './linear-attention/forward.ts'
import { GRADIENTS } from './linear-attention/gradients.ts'
import { KEYED } from './linear-attention/keyed.ts'
import { PREPARE } from './linear-attention/prepare.ts'
import { WARP_TILES } from './linear-attention/tiles.ts'
import { WALK } from './linear-attention/walk.ts'
import type { NativeMemory, NativeOp, Rows } from './native-op.ts'
import { TENSOR_CORE } from './tensor-core.ts'

const CHUNK = 64
const WALK_THREADS = 128
const GRADIENT_THREADS = 512
const KEY_WIDTHS = [64, 128, 256]
/** Keys whose gradients one block takes. */
const PART_WIDTH = 128
/** The same of decays per key, with the threads of a block and its shared memory. */
const KEYED_WIDTH = 64
const KEYED_THREADS = 256
const KEYED_BYTES = 256 * 64 + 8192 + 512 * 64 + 256 * 64 + 256
/** Fewer blocks than this leave multiprocessors idle, so that narrower slices of values are faster. */
const ENOUGH_BLOCKS = 96
/** Bytes of the decays and write strengths of two chunks, and of `Sums` in linear-attention/gradients.ts. */
const NUMBERS_BYTES = 1024
const SUMS_BYTES = 4 * (8 * 64 + 8 * 64 + 16)

interface Operands {
  readonly q: Value
  readonly k: Value
  readonly v: Value
  readonly state: Value
  readonly decay: Value | undefined
  readonly beta: Value | undefined
}

interface Shape {
  readonly batch: number
  readonly length: number
  readonly heads: number
  readonly groups: number
  readonly keyWidth: number
  readonly valueWidth: number
  readonly chunks: number
  readonly isGated: boolean
  readonly isDelta: boolean
  readonly isDecayShared: boolean
  /** Decays are per key. */
  readonly isKeyed: boolean
  readonly scale: number
}

function operandsOf(inputs: readonly Value[], attrs: Node['attrs']): Operands {
  const [q, k, v, state, ...rest] = inputs as [Value, Value, Value, Value, ...Value[]]
  const rule = textAttr(attrs, 'rule')
  return {
    q,
    k,
    v,
    state,
    decay: rule.startsWith('gated') ? rest[0] : undefined,
    beta: rule.endsWith('delta') ? rest.at(-1) : undefined,
  }
}

function shapeOf({ q, v, decay, beta }: Operands, attrs: Node['attrs']): Shape {
  const [batch, length, groups, keyWidth] = q.type.shape as [number, number, number, number]
  const [, , heads, valueWidth] = v.type.shape as [number, number, number, number]
  return {
    batch,
    length,
    heads,
    groups,
    keyWidth,
    valueWidth,
    chunks: Math.ceil(length / CHUNK),
    // kernels that take decays per key are others; walks meet none
    isGated: decay?.type.shape.length === 3,
    isKeyed: decay?.type.shape.length === 4,
    isDelta: beta !== undefined,
    isDecayShared: decay !== undefined && decay.type.shape[0]! < batch,
    scale: attrs['scale'] as number,
  }
}

const takes = (shape: Shape): boolean => {
  const { length, heads, groups, keyWidth, valueWidth, isKeyed } = shape
  if (length === 1 || !KEY_WIDTHS.includes(keyWidth)) return false
  return isKeyed ? heads === groups && keyWidth <= 128 && valueWidth % 64 === 0 : valueWidth % 32 === 0
}

interface Tiling {
  /** Width of the slices of values that are worked on at a time. */
  readonly width: number
  /** Slices or chunks in shared memory. */
  readonly stages: number
  /** Bytes of shared memory. */
  readonly shared: number
}

/** A walk gives each slice to a block. Of the widest keys two blocks with one chunk each hide more than one with two. */
function walkTiling({ batch, heads, keyWidth, valueWidth }: Shape, sharedBytes: number): Tiling {
  const stages = keyWidth > PART_WIDTH ? 1 : 2
  const bytes = (width: number): number =>
    stages * (256 * keyWidth + 128 * width) + 2 * (keyWidth + CHUNK) * width + NUMBERS_BYTES
  const blocks = (batch * heads * valueWidth) / 64
  const isWide = stages === 2 && valueWidth % 64 === 0 && blocks >= ENOUGH_BLOCKS && bytes(64) <= sharedBytes
  const width = isWide ? 64 : 32
  return { width, stages, shared: bytes(width) }
}

/** Gradients of a chunk go through all values of the heads of a group in one block. */
function gradientTiling({ keyWidth, valueWidth, isDelta }: Shape, sharedBytes: number): Tiling {
  const keys = Math.min(keyWidth, PART_WIDTH)
  const pairs = (isDelta ? 2 : 1) * 2 * CHUNK * CHUNK
  const bytes = (width: number, stages: number): number =>
    256 * keys + stages * 2 * width * ((isDelta ? 3 : 2) * CHUNK + 2 * keys) + pairs + NUMBERS_BYTES + 2 * SUMS_BYTES
  const [width, stages] =
    ([64, 32] as const)
      .filter((w) => valueWidth % w === 0)
      .flatMap((w) => [[w, 2] as const, [w, 1] as const])
      .find(([w, s]) => bytes(w, s) <= sharedBytes) ?? ([32, 1] as const)
  return { width, stages, shared: bytes(width, stages) }
}

interface Kernel {
  readonly name: string
  readonly uses: readonly string[]
  readonly grid: readonly [number, number, number]
  readonly block: number
  readonly tiling: Tiling
  /** Elements from token to token of queries and keys, and of their gradients where it has them. */
  readonly apart: readonly [number, number]
  readonly gradientsApart?: readonly [number, number]
  /** In the order of the device function's parameters; undefined: a null pointer. */
  readonly reads: readonly (Buffer | Rows | undefined)[]
  readonly writes: readonly (Buffer | Rows | undefined)[]
}

const isRows = (place: Buffer | Rows): place is Rows => 'buffer' in place

/** A call of a device function whose sizes are template parameters. */
function launch(shape: Shape, kernel: Kernel): Launch {
  const { name, uses, grid, block, tiling, apart, gradientsApart = [], reads, writes } = kernel
  const writer = new KernelWriter()
  const { length, heads, groups, keyWidth, valueWidth } = shape
  const sizes = [length, heads, groups, keyWidth, valueWidth, ...apart, tiling.width, tiling.stages]
  const flags = [shape.isGated, shape.isDelta, shape.isDecayShared]
  const argument = (place: Buffer | Rows | undefined, pointer: (buffer: Buffer) => string): string => {
    if (place === undefined) return 'nullptr'
    return isRows(place) ? `${pointer(place.buffer)} + ${place.offset}` : pointer(place)
  }
  const args = [
    ...reads.map((place) => argument(place, (buffer) => writer.pointer(buffer))),
    ...writes.map((place) => argument(place, (buffer) => writer.writes(buffer))),
    numberText(shape.scale, 'f32'),
  ]
  const types = [`warp_tiles::Shape<${[...sizes, ...flags].join(', ')}>`, ...gradientsApart]
  const body = [`warp_tiles::${name}<${types.join(', ')}>(${args.join(', ')});`]
  return writer.finish(`linear_attention_${name}`, grid, block, body, {
    shared: tiling.shared,
    uses: [TENSOR_CORE, WARP_TILES, ...uses],
  })
}

/** What a forward node leaves for its gradient, beside what its walk reads itself. */
function residuals(primal: Node, shape: Shape, memory: NativeMemory) {
  const { batch, length, heads, groups, keyWidth, valueWidth, chunks, isGated, isDelta, isKeyed } = shape
  const block = CHUNK * CHUNK
  const residual = (stored: Stored, size: number, name: string): Buffer => memory.residual(primal, stored, size, name)
  return {
    scores: residual('bf16', batch * chunks * groups * block, 'scores'),
    sums: isGated ? residual('f32', batch * heads * chunks * CHUNK, 'sums of decays') : undefined,
    keySums: isKeyed ? residual('f32', batch * heads * chunks * CHUNK * keyWidth, 'sums of decays') : undefined,
    // queries and keys as the walks take them
    grown: isKeyed ? residual('bf16', batch * length * heads * keyWidth, 'grown queries') : undefined,
    faded: isKeyed ? residual('bf16', batch * length * heads * keyWidth, 'faded keys') : undefined,
    keys: isDelta ? residual('bf16', batch * chunks * groups * block, 'products of keys') : undefined,
    inverse: isDelta ? residual('bf16', batch * chunks * heads * block, 'inverse') : undefined,
    found: (): Buffer | undefined =>
      isDelta ? residual('bf16', batch * length * heads * valueWidth, 'found missing') : undefined,
    states: (): Buffer => residual('bf16', batch * heads * chunks * keyWidth * valueWidth, 'states'),
  }
}

const bufferOf = (memory: NativeMemory, value: Value | undefined): Buffer | undefined =>
  value === undefined ? undefined : memory.buffer(value)

/** Rows of queries and keys that lie dense. */
const denseRows = ({ groups, keyWidth }: Shape): readonly [number, number] => [groups * keyWidth, groups * keyWidth]

/** Queries and keys; kernels for decays per key have them dense. */
function pairOf({ q, k }: Operands, shape: Shape, memory: NativeMemory): readonly [Rows, Rows] {
  const rows = (value: Value): Rows =>
    shape.isKeyed ? { buffer: memory.buffer(value), offset: 0, stride: denseRows(shape)[0] } : memory.rows(value)
  return [rows(q), rows(k)]
}

/** The width of the rows of queries and keys that may lie apart. */
function pairWidth(inputs: readonly Value[], attrs: Node['attrs'], input: number): number | undefined {
  const shape = shapeOf(operandsOf(inputs, attrs), attrs)
  return input > 1 || shape.isKeyed ? undefined : denseRows(shape)[0]
}

function forwardLaunches(node: Node, memory: NativeMemory): readonly Launch[] {
  const operands = operandsOf(node.inputs, node.attrs)
  const shape = shapeOf(operands, node.attrs)
  const { batch, heads, groups, keyWidth, valueWidth, chunks, isDelta, isKeyed } = shape
  const [q, k, v] = [...pairOf(operands, shape, memory), memory.buffer(operands.v)]
  const [decay, beta] = [bufferOf(memory, operands.decay), bufferOf(memory, operands.beta)]
  const first = fillOf(operands.state) === 0 ? undefined : memory.buffer(operands.state)
  const [o, last] = node.outputs as [Value, Value]
  const left = residuals(node, shape, memory)
  const isDifferentiated = memory.isDifferentiated(node)
  const tiling = walkTiling(shape, memory.sharedBytes)
  const isByHead = isDelta || isKeyed
  const apart = isKeyed ? denseRows(shape) : ([q.stride, k.stride] as const)
  const prepare = {
    apart,
    grid: [chunks, isByHead ? heads : groups, batch],
    block: WALK_THREADS,
    tiling: { ...tiling, shared: 256 * Math.max(keyWidth, 68) + (isKeyed ? 256 * keyWidth : 512) },
  } as const
  return [
    isKeyed
      ? launch(shape, {
          name: 'prepare_keyed',
          uses: [KEYED],
          ...prepare,
          reads: [q, k, decay],
          writes: [left.scores, left.keySums, left.grown, left.faded],
        })
      : launch(shape, {
          name: 'prepare',
          uses: [PREPARE],
          ...prepare,
          reads: [q, k, decay, beta],
          writes: [left.scores, left.sums, left.keys, left.inverse],
        }),
    launch(shape, {
      name: 'walk_forward',
      uses: [WALK, FORWARD],
      grid: [valueWidth / tiling.width, heads, batch],
      block: WALK_THREADS,
      tiling,
      apart,
      reads: [left.grown ?? q, left.faded ?? k, v, first, beta, left.sums, left.keySums, left.scores, left.inverse],
      writes: [
        memory.isRead(o) ? memory.buffer(o) : memory.scratch('bf16', v.size, 'unread outputs'),
        isDifferentiated ? left.found() : undefined,
        isDifferentiated ? left.states() : undefined,
        memory.isRead(last) ? memory.buffer(last) : undefined,
      ],
    }),
  ]
}

function gradientLaunches(node: Node, memory: NativeMemory): readonly Launch[] {
  const { inputs, attrs, outputs, cotangents, wrt } = vjpParts(node)
  const operands = operandsOf(inputs, attrs)
  const shape = shapeOf(operands, attrs)
  const { batch, heads, groups, keyWidth, valueWidth, chunks, isGated, isDelta, isKeyed } = shape
  const left = residuals(outputs[0]!.node, shape, memory)
  const [q, k] = pairOf(operands, shape, memory)
  const [v, dout] = [memory.buffer(operands.v), memory.buffer(cotangents[0]!)]
  const apart = [q.stride, k.stride] as const
  const beta = bufferOf(memory, operands.beta)
  const isWanted = (input: number): boolean => {
    const output = node.outputs[wrt.indexOf(input)]
    return output !== undefined && memory.isRead(output)
  }
  const gradient = (input: number, stored: Stored, size: number): Buffer =>
    isWanted(input)
      ? memory.buffer(node.outputs[wrt.indexOf(input)]!)
      : memory.scratch(stored, size, `unread gradient ${input}`)
  const dv = gradient(2, 'bf16', v.size)
  const states = left.states()
  const dstates = memory.scratch('bf16', states.size, 'gradients of states')
  const tiling = walkTiling(shape, memory.sharedBytes)
  const walk = launch(shape, {
    name: 'walk_backward',
    uses: [WALK, BACKWARD],
    grid: [valueWidth / tiling.width, heads, batch],
    block: WALK_THREADS,
    tiling,
    apart,
    reads: [left.grown ?? q, left.faded ?? k, dout, beta, left.sums, left.keySums, left.scores, left.inverse],
    writes: [dv, dstates],
  })
  if (![0, 1, 4, 5].some(isWanted)) return [walk]
  const pairSize = sizeOf(operands.q.type.shape)
  const pairs = ([0, 1] as const).map((input): Rows => {
    const [stride] = denseRows(shape)
    if (isWanted(input) && !isKeyed) return memory.rows(node.outputs[wrt.indexOf(input)]!)
    return { buffer: gradient(input, 'bf16', pairSize), offset: 0, stride }
  })
  if (isKeyed)
    return [
      walk,
      launch(shape, {
        name: 'gradients_keyed',
        uses: [KEYED],
        grid: [chunks, heads * (keyWidth / KEYED_WIDTH), batch],
        block: KEYED_THREADS,
        apart,
        tiling: { width: 64, stages: 1, shared: KEYED_BYTES },
        reads: [q, k, v, left.keySums, states, dout, dstates],
        writes: [...pairs, gradient(4, 'f32', pairSize)],
      }),
    ]
  // gradients of decays and write strengths, for each part of the keys
  const parts = Math.ceil(keyWidth / PART_WIDTH)
  const perHead = batch * shape.length * heads
  const numbers = [...(isGated ? [4] : []), ...(isDelta ? [inputs.length - 1] : [])].map((input) => {
    const whole = gradient(input, 'f32', perHead)
    return { input, whole, parts: parts === 1 ? whole : memory.scratch('f32', parts * perHead, 'parts of gradients') }
  })
  const partsOf = (isPresent: boolean, input: number): Buffer | undefined =>
    isPresent ? numbers.find((n) => n.input === input)!.parts : undefined
  return [
    walk,
    launch(shape, {
      name: 'gradients',
      uses: [GRADIENTS],
      grid: [chunks, groups * parts, batch],
      block: GRADIENT_THREADS,
      apart,
      gradientsApart: [pairs[0]!.stride, pairs[1]!.stride],
      tiling: gradientTiling(shape, memory.sharedBytes),
      reads: [q, k, left.found() ?? v, beta, left.sums, left.scores, left.keys, states, dout, dv, dstates],
      writes: [...pairs, partsOf(isGated, 4), partsOf(isDelta, inputs.length - 1)],
    }),
    ...(parts === 1 ? [] : numbers.map((n) => addParts(n.parts, n.whole, parts))),
  ]
}

/** Adds up parts that lie one after the other. */
function addParts(from: Buffer, into: Buffer, parts: number): Launch {
  const writer = new KernelWriter()
  const terms = Array.from({ length: parts }, (_, part) => writer.load(from, `i + ${part * into.size}u`))
  const body = [
    `unsigned i = blockIdx.x * ${WALK_THREADS}u + threadIdx.x;`,
    `if (i < ${into.size}u) ${writer.store(into, 'i', terms.join(' + '))}`,
  ]
  return writer.finish('linear_attention_parts', [Math.ceil(into.size / WALK_THREADS), 1], WALK_THREADS, body)
}

const inputForm = (inputs: readonly Value[], index: number): Stored | undefined => {
  if (index === 3) return fillOf(inputs[3]!) === 0 ? undefined : 'f32'
  return index < 3 ? 'bf16' : 'f32'
}

export const linearAttention: NativeOp = {
  kind: 'linear_attention',
  claims: ({ inputs, attrs }) => {
    const operands = operandsOf(inputs, attrs)
    return takes(shapeOf(operands, attrs))
  },
  stored: ({ inputs }, side, index) => {
    if (side === 'input') return inputForm(inputs, index)
    return index === 0 ? 'bf16' : 'f32'
  },
  rows: ({ inputs, attrs }, side, index) => (side === 'input' ? pairWidth(inputs, attrs, index) : undefined),
  launches: forwardLaunches,
}

export const linearAttentionGradient: NativeOp = {
  kind: 'vjp linear_attention',
  claims: (node) => {
    const { inputs, attrs, cotangents, wrt } = vjpParts(node)
    const operands = operandsOf(inputs, attrs)
    const shape = shapeOf(operands, attrs)
    // the state before and the one behind have no gradient in training
    const isPlain = fillOf(operands.state) === 0 && !wrt.includes(3) && cotangents[0] !== undefined && !cotangents[1]
    return isPlain && takes(shape) && !(shape.isDecayShared && wrt.includes(4))
  },
  stored: (node, side, index) => {
    const { inputs, outputs, wrt } = vjpParts(node)
    if (side === 'output') return wrt[index]! < 3 ? 'bf16' : 'f32'
    if (index >= inputs.length) return index === inputs.length + outputs.length ? 'bf16' : undefined
    // decays are in the sums that the forward node leaves
    return index === 4 && textAttr(node.attrs, 'rule').startsWith('gated') ? undefined : inputForm(inputs, index)
  },
  rows: (node, side, index) => {
    const { inputs, attrs, wrt } = vjpParts(node)
    return pairWidth(inputs, attrs, side === 'input' ? index : wrt[index]!)
  },
  launches: gradientLaunches,
}
