// Products with few rows (decoding): a weight is read once and that is all the time there is. Products of one operand share
// a kernel, which computes the operand itself (a normalisation, say) and what follows element by element (an activation of
// two products, a residual, a short convolution with its state).

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { powerOfTwo } from '../../kernels/writer.ts'
import { readsOf } from '../reads.ts'
import { keyOf, literal, plus, quotient, times, variable } from '../integer.ts'
import type { GemvJob, GemvPart, GemvProduct } from '../job.ts'
import { isElementwise, isLeaf, isMove, unshaped } from '../values.ts'

/** Rows of an operand up to which its product is one of these. */
const MAX_ROWS = 8
const MIN_LENGTH = 64
/** Shared memory that every device since Ampere has for a block. */
const MAX_OPERAND_BYTES = 96 * 1024
/** Elements of one value that may belong to one element of a product: the state of a short convolution. */
const MAX_WIDTH = 8

/** A matrix product x Wᵀ with few rows, whose weight lies in memory row by row; undefined for others. */
export function gemvProduct(node: Node): GemvProduct | undefined {
  if (node.op !== 'matmul' || node.attrs['transposeB'] !== true || node.attrs['transposeA'] === true) return undefined
  const [x, w] = node.inputs as [Value, Value]
  const [m, k] = x.type.shape as [number, number]
  if (x.type.shape.length !== 2 || w.type.shape.length !== 2) return undefined
  if (m > MAX_ROWS || k < MIN_LENGTH || k % 8 !== 0 || powerOfTwo(m) * k * 4 > MAX_OPERAND_BYTES) return undefined
  let weight = w
  let firstRow = 0
  while (weight.node.op === 'slice' && weight.node.attrs['axis'] === 0) {
    firstRow += weight.node.attrs['start'] as number
    weight = weight.node.inputs[0]!
  }
  if (weight.node.op !== 'input') return undefined
  return { node, x: unshaped(x), m, k, n: w.type.shape[0]!, weight, firstRow }
}

const COSTLY = new Set(['exp', 'log', 'sqrt', 'tanh', 'sigmoid', 'erf', 'add_gumbel'])

/**
 * Values that are computed from products with few rows, each element from theirs, and that are worth computing once behind
 * them: they are read more than once, or have functions in them.
 */
export function productEnds(
  gemv: ReadonlyMap<Node, GemvProduct>,
  consumers: ReadonlyMap<Value, readonly Node[]>,
): (value: Value) => boolean {
  if (gemv.size === 0) return () => false
  const products = new Set([...gemv.keys()].map((node) => node.outputs[0]!))
  // what is read more than once is kept itself: no need to look behind it
  const kept = new Set([...products, ...[...consumers].flatMap(([value, nodes]) => (nodes.length > 1 ? [value] : []))])
  const known = new Map<Value, { readonly isEnd: boolean; readonly isProduct: boolean; readonly isCostly: boolean }>()
  const summary = (value: Value): { isEnd: boolean; isProduct: boolean; isCostly: boolean } => {
    const found = known.get(value)
    if (found !== undefined) return found
    const { node } = value
    const inputs = isElementwise(node) || isMove(node) ? node.inputs.map(summary) : undefined
    const isLast = isLeaf(value) || node.op === 'constant'
    const made = {
      isEnd: products.has(value) || isLast || inputs?.every(({ isEnd }) => isEnd) === true,
      isProduct: products.has(value) || inputs?.some(({ isProduct }) => isProduct) === true,
      isCostly:
        COSTLY.has(node.op) ||
        inputs?.some(({ isCostly }, i) => isCostly && (consumers.get(node.inputs[i]!)?.length ?? 0) < 2) === true,
    }
    known.set(value, made)
    return made
  }
  return (value) => {
    if (!isElementwise(value.node)) return false
    const { isEnd, isProduct, isCostly } = summary(value)
    if (!isEnd || !isProduct || !(isCostly || (consumers.get(value)?.length ?? 0) > 1)) return false
    const size = sizeOf(value.type.shape)
    return readsOf(value, variable('i', size), kept, true).every(
      (read) =>
        !products.has(read.value) ||
        (sizeOf(read.value.type.shape) === size && keyOf(read.at) === keyOf(variable('i', size))),
    )
  }
}

const partValues = (part: GemvPart): readonly Value[] => [
  ...part.products.map(({ node }) => node.outputs[0]!),
  ...part.members,
]

/** Values that a job computes. */
export const gemvValues = (job: GemvJob): readonly Value[] => job.parts.flatMap(partValues)

/** Elements of a value for each element of a part's products; undefined where they do not belong together. */
export function widthIn({ m }: GemvJob, { n }: GemvPart, value: Value): number | undefined {
  const width = sizeOf(value.type.shape) / (m * n)
  return Number.isInteger(width) && width >= 1 && width <= MAX_WIDTH ? width : undefined
}

/** Where element `offset` of those that belong to element i of the products lies. */
const placeIn = (size: number, width: number, offset: number): ReturnType<typeof plus> =>
  plus(times(variable('i', size), width), literal(offset))

/**
 * The job with a value joined to it: every product or member that the value reads must belong to the element that it is
 * computed for. Parts that it reads together become one.
 */
export function joinedGemv(job: GemvJob, value: Value, roots: ReadonlySet<Value>): GemvJob | undefined {
  const owner = new Map(job.parts.flatMap((part) => partValues(part).map((own) => [own, part] as const)))
  for (const part of job.parts) {
    const width = widthIn(job, part, value)
    if (width === undefined) continue
    const size = job.m * part.n
    const touched = new Set<GemvPart>()
    const fits = Array.from({ length: width }, (_, offset) => offset).every((offset) =>
      readsOf(value, placeIn(size, width, offset), roots, true).every((read) => {
        const from = owner.get(read.value)
        if (from === undefined) return true
        touched.add(from)
        return (
          from.n === part.n && sizeOf(read.value.type.shape) === size && keyOf(read.at) === keyOf(variable('i', size))
        )
      }),
    )
    if (!fits || !touched.has(part)) continue
    const parts = job.parts.filter((other) => touched.has(other))
    const merged: GemvPart = {
      n: part.n,
      products: parts.flatMap((p) => p.products),
      members: [...parts.flatMap((p) => p.members), value].sort((a, b) => a.node.id - b.node.id || a.index - b.index),
    }
    return { ...job, parts: job.parts.flatMap((p) => (p === part ? [merged] : touched.has(p) ? [] : [p])) }
  }
  return undefined
}

/** Whether a job may write a state's next value where it reads the state: each element only needs its own. */
export function gemvMayOverwrite(job: GemvJob, old: Value, value: Value, roots: ReadonlySet<Value>): boolean {
  const inOperand = readsOf(job.x, variable('i', job.m * job.k), roots, false).some((read) => read.value === old)
  if (inOperand) return false
  return job.parts.every((part) =>
    part.members.every((member) => {
      const size = job.m * part.n
      const width = widthIn(job, part, member)!
      const stateWidth = sizeOf(old.type.shape) / size
      return Array.from({ length: width }, (_, offset) => offset).every((offset) =>
        readsOf(member, placeIn(size, width, offset), roots, true)
          .filter((read) => read.value === old)
          .every(
            (read) =>
              part.members.includes(value) &&
              Number.isInteger(stateWidth) &&
              keyOf(quotient(read.at, stateWidth)) === keyOf(variable('i', size)),
          ),
      )
    }),
  )
}
