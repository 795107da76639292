// Reverse-mode differentiation of nodes that stand in a builder: cotangents flow from outputs to the values asked for.

import type { Node, Value } from '../graph/types.ts'
import { isFloat, typeText } from '../graph/types.ts'
import type { GraphBuilder } from './builder.ts'

/**
 * Adds the gradients of some nodes to their builder.
 * @param nodes in topological order
 * @param seeds cotangents of their results
 * @param targets what is differentiated with respect to
 * @param asNodes whether gradients that may be nodes are; otherwise every op needs a rule of its own
 * @returns the cotangent of each target, undefined where none reaches it
 */
export function reverse(
  g: GraphBuilder,
  nodes: readonly Node[],
  seeds: ReadonlyMap<Value, Value>,
  targets: readonly Value[],
  asNodes = true,
): readonly (Value | undefined)[] {
  const cotangents = new Map<Value, Value>()
  for (const [value, seed] of seeds) addTo(g, cotangents, value, seed)
  const active = dependents(nodes, targets)
  for (const node of [...nodes].reverse()) {
    if (!active.has(node) || node.op === 'input') continue
    const cts = node.outputs.map((o) => cotangents.get(o))
    if (cts.every((ct) => ct === undefined)) continue
    g.scoped(
      `${node.scope}.grad`,
      () => {
        inputCotangents(g, node, cts, active, asNodes).forEach((ct, i) => {
          const input = node.inputs[i]!
          if (ct !== undefined && active.has(input.node)) addTo(g, cotangents, input, ct)
        })
      },
      true,
    )
  }
  return targets.map((target) => cotangents.get(target))
}

function inputCotangents(
  g: GraphBuilder,
  node: Node,
  cts: readonly (Value | undefined)[],
  active: ReadonlySet<Node>,
  asNodes: boolean,
): readonly (Value | undefined)[] {
  const { vjp, hasVjpNode } = g.rulesOf(node)
  const isNode = asNodes && hasVjpNode === true
  if (!isNode && vjp !== undefined) return vjp(g, node, cts)
  if (!isNode) throw new Error(`grad: op ${node.op} has no gradient rule (${node.scope}); decompose it first`)
  const wrt = node.inputs.flatMap((input, i) => (active.has(input.node) && isFloat(input.type.dtype) ? [i] : []))
  const known = cts.flatMap((ct, i) => (ct === undefined ? [] : [i]))
  const results = g.apply('vjp', [...node.inputs, ...node.outputs, ...known.map((i) => cts[i]!)], {
    ...node.attrs,
    of: node.op,
    outputs: node.outputs.length,
    cts: known,
    wrt,
  })
  return node.inputs.map((_, i) => results[wrt.indexOf(i)])
}

function addTo(g: GraphBuilder, cotangents: Map<Value, Value>, value: Value, ct: Value): void {
  if (typeText(ct.type) !== typeText(value.type))
    throw new Error(
      `grad: ${value.node.op} %${value.node.id} is ${typeText(value.type)}, its cotangent ${typeText(ct.type)}`,
    )
  const sum = cotangents.get(value)
  cotangents.set(value, sum === undefined ? ct : g.add(sum, ct))
}

/** Nodes whose value depends on one of the targets. */
function dependents(nodes: readonly Node[], targets: readonly Value[]): Set<Node> {
  const active = new Set(targets.map((v) => v.node))
  for (const node of nodes) if (node.inputs.some((v) => active.has(v.node))) active.add(node)
  return active
}
