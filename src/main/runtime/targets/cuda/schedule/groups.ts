// Puts kept values into jobs: element-wise values and the reductions of rows between them join into one kernel while every
// value that a kernel reads from itself lies in the same place, or in the same row.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { nativeOf } from '../kernels/native/index.ts'
import { stepOf } from '../kernels/step/index.ts'
import { joinedGemv } from './few-rows/gemv.ts'
import { variable } from './integer.ts'
import type { GemvProduct, GroupJob, Job } from './job.ts'
import { isAgain, isBackward } from './rewrites/recompute.ts'
import { stacked } from './matmul-view.ts'
import { liesRight, readsOf, wholeReads } from './reads.ts'
import type { Read } from './reads.ts'
import { touchedInputs } from './roots.ts'
import type { Roots } from './roots.ts'
import { isElementwise, isLeaf, isMove, isReduction, trailingRows, unshaped } from './values.ts'

/** Buffers that one kernel may touch, and members that it may have. */
const MAX_READS = 24
const MAX_MEMBERS = 24
/** The same for a kernel of products, which has weights, states and what follows. */
const MAX_GEMV_READS = 64
/** Sums over rows join a group that has at least so many rows, of at most this length. */
const MIN_SUMMED_ROWS = 4096
const MAX_SUMMED_LENGTH = 4096
const MAX_COLUMN_SUMS = 2
/** A reduction with fewer rows than this is divided among blocks instead. */
const MIN_ROWS = 64
const MAX_SMALL_REDUCTION = 4096

interface Draft {
  readonly id: number
  job: Job
  readonly dependencies: Set<Draft>
  readonly dependents: Set<Draft>
  /** Longest chain of drafts before this one. */
  level: number
  /** Values read from other jobs or from memory. */
  reads: Set<Value>
  /** The draft that took this one's place. */
  merged?: Draft
}

/** A job, the values that it reads from memory and the positions of the jobs that must come before it. */
export interface PlacedJob {
  readonly job: Job
  readonly reads: ReadonlySet<Value>
  readonly before: readonly number[]
}

/** Whether a value is wanted by the backward pass alone: beside the forward pass it would have to be kept until then. */
const isLate = ({ node: { scope } }: Value): boolean => isBackward(scope) || isAgain(scope)

const isGroupable = (value: Value): boolean =>
  isElementwise(value.node) || isMove(value.node) || value.node.op === 'constant'

/** Whether a reduction's rows can be taken one by one inside a kernel. */
function reducesRows(node: Node): { rows: number; length: number } | undefined {
  if (node.op === 'argmax') return undefined
  const found = trailingRows(node)
  if (found === undefined || found.length < 2) return undefined
  return found.rows >= MIN_ROWS || found.length <= MAX_SMALL_REDUCTION ? found : undefined
}

/** The length of the rows that a sum over all of them adds up, where a group may do that beside its own work. */
function reducesColumns(node: Node): number | undefined {
  const length = sizeOf(node.outputs[0]!.type.shape)
  const rows = sizeOf(node.inputs[0]!.type.shape) / length
  const isLast = node.inputs[0]!.type.shape.at(-1) === length
  return node.op === 'reduce_sum' && isLast && rows >= MIN_SUMMED_ROWS && length <= MAX_SUMMED_LENGTH
    ? length
    : undefined
}

class Grouping {
  readonly drafts: Draft[] = []
  readonly owner = new Map<Value, Draft>()
  readonly #gemv = new Map<Value, Draft>()
  readonly #roots: Roots
  readonly #readers = new Map<Value, Set<Draft>>()

  constructor(roots: Roots) {
    this.#roots = roots
  }

  add(job: Job, outputs: readonly Value[], reads: Iterable<Value>): Draft {
    const draft: Draft = {
      id: this.drafts.length,
      job,
      dependencies: new Set(),
      dependents: new Set(),
      level: 0,
      reads: new Set(),
    }
    this.drafts.push(draft)
    for (const output of outputs) this.owner.set(output, draft)
    this.#link(draft, reads)
    return draft
  }

  #link(draft: Draft, reads: Iterable<Value>): void {
    for (const value of reads) {
      const from = this.ownerOf(value)
      if (from === draft) continue
      draft.reads.add(value)
      this.#readers.set(value, (this.#readers.get(value) ?? new Set()).add(draft))
      if (from === undefined) continue
      draft.dependencies.add(from)
      from.dependents.add(draft)
    }
    this.#raise(draft)
  }

  ownerOf(value: Value): Draft | undefined {
    const owner = this.owner.get(value)
    return owner === undefined ? undefined : resolve(owner)
  }

  #raise(start: Draft): void {
    const stack = [start]
    while (stack.length > 0) {
      const draft = stack.pop()!
      let level = 0
      for (const dependency of draft.dependencies) level = Math.max(level, resolve(dependency).level + 1)
      if (level <= draft.level) continue
      draft.level = level
      for (const dependent of draft.dependents) stack.push(resolve(dependent))
    }
  }

  /** Whether jobs that come before another, except `from` itself, need `from`. */
  #isIndirect(from: Draft, direct: ReadonlySet<Draft>): boolean {
    const seen = new Set<Draft>()
    const stack = [...direct].filter((draft) => draft !== from)
    while (stack.length > 0) {
      const draft = stack.pop()!
      if (draft === from) return true
      if (seen.has(draft) || draft.level <= from.level) continue
      seen.add(draft)
      for (const dependency of draft.dependencies) stack.push(resolve(dependency))
    }
    return false
  }

  /** Adds a product to those of the same operand. */
  addGemv(product: GemvProduct): void {
    const { x, m, k, n, node, weight } = product
    let draft = this.#gemv.get(x)
    if (draft === undefined) {
      const reads = readsOf(x, variable('i', m * k), this.#roots.roots, false)
      draft = this.add({ kind: 'gemv', x, m, k, parts: [] }, [], valuesOf(reads))
      this.#gemv.set(x, draft)
    }
    const { job } = draft
    if (job.kind !== 'gemv') throw new Error(`cuda: the products of ${x.node.op} %${x.node.id} lost their job`)
    draft.job = { ...job, parts: [...job.parts, { n, products: [product], members: [] }] }
    this.owner.set(node.outputs[0]!, draft)
    this.#link(draft, [weight])
  }

  /** Puts a value behind the products that it is computed from, element by element; returns whether it did. */
  joinGemv(value: Value, reads: readonly Read[]): boolean {
    const owners = new Set(reads.map((read) => this.ownerOf(read.value)).filter((draft) => draft !== undefined))
    for (const draft of [...owners].sort((a, b) => b.level - a.level)) {
      if (draft.job.kind !== 'gemv' || draft.reads.size + reads.length > MAX_GEMV_READS) continue
      const joined = joinedGemv(draft.job, value, this.#roots.roots)
      if (joined === undefined || this.#isIndirect(draft, owners)) continue
      draft.job = joined
      this.owner.set(value, draft)
      this.#link(draft, valuesOf(reads))
      return true
    }
    return false
  }

  /** Adds an op with a kernel written by hand, and takes into it ops on operands that nobody has read yet. */
  addNative(node: Node, reads: readonly Value[]): void {
    const first = new Map<Value, Draft>()
    for (const operand of node.inputs) {
      const draft = this.ownerOf(operand)
      if (draft?.job.kind !== 'native' || draft.job.node !== operand.node || draft.dependents.size > 0) continue
      if (nativeOf(node)!.beginsWith?.(node, operand) === true) first.set(operand, draft)
    }
    const job = {
      kind: 'native',
      node,
      first: new Map([...first.keys()].map((v) => [v, v.node])),
      last: new Map(),
    } as const
    const others = [...reads, ...[...first.values()].flatMap((draft) => [...draft.reads])]
    const added = this.add(
      job,
      [...node.outputs, ...first.keys()],
      others.filter((value) => !first.has(value)),
    )
    for (const draft of first.values()) {
      draft.merged = added
      for (const dependency of draft.dependencies) resolve(dependency).dependents.delete(draft)
    }
  }

  /** Puts an op at the end of the kernel that computes its operand, where nobody else reads that; returns whether it did. */
  joinNative(node: Node, reads: readonly Value[]): boolean {
    const operand = node.inputs[0]!
    const draft = this.ownerOf(operand)
    if (draft?.job.kind !== 'native' || this.#roots.readers(operand) !== 1) return false
    const { job } = draft
    const others = reads.filter((value) => value !== operand)
    const owners = new Set(others.map((value) => this.ownerOf(value)).filter((owner) => owner !== undefined))
    if (nativeOf(job.node)!.endsWith?.(operand, node) !== true || this.#isIndirect(draft, owners)) return false
    draft.job = { ...job, last: new Map([...job.last, [operand, node]]) }
    this.owner.set(node.outputs[0]!, draft)
    this.#link(draft, others)
    return true
  }

  /** Puts a value into a group if everything that it reads from there lies right; returns whether it did. */
  join(value: Value, size: number, rowLength: number | undefined, reads: readonly Read[], asRow: boolean): boolean {
    const owners = new Set(reads.map((read) => this.ownerOf(read.value)).filter((draft) => draft !== undefined))
    const candidates = [...owners].filter((draft) => draft.job.kind === 'group').sort((a, b) => b.level - a.level)
    let home: Draft | undefined
    for (const draft of candidates) {
      if (home === undefined) {
        if (!this.#accepts(draft, value, size, rowLength, reads, asRow) || this.#isIndirect(draft, owners)) continue
        this.#insert(draft, value, rowLength, reads)
        home = draft
      } else if (resolve(draft) !== home) this.#merge(home, resolve(draft), value, reads)
    }
    return home !== undefined
  }

  /**
   * Puts a value into a group that reads at least half of the large values that it reads and comes at the same time, so that
   * these are read once.
   */
  joinSibling(value: Value, size: number, reads: readonly Read[]): boolean {
    const owners = new Set(reads.map((read) => this.ownerOf(read.value)).filter((draft) => draft !== undefined))
    const level = Math.max(-1, ...[...owners].map((draft) => draft.level)) + 1
    const wanted = valuesOf(reads)
    const isLarge = (read: Value): boolean => sizeOf(read.type.shape) === size
    const shared = new Map<Draft, number>()
    const large = [...wanted].filter(isLarge)
    for (const read of large)
      for (const draft of this.#readers.get(read) ?? [])
        shared.set(resolve(draft), (shared.get(resolve(draft)) ?? 0) + 1)
    for (const [draft, count] of shared) {
      if (2 * count < large.length || draft.level !== level || owners.has(draft)) continue
      const [member] = draft.job.kind === 'group' ? draft.job.members : []
      if (member !== undefined && isAgain(member.node.scope) !== isAgain(value.node.scope)) continue
      if (!this.#accepts(draft, value, size, undefined, reads, false) || this.#isIndirect(draft, owners)) continue
      this.#insert(draft, value, undefined, reads)
      return true
    }
    return false
  }

  #accepts(
    draft: Draft,
    value: Value,
    size: number,
    rowLength: number | undefined,
    reads: readonly Read[],
    asRow: boolean,
  ): boolean {
    const { job } = draft
    if (job.kind !== 'group' || job.members.length >= MAX_MEMBERS || draft.reads.size + reads.length > MAX_READS)
      return false
    if (isLate(value) && !job.members.some(isLate)) return false
    const whole = asRow ? size * (job.rowLength ?? 0) : size
    if (job.size !== whole || whole === 0) return false
    if (asRow && job.rowLength === undefined) return false
    if (rowLength !== undefined && job.rowLength !== undefined && rowLength !== job.rowLength) return false
    const length = rowLength ?? job.rowLength
    return reads.every((read) => this.ownerOf(read.value) !== draft || isInPlace(job, read, length, asRow))
  }

  /** Puts a sum over rows into a group of these rows that computes or reads what it sums. */
  joinColumns(value: Value, length: number, size: number, reads: readonly Read[]): boolean {
    const owners = new Set(reads.map((read) => this.ownerOf(read.value)).filter((draft) => draft !== undefined))
    const wanted = [...valuesOf(reads)].filter((read) => sizeOf(read.type.shape) === size)
    const readers = wanted.flatMap((read) => [...(this.#readers.get(read) ?? [])].map(resolve))
    for (const draft of new Set([...owners, ...readers])) {
      const { job } = draft
      if (job.kind !== 'group' || job.rowLength !== length || job.columnSums.length >= MAX_COLUMN_SUMS) continue
      const found = wanted.filter((read) => this.ownerOf(read) === draft || draft.reads.has(read)).length
      if (2 * found < wanted.length || !this.#accepts(draft, value, size, undefined, reads, false)) continue
      if (isAgain(value.node.scope) !== isAgain(job.members[0]!.node.scope)) continue
      if (this.#isIndirect(draft, owners)) continue
      draft.job = { ...job, columnSums: [...job.columnSums, value] }
      this.owner.set(value, draft)
      this.#link(draft, valuesOf(reads))
      return true
    }
    return false
  }

  #insert(draft: Draft, value: Value, rowLength: number | undefined, reads: readonly Read[]): void {
    const { job } = draft
    if (job.kind !== 'group') return
    draft.job = { ...job, rowLength: rowLength ?? job.rowLength, members: [...job.members, value] }
    this.owner.set(value, draft)
    this.#link(
      draft,
      reads.map((read) => read.value),
    )
  }

  /** Joins two groups of one domain that feed the same value. */
  #merge(into: Draft, other: Draft, value: Value, reads: readonly Read[]): void {
    const a = into.job,
      b = other.job
    if (a.kind !== 'group' || b.kind !== 'group' || a.size !== b.size) return
    if (a.rowLength !== undefined && b.rowLength !== undefined && a.rowLength !== b.rowLength) return
    if (a.members.length + b.members.length > MAX_MEMBERS || into.reads.size + other.reads.size > MAX_READS) return
    const length = a.rowLength ?? b.rowLength
    const asRow = length !== undefined && sizeOf(value.type.shape) * length === a.size && !isReduction(value.node)
    if (a.columnSums.length + b.columnSums.length > MAX_COLUMN_SUMS) return
    if (a.members.some(isLate) !== b.members.some(isLate)) return
    if (!reads.every((r) => this.ownerOf(r.value) !== other || isInPlace(b, r, length, asRow))) return
    // reads between the two groups lie right only where the value itself reads; others keep them apart
    const between = (from: Draft, to: Draft): boolean =>
      [...from.reads].some((v) => v !== value && this.ownerOf(v) === to)
    if (between(other, into)) return
    const direct = [...into.reads].filter((v) => this.ownerOf(v) === other)
    if (!direct.every((v) => reads.some((read) => read.value === v))) return
    if (this.#isIndirect(other, into.dependencies) || this.#isIndirect(into, other.dependencies)) return
    // what the value reads of the other group, its fellow members may not read elsewhere
    for (const member of a.members)
      if (member !== value && this.#definitionReads(member).some((v) => this.ownerOf(v) === other)) return
    into.job = {
      ...a,
      rowLength: length,
      members: [...a.members, ...b.members].sort((x, y) => x.node.id - y.node.id || x.index - y.index),
      columnSums: [...a.columnSums, ...b.columnSums],
    }
    other.merged = into
    into.dependencies.delete(other)
    other.dependents.delete(into)
    for (const dependency of other.dependencies) into.dependencies.add(resolve(dependency))
    for (const dependency of other.dependencies) resolve(dependency).dependents.add(into)
    for (const dependent of other.dependents) {
      into.dependents.add(resolve(dependent))
      resolve(dependent).dependencies.add(into)
    }
    into.reads = new Set([...into.reads, ...other.reads].filter((v) => this.ownerOf(v) !== into))
    into.dependents.delete(into)
    into.dependencies.delete(into)
    this.#raise(into)
    for (const dependent of other.dependents) this.#raise(resolve(dependent))
  }

  #definitionReads(member: Value): Value[] {
    const operand = isReduction(member.node) ? member.node.inputs[0]! : member
    return wholeReads(operand, this.#roots.roots, operand === member).map((read) => read.value)
  }
}

/** Whether a value that a group computes is known where it is read. */
const isInPlace = (job: GroupJob, read: Read, length: number | undefined, asRow: boolean): boolean =>
  !job.columnSums.includes(read.value) && liesRight(read, job.size, length, asRow)

function resolve(draft: Draft): Draft {
  let current = draft
  while (current.merged !== undefined) current = current.merged
  return current
}

/** Jobs of a graph, by and large in the order of its nodes. */
export function groupJobs(roots: Roots): readonly PlacedJob[] {
  const grouping = new Grouping(roots)
  for (const node of roots.nodes) {
    const value = node.outputs[0]!
    if (node.op === 'input' || !roots.roots.has(value) || isLeaf(value)) continue
    placeNode(grouping, roots, node, value)
  }
  return order(grouping)
}

function placeNode(grouping: Grouping, roots: Roots, node: Node, value: Value): void {
  if (isGroupable(value)) {
    const size = sizeOf(value.type.shape)
    const reads = wholeReads(value, roots.roots, true)
    if (grouping.joinGemv(value, reads)) return
    if (grouping.join(value, size, undefined, reads, false)) return
    if (grouping.join(value, size, undefined, reads, true)) return
    if (grouping.joinSibling(value, size, reads)) return
    grouping.add(
      { kind: 'group', size, rowLength: undefined, members: [value], columnSums: [] },
      [value],
      valuesOf(reads),
    )
    return
  }
  if (isReduction(node)) {
    const operand = node.inputs[0]!
    const size = sizeOf(operand.type.shape)
    const reads = wholeReads(operand, roots.roots, false)
    const rows = reducesRows(node)
    const columns = rows === undefined ? reducesColumns(node) : undefined
    if (columns !== undefined && grouping.joinColumns(value, columns, size, reads)) return
    if (rows === undefined) {
      grouping.add({ kind: 'reduce', node }, [value], valuesOf(reads))
      return
    }
    if (grouping.join(value, size, rows.length, reads, false)) return
    grouping.add(
      { kind: 'group', size, rowLength: rows.length, members: [value], columnSums: [] },
      [value],
      valuesOf(reads),
    )
    return
  }
  const product = roots.gemv.get(node)
  if (product !== undefined) {
    grouping.addGemv(product)
    return
  }
  if (stepOf(node) !== undefined) {
    const reads = node.inputs.flatMap((input) => wholeReads(input, roots.roots, false))
    grouping.add({ kind: 'step', node }, node.outputs, valuesOf(reads))
    return
  }
  const operands = roots.library.get(node)
  if (operands !== undefined) {
    const { a, b, m, n, k, batch } = operands
    grouping.add({ kind: 'library', node, a, b, m, n, k, batch }, node.outputs, [
      unshaped(a.base),
      ...(stacked(b.base) ?? [unshaped(b.base)]),
    ])
    return
  }
  if (node.op === 'matmul') {
    const reads = node.inputs.flatMap((input) => wholeReads(input, roots.roots, false))
    grouping.add({ kind: 'direct', node }, node.outputs, valuesOf(reads))
    return
  }
  const reads = touchedInputs(node)
  if (!grouping.joinNative(node, reads)) grouping.addNative(node, reads)
}

const valuesOf = (reads: readonly Read[]): Set<Value> => new Set(reads.map((read) => read.value))

function order(grouping: Grouping): readonly PlacedJob[] {
  const live = grouping.drafts.filter((draft) => draft.merged === undefined)
  const position = new Map(live.map((draft, i) => [draft, i]))
  return live.map((draft) => ({
    job: draft.job,
    reads: draft.reads,
    before: [...draft.dependencies].map((d) => position.get(resolve(d))!),
  }))
}
