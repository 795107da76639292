// Which states may be overwritten where they are: those whose new value is computed from the old one element by element, or
// without it, after everybody else has read the old one.

import type { Program } from '#core/graph/program.ts'
import type { Graph, Value } from '#core/graph/types.ts'
import { inputsOf, sizeOf } from '#core/graph/types.ts'
import { nativeOf } from '../kernels/native/index.ts'
import { stepOf } from '../kernels/step/index.ts'
import { gemvMayOverwrite, gemvValues } from './few-rows/gemv.ts'
import type { PlacedJob } from './groups.ts'
import { liesRight, wholeReads } from './reads.ts'
import type { Read } from './reads.ts'
import type { Job } from './job.ts'
import { isReduction, unshaped } from './values.ts'

export interface InPlace {
  /** Jobs in an order in which every old state is read before it is overwritten. */
  readonly order: readonly number[]
  /** For outputs that are written in place, the value that is. */
  readonly inPlace: ReadonlyMap<string, Value>
}

export function inPlaceStates(
  program: Program,
  graph: Graph,
  roots: ReadonlySet<Value>,
  placed: readonly PlacedJob[],
): InPlace {
  const before = placed.map((p) => new Set(p.before))
  const writers = new Map<Value, number>()
  placed.forEach(({ job }, i) => {
    for (const value of valuesOfJob(job)) writers.set(value, i)
  })
  const readers = new Map<Value, number[]>()
  placed.forEach(({ reads }, i) => {
    for (const value of reads) readers.set(value, [...(readers.get(value) ?? []), i])
  })
  const inputs = inputsOf(graph)
  const inPlace = new Map<string, Value>()
  const taken = new Set<Value>()
  const bases = graph.outputs.map((o) => unshaped(o.value))
  for (const { input, output } of program.bindings) {
    const old = inputs.get(input)?.outputs[0]
    const value = unshaped(graph.outputs.find((o) => o.name === output)!.value)
    const writer = writers.get(value)
    if (old === undefined || writer === undefined || taken.has(value)) continue
    // an output that is read under another name keeps its own memory
    if (bases.filter((base) => base === value).length > 1 || bases.includes(old)) continue
    if (!mayOverwrite(placed[writer]!.job, old, value, roots)) continue
    const others = (readers.get(old) ?? []).filter((reader) => reader !== writer)
    if (others.some((reader) => reaches(before, reader, writer))) continue
    for (const reader of others) before[writer]!.add(reader)
    inPlace.set(output, value)
    taken.add(value)
  }
  return { order: sorted(before), inPlace }
}

function valuesOfJob(job: Job): readonly Value[] {
  if (job.kind === 'group') return [...job.members, ...job.columnSums]
  if (job.kind === 'gemv') return gemvValues(job)
  return job.node.outputs
}

/** Whether a job may write a value where it also reads the old state. */
function mayOverwrite(job: Job, old: Value, value: Value, roots: ReadonlySet<Value>): boolean {
  switch (job.kind) {
    case 'native':
      return (nativeOf(job.node)!.inPlace?.(job.node) ?? []).some(
        ({ output, input: at }) =>
          job.node.outputs[output] === value &&
          job.node.inputs.every((input, i) => (unshaped(input) === old) === (i === at)),
      )
    case 'step':
      return stepOf(job.node)!.states.some(
        ({ output, input: at }) =>
          job.node.outputs[output] === value &&
          job.node.inputs.every((input, i) => (i === at ? unshaped(input) === old : !reads(input, old, roots))),
      )
    case 'gemv':
      return gemvMayOverwrite(job, old, value, roots)
    case 'group': {
      const { size, rowLength } = job
      const isRow = rowLength !== undefined && sizeOf(value.type.shape) * rowLength === size
      if (isRow && rowLength > 1) return !job.members.some((member) => readsOld(member, old, roots).length > 0)
      return job.members.every((member) => {
        const asRow =
          rowLength !== undefined && !isReduction(member.node) && sizeOf(member.type.shape) * rowLength === size
        return readsOld(member, old, roots).every((read) => !asRow && liesRight(read, size, undefined, false))
      })
    }
    default:
      return false
  }
}

/** Whether the computation of an operand reads a value. */
const reads = (operand: Value, value: Value, roots: ReadonlySet<Value>): boolean =>
  wholeReads(operand, roots, false).some((read) => read.value === value)

function readsOld(member: Value, old: Value, roots: ReadonlySet<Value>): readonly Read[] {
  const isReduced = isReduction(member.node)
  const operand = isReduced ? member.node.inputs[0]! : member
  return wholeReads(operand, roots, !isReduced).filter((read) => read.value === old)
}

/** Whether job `from` needs job `to`, directly or through others. */
function reaches(before: readonly ReadonlySet<number>[], from: number, to: number): boolean {
  const seen = new Set<number>()
  const stack = [from]
  while (stack.length > 0) {
    const job = stack.pop()!
    if (job === to) return true
    if (seen.has(job)) continue
    seen.add(job)
    for (const earlier of before[job]!) stack.push(earlier)
  }
  return false
}

function sorted(before: readonly ReadonlySet<number>[]): number[] {
  const order: number[] = []
  const placed = new Set<number>()
  for (let start = 0; start < before.length; start++) {
    // an explicit stack: chains of jobs are longer than the call stack is deep
    const stack = [start]
    while (stack.length > 0) {
      const job = stack.at(-1)!
      const waiting = placed.has(job) ? undefined : [...before[job]!].find((earlier) => !placed.has(earlier))
      if (waiting !== undefined) stack.push(waiting)
      else {
        stack.pop()
        if (!placed.has(job)) order.push(job)
        placed.add(job)
      }
    }
  }
  return order
}
