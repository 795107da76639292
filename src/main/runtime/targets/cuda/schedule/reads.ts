// What the definition of a value reads, and from where.

import type { Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { Emitter } from './emitter.ts'
import { keyOf, quotient, variable } from './integer.ts'
import type { Index } from './integer.ts'
import { isLeaf, isReduction } from './values.ts'

/** Places in a value that a computation reads. */
export interface Read {
  readonly value: Value
  readonly at: Index
}

/** What the definition of a kept value (or of a reduction's operand) reads when element `at` is computed. */
export function readsOf(value: Value, at: Index, roots: ReadonlySet<Value>, isOwn: boolean): Read[] {
  const found: Read[] = []
  const emitter = new Emitter({
    read: (operand, place) => {
      if (isOwn && operand === value) return undefined
      if (isReduction(operand.node) && !roots.has(operand)) {
        // the reader reduces the rows itself
        const reduced = operand.node.inputs[0]!
        found.push(...wholeReads(reduced, roots, false))
        return 'x'
      }
      if (!roots.has(operand) && !isLeaf(operand)) return undefined
      found.push({ value: operand, at: place })
      return 'x'
    },
  })
  emitter.element(value, at)
  return found
}

const known = new WeakMap<ReadonlySet<Value>, readonly [Map<Value, readonly Read[]>, Map<Value, readonly Read[]>]>()

/** What is read when all elements are computed, each at its place `i`; found once for each choice of kept values. */
export function wholeReads(value: Value, roots: ReadonlySet<Value>, isOwn: boolean): readonly Read[] {
  const maps = known.get(roots) ?? [new Map(), new Map()]
  known.set(roots, maps)
  const found = maps[isOwn ? 1 : 0]
  const reads = found.get(value) ?? readsOf(value, variable('i', sizeOf(value.type.shape)), roots, isOwn)
  found.set(value, reads)
  return reads
}

/** Whether a value of a group's domain (or of its rows) is read at the place that the kernel is at. */
export function liesRight(read: Read, size: number, length: number | undefined, asRow: boolean): boolean {
  const count = sizeOf(read.value.type.shape)
  if (length !== undefined && count * length === size) {
    const row = asRow ? variable('i', size / length) : quotient(variable('i', size), length)
    return keyOf(read.at) === keyOf(row)
  }
  return !asRow && count === size && keyOf(read.at) === keyOf(variable('i', size))
}
