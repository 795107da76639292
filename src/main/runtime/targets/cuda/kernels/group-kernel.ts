// Kernels of groups. A group without reductions takes its elements one by one. A group that reduces rows gives each row to
// some lanes of a warp, or to a block, and walks over the row once for every reduction that waits for another.

import type { Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { Emitter } from '../schedule/emitter.ts'
import { wholeReads } from '../schedule/reads.ts'
import { keyOf, plus, times, variable } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import type { Buffer, GroupJob } from '../schedule/job.ts'
import { isReduction } from '../schedule/values.ts'
import { Neighbours, neighboursOf, placeOf } from './neighbours.ts'
import { joinKernel } from './reduce-kernel.ts'
import { KernelWriter, powerOfTwo } from './writer.ts'
import type { BufferOf, Launch } from './writer.ts'

const THREADS = 256
/** Longest row for one warp. */
const WARP_ROW = 1024
/** Elements of a row that a thread keeps in registers from one walk to the next. */
const MAX_KEPT = 32

/**
 * A kernel that adds up columns leaves a row of sums for each block. While a row has few arrays (in memory or added up), so that their
 * registers are few, its blocks are as many as a large device holds at once, and a thread has this many elements of a row at most.
 */
const LEAN = { arrays: 6, elements: 16, resident: 3, blocks: 396 }
const SUMMING_BLOCKS = 528

/**
 * @param stored members whose values others read from memory
 * @param scratch makes f32 memory of a size for this job alone
 */
export function groupKernels(
  job: GroupJob,
  stored: ReadonlySet<Value>,
  roots: ReadonlySet<Value>,
  bufferOf: BufferOf,
  scratch: (size: number) => Buffer,
): readonly Launch[] {
  const { rowLength, columnSums } = job
  if (rowLength === undefined) return [flatKernel(job, stored, bufferOf)]
  const shape = rowShape(job, rowLength, isLean(job, stored, roots))
  const sums = columnSums.map((value) => ({ value, parts: scratch(shape.blocks * rowLength) }))
  return [
    rowKernel(job, rowLength, shape, stored, roots, bufferOf, sums),
    ...sums.map(({ value, parts }) => joinKernel('reduce_sum', rowLength, shape.blocks, parts, bufferOf(value)!)),
  ]
}

/** A sum over rows, and the memory for what each block has of it. */
interface ColumnSum {
  readonly value: Value
  readonly parts: Buffer
}

function flatKernel(job: GroupJob, stored: ReadonlySet<Value>, bufferOf: BufferOf): Launch {
  const writer = new KernelWriter(bufferOf)
  const width = neighboursOf(job.size, 1)
  const items = job.size / width
  const at = placeOf('i', job.size, width)
  const own = new Set(job.members)
  const neighbours = new Neighbours(writer, width)
  const emitter = new Emitter({
    read: (value, place, isConditional) => {
      const buffer = own.has(value) ? undefined : bufferOf(value)
      return buffer === undefined ? undefined : neighbours.load(buffer, place, isConditional)
    },
  })
  // a state may be overwritten where it is read, so everything is read before anything is stored
  const elements = job.members.map((member) => emitter.element(member, at))
  job.members.forEach((member, i) => {
    if (stored.has(member)) emitter.lines.push(neighbours.store(bufferOf(member)!, at, elements[i]!))
  })
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i < ${items}u) {`,
    ...neighbours.loop(emitter.lines),
    '}',
  ]
  return writer.finish('map', [Math.ceil(items / THREADS), 1], THREADS, body)
}

interface RowShape {
  /** Threads that share a row. */
  readonly lanes: number
  readonly threads: number
  readonly rowsPerBlock: number
  /** Neighbouring elements that a thread takes at once, and how often it does. */
  readonly width: number
  readonly trips: number
  readonly blocks: number
  /** Blocks that a multiprocessor should hold. */
  readonly minBlocks: number | undefined
}

/** Whether a kernel adds up columns beside few other arrays. */
function isLean(
  { size, members, columnSums }: GroupJob,
  stored: ReadonlySet<Value>,
  roots: ReadonlySet<Value>,
): boolean {
  const own = new Set(members)
  const read = [...members, ...columnSums].flatMap((member) => {
    const isReduced = isReduction(member.node)
    const operand = isReduced ? member.node.inputs[0]! : member
    return wholeReads(operand, roots, !isReduced).map(({ value }) => value)
  })
  const touched = new Set([...read.filter((value) => !own.has(value)), ...members.filter((m) => stored.has(m))])
  const large = [...touched].filter(({ type }) => sizeOf(type.shape) >= size)
  return columnSums.length > 0 && large.length + columnSums.length <= LEAN.arrays
}

function rowShape({ size, columnSums }: GroupJob, length: number, lean: boolean): RowShape {
  const rows = size / length
  const width = neighboursOf(length, rows)
  const items = length / width
  const most = lean ? Math.max(32, powerOfTwo(length / LEAN.elements)) : 32
  const lanes =
    length <= WARP_ROW
      ? Math.min(powerOfTwo(items), most)
      : Math.min(1024, Math.max(THREADS, powerOfTwo(length / MAX_KEPT)))
  const threads = Math.max(lanes, THREADS)
  const rowsPerBlock = threads / lanes
  const needed = Math.ceil(rows / rowsPerBlock)
  return {
    lanes,
    threads,
    rowsPerBlock,
    width,
    trips: Math.ceil(items / lanes),
    blocks: columnSums.length === 0 ? needed : Math.min(needed, lean ? LEAN.blocks : SUMMING_BLOCKS),
    minBlocks: lean && threads === THREADS ? LEAN.resident : undefined,
  }
}

function rowKernel(
  job: GroupJob,
  length: number,
  shape: RowShape,
  stored: ReadonlySet<Value>,
  roots: ReadonlySet<Value>,
  bufferOf: BufferOf,
  sums: readonly ColumnSum[],
): Launch {
  const rows = job.size / length
  const writer = new KernelWriter(bufferOf)
  const own = new Set(job.members)
  const isScalar = (value: Value): boolean => sizeOf(value.type.shape) === rows
  const walkOf = walks(job, own, roots, isScalar)
  const sumWalks = sums.map(({ value }) => readyIn(value.node.inputs[0]!, false, own, roots, walkOf))
  const count = 1 + Math.max(...sumWalks, ...job.members.map((m) => walkOf.get(m)!.walk))
  const row = variable('r', rows)
  const at = plus(times(row, length), placeOf('j', length, shape.width))
  const keeps = count > 1 && shape.trips * shape.width <= MAX_KEPT
  const kept = new Map<Buffer, string>()
  const names = new Map<Value, string>()

  const rowEmitter = new Emitter({
    read: (value, place) => {
      const name = names.get(value)
      if (name !== undefined) return name
      const buffer = own.has(value) ? undefined : bufferOf(value)
      return buffer === undefined ? undefined : writer.load(buffer, place)
    },
  })
  const body: string[] = []
  const flush = (): void => void body.push(...rowEmitter.lines.splice(0))
  const scalars = (walk: number): void => {
    for (const member of job.members) {
      if (!isScalar(member) || isReduction(member.node) || walkOf.get(member)!.walk !== walk) continue
      names.set(member, rowEmitter.element(member, row))
    }
    for (const member of job.members) {
      const isReady = isScalar(member) && walkOf.get(member)!.walk === walk
      if (isReady && stored.has(member))
        rowEmitter.lines.push(`if (isRow && lane == 0u) ${writer.store(bufferOf(member)!, row, names.get(member)!)}`)
    }
    flush()
  }
  scalars(-1)
  for (let walk = 0; walk < count; walk++) {
    const reductions = job.members.filter((m) => isReduction(m.node) && walkOf.get(m)!.walk === walk)
    // an overwritten state waits for the last walk, since all walks may read the old one
    const storedIn = (member: Value): number =>
      bufferOf(member)!.home === 'state' ? count - 1 : walkOf.get(member)!.walk
    const outputs = job.members.filter((m) => !isScalar(m) && stored.has(m) && storedIn(m) === walk)
    const emitter = new Emitter(
      { read: (value, place, isConditional) => readInWalk(value, place, isConditional) },
      `w${walk}_`,
    )
    const neighbours = new Neighbours(writer, shape.width, `w${walk}`)
    const readInWalk = (value: Value, place: Index, isConditional: boolean): string | undefined => {
      const name = names.get(value)
      if (name !== undefined && isScalar(value)) return name
      if (own.has(value)) return undefined
      const buffer = bufferOf(value)
      if (buffer === undefined) return undefined
      if (!keeps || keyOf(place) !== keyOf(at) || buffer.stored === 'i32' || buffer.stored === 'u8')
        return neighbours.load(buffer, place, isConditional)
      const found = kept.get(buffer)
      if (found !== undefined) return found
      const element = neighbours.load(buffer, place, isConditional)
      if (isConditional) return element
      const array = `kept${kept.size}`
      const keptElement = `${array}[t * ${shape.width}u + u_]`
      kept.set(buffer, keptElement)
      return `${keptElement} = ${element}`
    }
    for (const reduction of reductions) {
      const accumulator = accumulatorOf(job, reduction)
      body.push(`float ${accumulator} = ${reduction.node.op === 'reduce_sum' ? '0.0f' : '__int_as_float(0xff800000)'};`)
      const element = emitter.element(reduction.node.inputs[0]!, at)
      const combine = reduction.node.op === 'reduce_sum' ? 'add_f' : 'larger'
      emitter.lines.push(`${accumulator} = ${combine}(${accumulator}, ${element});`)
    }
    const elements = outputs.map((output) => emitter.element(output, at))
    outputs.forEach((output, i) =>
      emitter.lines.push(neighbours.store(bufferOf(output)!, at, elements[i]!, 'if (isRow) ')),
    )
    const summed = sums.flatMap(({ value }, n) => (sumWalks[n] === walk ? [{ value, n }] : []))
    for (const { value, n } of summed)
      emitter.lines.push(
        `column${n}[t * ${shape.width}u + u_] += isRow ? ${emitter.element(value.node.inputs[0]!, at)} : 0.0f;`,
      )
    if (emitter.lines.length > 0)
      body.push(
        keeps || summed.length > 0 ? '#pragma unroll' : shape.width > 1 ? '#pragma unroll 2' : '#pragma unroll 4',
        `for (unsigned t = 0; t < ${shape.trips}u; t++) {`,
        `unsigned j = lane + t * ${shape.lanes}u;`,
        `if (j < ${length / shape.width}u) {`,
        ...neighbours.loop(emitter.lines),
        '}',
        '}',
      )
    for (const reduction of reductions) {
      const accumulator = accumulatorOf(job, reduction)
      body.push(`${accumulator} = ${combined(shape, reduction, accumulator)};`)
      names.set(reduction, accumulator)
    }
    scalars(walk)
  }
  const registers = shape.trips * shape.width
  const declared = [
    `unsigned lane = threadIdx.x % ${shape.lanes}u;`,
    ...(shape.lanes > 32 ? ['__shared__ float shared[32];'] : []),
    ...[...kept.keys()].map((_, i) => `float kept${i}[${registers}];`),
  ]
  const place = [
    `unsigned r = first + threadIdx.x / ${shape.lanes}u;`,
    `bool isRow = r < ${rows}u;`,
    'if (!isRow) r = 0u;',
  ]
  const { blocks, minBlocks } = shape
  const whole =
    sums.length === 0
      ? [...declared, `unsigned first = blockIdx.x * ${shape.rowsPerBlock}u;`, ...place, ...body]
      : [
          ...declared,
          ...sums.flatMap((_, n) => [
            `float column${n}[${registers}];`,
            `for (int c = 0; c < ${registers}; c++) column${n}[c] = 0.0f;`,
          ]),
          `for (unsigned first = blockIdx.x * ${shape.rowsPerBlock}u; first < ${rows}u; first += ${blocks * shape.rowsPerBlock}u) {`,
          ...place,
          ...body,
          '}',
          ...gathering(sums, shape, length, writer),
        ]
  return writer.finish('rows', [blocks, 1], shape.threads, whole, { ...(minBlocks !== undefined && { minBlocks }) })
}

/** Statements that add up the column sums of a block's rows and leave them in memory. */
function gathering(sums: readonly ColumnSum[], shape: RowShape, length: number, writer: KernelWriter): string[] {
  const { lanes, width, trips, rowsPerBlock, threads } = shape
  return [
    `__shared__ float gathered[${rowsPerBlock}][${length}];`,
    ...sums.flatMap(({ parts }, n) => [
      '__syncthreads();',
      '#pragma unroll',
      `for (unsigned t = 0; t < ${trips}u; t++) {`,
      `unsigned j = lane + t * ${lanes}u;`,
      `if (j < ${length / width}u)`,
      `for (unsigned u = 0; u < ${width}u; u++) gathered[threadIdx.x / ${lanes}u][j * ${width}u + u] = column${n}[t * ${width}u + u];`,
      '}',
      '__syncthreads();',
      `for (unsigned c = threadIdx.x; c < ${length}u; c += ${threads}u) {`,
      'float sum = 0.0f;',
      `for (unsigned y = 0; y < ${rowsPerBlock}u; y++) sum += gathered[y][c];`,
      writer.store(parts, `blockIdx.x * ${length}u + c`, 'sum'),
      '}',
    ]),
  ]
}

const accumulatorOf = (job: GroupJob, reduction: Value): string => `sum${job.members.indexOf(reduction)}`

function combined({ lanes, threads }: RowShape, reduction: Value, accumulator: string): string {
  const how = reduction.node.op === 'reduce_sum' ? 'add' : 'larger'
  if (lanes > 32)
    return lanes === threads
      ? `block_${how}<${threads / 32}>(${accumulator}, shared)`
      : `group_${how}<${lanes}>(${accumulator}, shared)`
  return lanes === 1 ? accumulator : `lanes_${how}<${lanes}>(${accumulator})`
}

interface Walk {
  readonly walk: number
  readonly ready: number
}

/** The walk in which a value (or what a reduction adds up) can be computed. */
function readyIn(
  value: Value,
  isOwn: boolean,
  own: ReadonlySet<Value>,
  roots: ReadonlySet<Value>,
  found: ReadonlyMap<Value, Walk>,
): number {
  const reads = wholeReads(value, roots, isOwn)
  return Math.max(0, ...reads.filter((read) => own.has(read.value)).map((read) => found.get(read.value)!.ready))
}

/**
 * The walk over the row in which each member is computed: a reduction is known after its walk, what depends on it belongs
 * to the next; values of a row are computed at the end of the walk that they wait for, -1 being before the first.
 */
function walks(
  job: GroupJob,
  own: ReadonlySet<Value>,
  roots: ReadonlySet<Value>,
  isScalar: (value: Value) => boolean,
): Map<Value, Walk> {
  const found = new Map<Value, Walk>()
  for (const member of job.members) {
    const isReduced = isReduction(member.node)
    const ready = readyIn(isReduced ? member.node.inputs[0]! : member, !isReduced, own, roots, found)
    if (isReduced) found.set(member, { walk: ready, ready: ready + 1 })
    else if (isScalar(member)) found.set(member, { walk: ready - 1, ready })
    else found.set(member, { walk: ready, ready })
  }
  return found
}
