// Products that are only added up, ct1 W1 + ct2 W2 (the gradient of what gate and up, or queries, keys and values, are made from),
// become one product of [ct1 ct2] with the weights one below the other: one result is written and read instead of one each.
// What the cotangents are computed by writes them side by side (../rows.ts); the weights' gradients read their columns there.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { readersIn } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { nativeOf } from '../../kernels/native/index.ts'
import { isElementwise, isReduction, unshaped } from '../values.ts'

/** Columns of a part: what kernels load at once; elements of a weight: what memory is aligned to. */
const ALIGNED_COLUMNS = 8
const ALIGNED_ELEMENTS = 128

/** A term of a sum. */
interface Term {
  readonly product: Node
  /** [tokens, columns] */
  readonly ct: Value
  readonly weight: Value
  /** The products that make the weight's gradient of the cotangent. */
  readonly gradients: readonly Node[]
}

/** @param isLibrary products that the library computes */
export function summedProducts(graph: Graph, isLibrary: (node: Node) => boolean): Graph {
  const sums = findSums(graph, isLibrary)
  return sums.length === 0 ? graph : new Rebuilt(graph, sums).finish()
}

const flags = ({ attrs }: Node): string => `${attrs['transposeA'] === true} ${attrs['transposeB'] === true}`

function findSums(graph: Graph, isLibrary: (node: Node) => boolean): readonly (readonly Term[])[] {
  const all = readersIn(graph.nodes)
  const readers = (value: Value): readonly Node[] => all.get(value) ?? []
  const bySum = new Map<Node, Term[]>()
  for (const node of graph.nodes) {
    const sum =
      node.op === 'matmul' && flags(node) === 'false false' && isLibrary(node) ? sumOf(node, readers) : undefined
    const term = sum === undefined ? undefined : termOf(node, readers)
    if (sum !== undefined && term !== undefined) bySum.set(sum, [...(bySum.get(sum) ?? []), term])
  }
  return [...bySum.values()].filter(
    (terms) => terms.length > 1 && new Set(terms.flatMap(({ ct, weight }) => [ct, weight])).size === 2 * terms.length,
  )
}

/** The last of the additions that a product goes into and nothing else. */
function sumOf(product: Node, readers: (value: Value) => readonly Node[]): Node | undefined {
  let found: Node | undefined
  let next = readers(product.outputs[0]!)
  while (next.length === 1 && (next[0]!.op === 'add' || next[0]!.op === 'reshape')) {
    if (next[0]!.op === 'add') found = next[0]
    next = readers(next[0]!.outputs[0]!)
  }
  return found
}

/** A product as a term, if what computes its cotangent can write that where it belongs. */
function termOf(product: Node, readers: (value: Value) => readonly Node[]): Term | undefined {
  const [ct, weight] = product.inputs as [Value, Value]
  const [columns, width] = weight.type.shape as [number, number]
  const isPlain = weight.node.op === 'input' && weight.type.shape.length === 2 && ct.type.shape.length === 2
  if (!isPlain || columns % ALIGNED_COLUMNS !== 0 || (columns * width) % ALIGNED_ELEMENTS !== 0) return undefined
  const made = unshaped(ct)
  const isPlaced = isElementwise(made.node) || nativeOf(made.node)?.rows?.(made.node, 'output', made.index) === columns
  const others = readersOf(made, readers).filter((node) => node !== product)
  const gradients = others.filter(
    (node) => node.op === 'matmul' && flags(node) === 'true false' && node.inputs[0] === ct,
  )
  const isFree = others.every((node) => gradients.includes(node) || isElementwise(node) || isReduction(node))
  return isPlaced && isFree ? { product, ct, weight, gradients } : undefined
}

/** Who reads a value, seen through reshapes. */
const readersOf = (value: Value, readers: (value: Value) => readonly Node[]): readonly Node[] =>
  readers(value).flatMap((node) => (node.op === 'reshape' ? readersOf(node.outputs[0]!, readers) : [node]))

/** The graph with its sums replaced; nodes come where they were, or where they are first wanted. */
class Rebuilt {
  readonly #g = newGraph()
  readonly #made = new Map<Value, Value>()
  readonly #replaced = new Map<Node, () => Value>()
  readonly #graph: Graph

  constructor(graph: Graph, sums: readonly (readonly Term[])[]) {
    this.#graph = graph
    for (const terms of sums) this.#replace(terms)
  }

  finish(): Graph {
    const g = this.#g
    for (const node of this.#graph.nodes) this.#make(node)
    for (const { name, value } of this.#graph.outputs) g.output(name, this.#value(value))
    return g.finish()
  }

  #replace(terms: readonly Term[]): void {
    const g = this.#g
    let cts: Value | undefined
    const together = (): Value =>
      (cts ??= g.concat(
        terms.map(({ ct }) => this.#value(ct)),
        1,
      ))
    let start = 0
    for (const { product, ct, gradients } of terms) {
      const from = start
      const to = from + ct.type.shape[1]!
      start = to
      const weights = (): Value =>
        g.concat(
          terms.map(({ weight }) => this.#value(weight)),
          0,
        )
      // the first one stands for all
      this.#replaced.set(product, () =>
        from === 0 ? g.matmul(together(), weights()) : g.zeros(product.outputs[0]!.type.shape),
      )
      for (const gradient of gradients)
        this.#replaced.set(gradient, () =>
          g.matmul(g.slice(together(), 1, from, to), this.#value(gradient.inputs[1]!), { transposeA: true }),
        )
    }
  }

  #value(value: Value): Value {
    if (!this.#made.has(value)) this.#make(value.node)
    return this.#made.get(value)!
  }

  #make(node: Node): void {
    const [first] = node.outputs
    if (first !== undefined && this.#made.has(first)) return
    const g = this.#g
    const replacement = this.#replaced.get(node)
    const results =
      replacement === undefined
        ? g.copy(
            node,
            node.inputs.map((input) => this.#value(input)),
          )
        : g.scoped(node.scope, () => [replacement()], true)
    node.outputs.forEach((output, i) => this.#made.set(output, results[i]!))
  }
}
