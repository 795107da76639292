import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Graph, Node, Output, Value } from '#core/graph/types.ts'
import { verify } from '#core/graph/verify.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { arbitraryGraph } from '../../helpers/arbitraries.ts'

/** A deep copy, which a test may change. */
type Mutable = { nodes: { -readonly [K in keyof Node]: Node[K] }[]; outputs: Output[] }

function copy(graph: Graph): Mutable {
  const values = new Map<Value, Value>()
  const nodes = graph.nodes.map((node) => {
    const fresh = {
      ...node,
      inputs: node.inputs.map((v) => values.get(v)!),
      attrs: { ...node.attrs },
      outputs: [] as Value[],
    }
    fresh.outputs = node.outputs.map((output) => ({ node: fresh, index: output.index, type: output.type }))
    node.outputs.forEach((output, i) => values.set(output, fresh.outputs[i]!))
    return fresh
  })
  return { nodes, outputs: graph.outputs.map(({ name, value }) => ({ name, value: values.get(value)! })) }
}

/** Plants one fault at the picked node; false where it does not apply. */
type Fault = (graph: Mutable, node: Mutable['nodes'][number], pick: number) => boolean

const FAULTS: Readonly<Record<string, Fault>> = {
  'an unknown op': (_, node) => ((node.op = 'frobnicate'), true),
  'an id that does not increase': ({ nodes }, node) => {
    if (node === nodes[0]) return false
    node.id = nodes[nodes.indexOf(node) - 1]!.id
    return true
  },
  'an operand of another graph': (_, node) => {
    if (node.inputs.length === 0) return false
    const g = newGraph()
    node.inputs = [g.input('elsewhere', node.inputs[0]!.type), ...node.inputs.slice(1)]
    return true
  },
  'an operand that is defined later': ({ nodes }, node) => {
    if (node.inputs.length === 0) return false
    nodes.splice(nodes.indexOf(node), 1)
    nodes.unshift(node)
    node.id = -1
    return true
  },
  'an operand that its node does not have': (_, node) => {
    if (node.inputs.length === 0) return false
    node.inputs = [{ ...node.inputs[0]!, index: 5 }, ...node.inputs.slice(1)]
    return true
  },
  'an operand too few': (_, node) => {
    if (node.inputs.length === 0) return false
    node.inputs = []
    return true
  },
  'a wrong shape': (_, node) => retype(node, ({ shape, dtype }) => ({ dtype, shape: [...shape, 2] })),
  'a wrong element type': (_, node) => retype(node, ({ shape }) => ({ dtype: 'i64', shape })),
  'an output too many': (_, node) => (
    (node.outputs = [...node.outputs, { node, index: node.outputs.length, type: node.outputs[0]!.type }]),
    true
  ),
  'an output of another node': (_, node) => {
    const [first, ...rest] = node.outputs
    node.outputs = [{ ...first!, node: { ...node } }, ...rest]
    return true
  },
  'two inputs of one name': ({ nodes }) => {
    const inputs = nodes.filter((n) => n.op === 'input')
    inputs[1]!.attrs = { ...inputs[1]!.attrs, name: inputs[0]!.attrs['name']! }
    return true
  },
  'two outputs of one name': ({ outputs }) => (outputs.push({ ...outputs[0]! }), true),
  'an output that is not in the graph': ({ outputs }) => {
    outputs.push({ name: 'stray', value: newGraph().scalar(1) })
    return true
  },
}

function retype(node: Mutable['nodes'][number], change: (type: Value['type']) => Value['type']): boolean {
  node.outputs = node.outputs.map((output) => ({ ...output, node, type: change(output.type) }))
  return true
}

describe('verify', () => {
  it('accepts every graph that the builder makes', () => {
    fc.assert(fc.property(arbitraryGraph, ({ graph }) => void expect(verify(graph, ops)).toBe(graph)))
  })

  it('accepts a copy without a fault', () => {
    fc.assert(fc.property(arbitraryGraph, ({ graph }) => void verify(copy(graph), ops)))
  })

  it.each(Object.keys(FAULTS))('catches %s', (name) => {
    let planted = 0
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(), ({ graph }, pick) => {
        const changed = copy(graph)
        if (!FAULTS[name]!(changed, changed.nodes[pick % changed.nodes.length]!, pick)) return
        planted++
        expect(() => verify(changed, ops, 'the planted graph')).toThrow(/^the planted graph is not legal/)
      }),
      { numRuns: 60 },
    )
    expect(planted).toBeGreaterThan(10)
  })
})
