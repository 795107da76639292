// Rows that lie apart: a value whose rows are columns of another one's. Slices are read and the parts of concatenations written
// where they are, by kernels that know the distance of rows.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { nativeOf } from '../kernels/native/index.ts'
import type { PlacedJob } from './groups.ts'
import { plus, stridesIn, times, variable } from './integer.ts'
import { sourceOf } from './matmul-view.ts'
import { isElementwise, isLeaf, isMove, unshaped } from './values.ts'

/** Rows of a value in the memory of another. */
export interface RowView {
  readonly base: Value
  /** Elements before the first row, and from one row to the next. */
  readonly offset: number
  readonly stride: number
}

/** Elements that kernels load at once at most: offsets and distances are multiples of it. */
const ALIGNED = 8

/** Where rows of `width` elements of a value lie. */
export function rowView(value: Value, width: number): RowView {
  const dense = { base: unshaped(value), offset: 0, stride: width }
  const rows = sizeOf(value.type.shape) / width
  const { base, at } = sourceOf(value, plus(times(variable('r', rows), width), variable('c', width)))
  const [stride, step] = stridesIn(at, ['r', 'c']) ?? []
  if (stride === undefined || step !== 1 || stride % ALIGNED !== 0 || at.constant % ALIGNED !== 0) return dense
  // what is computed element by element is not kept for the sake of a part
  if ((isElementwise(base.node) || isMove(base.node)) && !isLeaf(base)) return dense
  return stride < width ? dense : { base, offset: at.constant, stride }
}

/** Where a kernel written by hand finds an operand that it reads. */
export function operandView(node: Node, index: number): RowView {
  const width = nativeOf(node)?.rows?.(node, 'input', index)
  const value = node.inputs[index]!
  return width === undefined ? { base: unshaped(value), offset: 0, stride: 0 } : rowView(value, width)
}

/** A part of a concatenation that is written where it belongs. */
export interface Part {
  readonly whole: Value
  readonly offset: number
  readonly width: number
  readonly stride: number
}

/**
 * Parts of concatenations that their writers put into place and that nobody reads as if they lay dense.
 * @param isFixed values that have memory of their own
 */
export function placedParts(
  jobs: readonly PlacedJob[],
  roots: ReadonlySet<Value>,
  isFixed: (value: Value) => boolean,
): ReadonlyMap<Value, Part> {
  const writers = new Map<Value, PlacedJob>()
  const readers = new Map<Value, PlacedJob[]>()
  for (const placed of jobs) {
    const { job, reads } = placed
    if (job.kind === 'group') for (const member of job.members) writers.set(member, placed)
    if (job.kind === 'native')
      for (const { outputs } of [job.node, ...job.last.values()])
        for (const output of outputs) writers.set(output, placed)
    for (const value of reads) readers.set(value, [...(readers.get(value) ?? []), placed])
  }
  const mayLieApart = (value: Value, width: number): boolean => {
    const { job } = writers.get(value) ?? {}
    const isWritten =
      job?.kind === 'group' ||
      (job?.kind === 'native' && nativeOf(value.node)!.rows?.(value.node, 'output', value.index) === width)
    const others = readers.get(value) ?? []
    return isWritten && others.every(({ job: { kind } }) => kind === 'group' || kind === 'reduce')
  }
  const found = new Map<Value, Part>()
  for (const whole of roots) {
    if (whole.node.op !== 'concat' || isFixed(whole)) continue
    const parts = partsOf(whole)
    const values = new Set(parts.map(([value]) => value))
    const fits = parts.every(
      ([value, { offset, width }]) =>
        roots.has(value) &&
        !isLeaf(value) &&
        !isFixed(value) &&
        !found.has(value) &&
        value.node.op !== 'concat' &&
        offset % ALIGNED === 0 &&
        mayLieApart(value, width),
    )
    if (fits && values.size === parts.length && parts[0]![1].stride % ALIGNED === 0)
      for (const [value, part] of parts) found.set(value, part)
  }
  return found
}

function partsOf(whole: Value): readonly (readonly [Value, Part])[] {
  const { shape } = whole.type
  const axis = whole.node.attrs['axis'] as number
  const inner = sizeOf(shape.slice(axis + 1))
  const stride = shape[axis]! * inner
  let offset = 0
  return whole.node.inputs.map((input) => {
    const width = input.type.shape[axis]! * inner
    const part = { whole, offset, width, stride }
    offset += width
    return [unshaped(input), part]
  })
}
