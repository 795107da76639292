// Kernels of products with few rows: x is computed into shared memory by every block, tasks of some rows of the weights go
// around among warps or blocks, and what follows a sum is computed where it is.

import type { Value } from '#core/graph/types.ts'
import { Emitter } from '../../schedule/emitter.ts'
import { widthIn } from '../../schedule/few-rows/gemv.ts'
import { keyOf, literal, plus, times, variable } from '../../schedule/integer.ts'
import type { GemvJob, GemvPart } from '../../schedule/job.ts'
import { TENSOR_CORE } from '../native/tensor-core.ts'
import { rowCode } from '../row-operand.ts'
import { KernelWriter, powerOfTwo } from '../writer.ts'
import type { BufferOf, Launch } from '../writer.ts'
import { choice } from './form.ts'
import type { Form, FormInput, PlacedPart } from './form.ts'
import { plainForm } from './plain.ts'
import { tileForm } from './tiles.ts'

/** Rows of x from which tensor cores are faster. */
const MIN_TILE_ROWS = 3
/** Shared memory that a kernel declares itself; more is asked for when it is launched. */
const PLAIN_SHARED = 40 << 10

function formOf(input: FormInput): Form {
  const weights = input.job.parts.flatMap(({ products }) => products.map(({ weight }) => input.bufferOf(weight)!))
  const isHalf = weights.every(({ stored }) => stored === 'bf16')
  const isTiled = isHalf && input.job.m >= MIN_TILE_ROWS
  return (isTiled ? tileForm(input) : undefined) ?? plainForm(input)
}

function placeParts(parts: readonly GemvPart[], form: Form): readonly PlacedPart[] {
  let from = 0
  return parts.map((part) => {
    const rows = form.rows(part.products.length)
    const to = from + Math.ceil(part.n / rows)
    const placed = { part, rows, from, to }
    from = to
    return placed
  })
}

/** @param stored products and members whose values others read from memory */
export function gemvKernel(job: GemvJob, stored: ReadonlySet<Value>, bufferOf: BufferOf): Launch {
  const { m, k } = job
  const form = formOf({ job, bufferOf })
  const { threads, isByBlock } = form
  const placed = placeParts(job.parts, form)
  const tasks = placed.at(-1)!.to
  const perBlock = isByBlock ? 1 : threads / 32
  const blocks = Math.min(Math.ceil(tasks / perBlock), form.blocks)
  const writer = new KernelWriter(bufferOf)
  const slots = powerOfTwo(m)
  const lanes = threads / slots
  const slot = `(threadIdx.x / ${lanes}u)`
  const operand = rowCode(
    {
      value: job.x,
      rows: m,
      length: k,
      row: variable('r', m),
      lanes,
      lane: `(threadIdx.x % ${lanes}u)`,
      slots,
      slot,
      read: (j) => form.readElement(slot, j),
      write: (j, element) => form.writeElement(slot, j, element),
      prefix: 'x',
    },
    writer,
  )
  const bytes = form.otherBytes + slots * form.rowBytes
  const isPlain = form.otherBytes === 0 && bytes <= PLAIN_SHARED
  const body = [
    isPlain
      ? `__shared__ float4 memory4[${bytes / 16}]; unsigned char *memory = (unsigned char *)memory4;`
      : 'unsigned char *memory = shared_memory;',
    form.x,
    ...operand.shared,
    'unsigned lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;',
    isByBlock ? 'unsigned first = blockIdx.x;' : `unsigned first = blockIdx.x * ${perBlock}u + warp;`,
    `const unsigned stride = ${blocks * perBlock}u;`,
    ...form.begin(placed, writer),
    ...(m > 1 ? [`unsigned r = min(${slot}, ${m - 1}u);`] : []),
    '{',
    ...operand.lines,
    '}',
    '__syncthreads();',
    `for (unsigned task = first; task < ${tasks}u; task += stride) {`,
    ...choice(placed, (p) => [...form.sums(p, writer), ...endLines(p, job, stored, bufferOf, writer)]),
    '}',
  ]
  return writer.finish('gemv', [blocks, 1], threads, body, {
    uses: isPlain ? form.uses : [...new Set([TENSOR_CORE, ...form.uses])],
    ...(form.minBlocks !== undefined && { minBlocks: form.minBlocks }),
    ...(!isPlain && { shared: bytes }),
  })
}

/** What follows the sums of a task, by a thread for each element. */
function endLines(
  { part }: PlacedPart,
  job: GemvJob,
  stored: ReadonlySet<Value>,
  bufferOf: BufferOf,
  writer: KernelWriter,
): string[] {
  const { m } = job
  const { n, products, members } = part
  const at = plus(times(variable('b', m), n), variable('c', n))
  const whole = keyOf(at)
  const own = new Set([...members, ...products.map(({ node }) => node.outputs[0]!)])
  const emitter = new Emitter({
    read: (value, place) => {
      const product = products.findIndex(({ node }) => node.outputs[0] === value)
      if (product >= 0 && keyOf(place) === whole) return `y${product}`
      const buffer = own.has(value) ? undefined : bufferOf(value)
      return buffer === undefined ? undefined : writer.load(buffer, place)
    },
  })
  // a state may be overwritten where it is read, so everything is read before anything is stored
  const stores = [...own]
    .filter((value) => stored.has(value))
    .flatMap((value) => {
      const width = widthIn(job, part, value)!
      return Array.from({ length: width }, (_, offset) => {
        const place = plus(times(at, width), literal(offset))
        return writer.store(bufferOf(value)!, place, emitter.element(value, place))
      })
    })
  return ['if (isMine) {', ...emitter.lines, ...stores, '}']
}
