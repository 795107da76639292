// The order of passes, by name. Every stage is verified and may be watched (`heddle lower --trace`).

import type { Graph, Node } from '../graph/types.ts'
import { verify } from '../graph/verify.ts'
import { ops } from '../ops/index.ts'
import { cse } from './cse.ts'
import { dce } from './dce.ts'
import { decompose } from './decompose.ts'
import { fold } from './fold.ts'

export interface PassOptions {
  /** Fused nodes that the target executes itself. */
  readonly claims: (node: Node) => boolean
  /** Sees the graph after each pass. */
  readonly trace?: ((pass: string, graph: Graph) => void) | undefined
  /** Verify after every pass (tests, development) or only at the end. */
  readonly verifyEach?: boolean
}

/** Before differentiation: everything without a gradient of its own becomes its meaning. */
export function differentiable(graph: Graph): Graph {
  return decompose(graph, (node) => {
    const { vjp, hasVjpNode } = ops.get(node.op)!
    return vjp !== undefined || hasVjpNode === true
  })
}

/** From a graph of fused and primitive ops to one that a target runs: decompose, fold, cse, dce. */
export function optimise(graph: Graph, { claims, trace, verifyEach = false }: PassOptions): Graph {
  const passes: readonly (readonly [string, (graph: Graph) => Graph])[] = [
    ['decompose', (x) => decompose(x, claims)],
    ['fold', fold],
    ['cse', cse],
    ['dce', dce],
  ]
  trace?.('lower', graph)
  let current = graph
  for (const [name, pass] of passes) {
    current = pass(current)
    if (verifyEach) verify(current, ops, `graph after ${name}`)
    trace?.(name, current)
  }
  return verify(current, ops, 'lowered graph')
}
