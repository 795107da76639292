// Less traffic: a value of the forward pass that the backward pass can compute again from no more memory than reading it would
// take (a normalised row, the SiLU of a gate) is not kept for it. Both then compute it in registers.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { readersIn, sizeOf } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { findRoots } from '../roots.ts'
import type { Roots } from '../roots.ts'
import { isElementwise, isLeaf, isMove, isReduction } from '../values.ts'
import { isBackward } from './recompute.ts'

/** Values smaller than this come out of a cache. */
const MIN_SIZE = 1 << 20
/** Operations that one value may take, and how many times smaller a value is whose reading counts for nothing. */
const MAX_OPERATIONS = 24
const NEXT_TO_NOTHING = 8

/** What computing a value takes: values of about its size that are read, and operations. */
interface Cost {
  readonly loads: ReadonlySet<Value>
  readonly operations: number
}

/** @param isExact products that do not go to the library */
export function cheapAgain(graph: Graph, isExact: (node: Node) => boolean): Graph {
  const roots = findRoots(graph, isExact)
  const choice = choose(roots)
  return choice.chosen.size === 0 ? graph : withCopies(graph, roots, choice)
}

/** What is computed again: values that have a reader in the backward pass, and what only leads to them. */
interface Choice {
  readonly chosen: ReadonlySet<Value>
  readonly passing: ReadonlySet<Value>
}

function choose({ nodes, roots, needed }: Roots): Choice {
  const readers = readersIn(nodes)
  const byScope = Map.groupBy(nodes, ({ scope }) => scope)
  const costs = new Map<Value, Cost>()
  const chosen = new Set<Value>()
  const passing = new Set<Value>()
  const costOf = ({ node }: Value): Cost => {
    const inputs = node.inputs.map((input) => costs.get(input) ?? { loads: new Set<Value>(), operations: 0 })
    return {
      loads: new Set(inputs.flatMap(({ loads }) => [...loads])),
      operations: inputs.reduce((sum, { operations }) => sum + operations, isElementwise(node) ? 1 : 0),
    }
  }
  /** Scopes that read a value, seen through moves. */
  const readersOf = (value: Value): readonly string[] =>
    (readers.get(value) ?? []).flatMap((node) => (isMove(node) ? readersOf(node.outputs[0]!) : [node.scope]))
  /** Values that the kernels of a scope read from elsewhere, beside one. */
  const readIn = (scope: string, beside: Value): ReadonlySet<Value> =>
    new Set(
      (byScope.get(scope) ?? [])
        .filter((node) => isElementwise(node) || isReduction(node) || isMove(node))
        .flatMap((node) => node.inputs.filter((input) => input !== beside && input.node.scope !== scope))
        .flatMap((input) => [...(costs.get(input)?.loads ?? [])]),
    )
  const isCheaperAgain = (value: Value, scopes: ReadonlySet<string>, { loads, operations }: Cost): boolean => {
    const size = sizeOf(value.type.shape)
    if (size < MIN_SIZE || operations > MAX_OPERATIONS || ![...scopes].every(isBackward)) return false
    const large = [...loads].filter((load) => NEXT_TO_NOTHING * sizeOf(load.type.shape) >= size)
    const paid = [...scopes].reduce((sum, reader) => {
      const read = readIn(reader, value)
      return sum + large.filter((load) => !read.has(load)).length
    }, 0)
    return paid < 1 + scopes.size
  }
  for (const node of nodes) {
    const value = node.outputs[0]!
    const isOpen = isElementwise(node) && roots.has(value) && !needed.has(value) && !isBackward(node.scope)
    const cost = costOf(value)
    if (isOpen) {
      const scopes = new Set(readersOf(value).filter((scope) => scope !== node.scope))
      // what only its own scope reads is in registers there
      if (scopes.size === 0) passing.add(value)
      else if (isCheaperAgain(value, scopes, cost)) chosen.add(value)
    }
    const isInline = (isElementwise(node) || isMove(node)) && !roots.has(value) && !isLeaf(value)
    const isComputed = isInline || passing.has(value) || chosen.has(value)
    for (const output of node.outputs)
      costs.set(output, isComputed ? cost : { loads: new Set([output]), operations: 0 })
  }
  return { chosen, passing }
}

/** The graph in which other scopes than its own read a copy of a chosen value. */
function withCopies(graph: Graph, { roots }: Roots, { chosen, passing }: Choice): Graph {
  const g = newGraph()
  const first = new Map<Value, Value>()
  const takenIn = new Map<string, Map<Value, Value>>()
  const copied = ({ node, index }: Value, inputs: readonly Value[], scope: string): Value =>
    g.copy(node, inputs, scope)[index]!
  /** A value as nodes of a scope read it. */
  const taken = (value: Value, scope: string): Value => {
    const { node } = value
    const isInline = !roots.has(value) && !isLeaf(value) && (isElementwise(node) || isMove(node))
    const mayCopy = isInline || chosen.has(value) || passing.has(value)
    if (!mayCopy || !isBackward(scope) || isBackward(node.scope)) return first.get(value)!
    const own = takenIn.get(scope) ?? new Map<Value, Value>()
    takenIn.set(scope, own)
    let found = own.get(value)
    if (found === undefined) {
      const inputs = node.inputs.map((input) => taken(input, scope))
      found = copied(value, inputs, scope)
      own.set(value, found)
    }
    return found
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => taken(input, node.scope))
    const results = g.copy(node, inputs)
    node.outputs.forEach((output, i) => first.set(output, results[i]!))
  }
  for (const { name, value } of graph.outputs) g.output(name, first.get(value)!)
  return g.finish()
}
