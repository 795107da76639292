// Less memory for more work: the backward pass of a block computes what it needs of the forward pass again, from the block's
// input, so that only what goes from block to block is kept meanwhile.

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'

/** What marks the scope of a node that is computed a second time. */
const AGAIN = '.again'

export const isAgain = (scope: string): boolean => scope.endsWith(AGAIN)

export const isBackward = (scope: string): boolean => /(?:^|\.)grad(?:\.|$)/.test(scope)

/** The block that a node belongs to, and whether to its backward pass. */
function placeOf({ scope }: Node): { readonly block: string | undefined; readonly isBackward: boolean } {
  return { block: /^L\d+(?=\.)/.exec(scope)?.[0], isBackward: isBackward(scope) }
}

/** The graph of a training step with the forward values of each block computed again where its backward pass reads them. */
export function recompute(graph: Graph): Graph {
  const kept = valuesBetweenBlocks(graph)
  const g = newGraph()
  const first = new Map<Value, Value>()
  const again = new Map<Value, Value>()
  const copy = (node: Node, inputs: readonly Value[], scope: string, into: Map<Value, Value>): void => {
    const results = g.copy(node, inputs, scope)
    node.outputs.forEach((output, i) => into.set(output, results[i]!))
  }
  const taken = (value: Value, block: string): Value => {
    const place = placeOf(value.node)
    if (place.block !== block || place.isBackward || kept.has(value) || isGiven(value.node)) return first.get(value)!
    if (!again.has(value))
      copy(
        value.node,
        value.node.inputs.map((input) => taken(input, block)),
        `${value.node.scope}${AGAIN}`,
        again,
      )
    return again.get(value)!
  }
  for (const node of graph.nodes) {
    const { block, isBackward } = placeOf(node)
    const inputs = node.inputs.map((input) =>
      isBackward && block !== undefined ? taken(input, block) : first.get(input)!,
    )
    copy(node, inputs, node.scope, first)
  }
  for (const { name, value } of graph.outputs) g.output(name, first.get(value)!)
  return g.finish()
}

/** Nodes that are in memory from the start. */
const isGiven = ({ op }: Node): boolean => op === 'input' || op === 'constant'

/** Forward values that other blocks, or what comes behind all blocks, read. */
function valuesBetweenBlocks(graph: Graph): ReadonlySet<Value> {
  const found = new Set(graph.outputs.map(({ value }) => value))
  for (const node of graph.nodes) {
    const reader = placeOf(node)
    for (const input of node.inputs) if (placeOf(input.node).block !== reader.block) found.add(input)
  }
  return found
}
