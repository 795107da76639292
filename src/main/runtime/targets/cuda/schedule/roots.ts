// Which values get computed once and kept (roots) and which are computed again wherever they are read.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { liveNodes, readersIn, sizeOf } from '#core/graph/types.ts'
import { nativeOf } from '../kernels/native/index.ts'
import { stepOf } from '../kernels/step/index.ts'
import { absorbed } from './few-rows/absorb.ts'
import type { RowUse } from './few-rows/absorb.ts'
import { gemvProduct, productEnds } from './few-rows/gemv.ts'
import type { GemvProduct } from './job.ts'
import type { LibraryOperands } from './matmul-view.ts'
import { isLargeProduct, libraryOperands, matmulSizes, stacked } from './matmul-view.ts'
import { operandView } from './rows.ts'
import { isElementwise, isLeaf, isMove, unshaped } from './values.ts'

/** A value is computed again by its readers while it takes at most this much. */
const CHEAP = { loads: 1, operations: 8 }
/** The same for a value with one reader. */
const SINGLE = { loads: 10, operations: 48 }
/** A value whose readers are this many times larger is kept unless it is next to nothing. */
const EXPANSION = 4

export interface Roots {
  readonly nodes: readonly Node[]
  readonly roots: ReadonlySet<Value>
  /** Roots that are in memory whatever they cost. */
  readonly needed: ReadonlySet<Value>
  /** Products that the library computes, with their operands. */
  readonly library: ReadonlyMap<Node, LibraryOperands>
  /** Products with few rows. */
  readonly gemv: ReadonlyMap<Node, GemvProduct>
  /** How many nodes read a value, and whether it is an output of the graph, as one more. */
  readonly readers: (value: Value) => number
}

/** What a value costs its reader: elements read from memory and operations. */
interface Cost {
  readonly loads: number
  readonly operations: number
}

/** @param isExact values that must not go through a product of lower precision */
export function findRoots(graph: Graph, isExact: (node: Node) => boolean): Roots {
  const nodes = liveNodes(graph)
  const consumers = readersIn(nodes)
  const library = new Map<Node, LibraryOperands>()
  const gemv = new Map<Node, GemvProduct>()
  const forced = new Set<Value>()
  const keep = (value: Value): void => {
    const base = unshaped(value)
    if (base.node.op !== 'input') forced.add(base)
    if (base.node.op === 'concat' && isWrittenInPlace(base)) base.node.inputs.forEach(keep)
  }
  for (const { value } of graph.outputs) keep(value)
  for (const node of nodes) {
    if (node.op === 'input' || node.op === 'constant' || isMove(node) || isElementwise(node)) continue
    for (const output of node.outputs) forced.add(output)
    const product = isExact(node) ? undefined : gemvProduct(node)
    if (product !== undefined) {
      gemv.set(node, product)
      continue
    }
    const operands = node.op === 'matmul' && !isExact(node) ? byLibrary(node) : undefined
    if (operands !== undefined) {
      library.set(node, operands)
      keep(operands.a.base)
      if (stacked(operands.b.base) === undefined) keep(operands.b.base)
    } else touchedInputs(node).forEach(keep)
  }
  const outputs = new Set(graph.outputs.map(({ value }) => value))
  const free = new Set<Value>()
  const mayEnd = productEnds(gemv, consumers)
  for (const use of rowUses(nodes, gemv)) {
    const own = absorbed(use, consumers, outputs, mayEnd)
    for (const value of own) {
      free.add(value)
      for (const input of value.node.inputs) if (!own.has(input) && mayEnd(input)) keep(input)
    }
    if (own.size === 0 && use.isKept) use.values.forEach(keep)
  }
  for (const value of free) forced.delete(value)
  const readers = (value: Value): number => (consumers.get(value)?.length ?? 0) + Number(outputs.has(value))
  return { nodes, roots: choose(nodes, consumers, forced, free), needed: forced, library, gemv, readers }
}

/** Operands that kernels read by rows; `isKept` where they are read too often to be computed each time. */
function rowUses(
  nodes: readonly Node[],
  gemv: ReadonlyMap<Node, GemvProduct>,
): readonly (RowUse & { readonly isKept: boolean })[] {
  const products = Map.groupBy(gemv.values(), ({ x }) => x)
  return [
    ...[...products.values()].map((group) => ({
      values: [...new Set(group.map(({ node }) => node.inputs[0]!))],
      length: group[0]!.k,
      readers: new Set(group.map(({ node }) => node)),
      isKept: true,
    })),
    ...nodes.flatMap((node) =>
      (stepOf(node)?.rowOperands(node) ?? []).map((i) => ({
        values: [node.inputs[i]!],
        length: node.inputs[i]!.type.shape.at(-1)!,
        readers: new Set([node]),
        isKept: false,
      })),
    ),
  ]
}

/** Columns side by side, and what kernels by hand leave a part of: what computes the parts writes them there (rows.ts). */
function isWrittenInPlace({ node, type }: Value): boolean {
  const isColumns = type.shape.length === 2 && node.attrs['axis'] === 1
  return isColumns || node.inputs.some((part) => nativeOf(unshaped(part).node) !== undefined)
}

/** What hand-written kernels read as it lies in memory. */
export function touchedInputs(node: Node): readonly Value[] {
  const op = nativeOf(node)
  if (op === undefined) return []
  return node.inputs.flatMap((_, i) => (op.stored(node, 'input', i) === undefined ? [] : [operandView(node, i).base]))
}

function byLibrary(node: Node): LibraryOperands | undefined {
  return isLargeProduct(node) ? libraryOperands(node) : undefined
}

function choose(
  nodes: readonly Node[],
  consumers: ReadonlyMap<Value, readonly Node[]>,
  forced: ReadonlySet<Value>,
  free: ReadonlySet<Value>,
): ReadonlySet<Value> {
  const roots = new Set(forced)
  const costs = new Map<Value, Cost>()
  // readers of a value, seen through moves that are not kept themselves
  const readers = (value: Value): readonly Node[] =>
    (consumers.get(value) ?? []).flatMap((node) =>
      isMove(node) && !forced.has(node.outputs[0]!) ? readers(node.outputs[0]!) : [node],
    )
  for (const node of nodes) {
    const value = node.outputs[0]!
    if (roots.has(value) || isLeaf(value)) {
      for (const output of node.outputs)
        costs.set(output, { loads: sizeOf(output.type.shape) === 1 ? 0 : 1, operations: 0 })
      continue
    }
    const inputs = node.inputs.map((input) => costs.get(input) ?? { loads: 0, operations: 0 })
    const cost = {
      loads: inputs.reduce((sum, c) => sum + c.loads, 0),
      operations: inputs.reduce((sum, c) => sum + c.operations, isElementwise(node) ? 1 : 0),
    }
    const kept = isElementwise(node) && !free.has(value) && isKept(value, cost, readers(value))
    if (kept) roots.add(value)
    costs.set(value, kept ? { loads: 1, operations: 0 } : cost)
  }
  return roots
}

function isKept(value: Value, cost: Cost, readers: readonly Node[]): boolean {
  const size = sizeOf(value.type.shape)
  const evaluations = readers.reduce((sum, node) => sum + evaluationsBy(node, size), 0)
  if (cost.operations > 2 && evaluations > EXPANSION * size * Math.max(readers.length, 1)) return true
  if (cost.loads <= CHEAP.loads && cost.operations <= CHEAP.operations) return false
  return readers.length > 1 || cost.loads > SINGLE.loads || cost.operations > SINGLE.operations
}

/** How many elements of an operand of a size a reader asks for. */
function evaluationsBy(node: Node, size: number): number {
  if (stepOf(node) !== undefined) return size
  if (node.op === 'matmul') {
    const { m, n, k, batchShape } = matmulSizes(node)
    return m * n * k * sizeOf(batchShape)
  }
  return sizeOf((isElementwise(node) || isMove(node) ? node.outputs[0]! : node.inputs[0]!).type.shape)
}
