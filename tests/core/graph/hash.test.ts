import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashGraph } from '#core/graph/hash.ts'
import type { Graph, NumberArray, Value } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { arbitraryGraph } from '../../helpers/arbitraries.ts'

/** The same graph with other ids and scopes. */
function renumbered(graph: Graph, gap: number): Graph {
  const values = new Map<Value, Value>()
  const nodes = graph.nodes.map((node, i) => {
    const fresh = {
      ...node,
      id: 100 + i * gap,
      scope: `other.${i}`,
      inputs: node.inputs.map((v) => values.get(v)!),
      outputs: [] as Value[],
    }
    fresh.outputs = node.outputs.map((output) => ({ node: fresh, index: output.index, type: output.type }))
    node.outputs.forEach((output, j) => values.set(output, fresh.outputs[j]!))
    return fresh
  })
  return { nodes, outputs: graph.outputs.map(({ name, value }) => ({ name, value: values.get(value)! })) }
}

/** A small graph whose parts a test may change one by one. */
function sample({
  op = 'add',
  name = 'x',
  output = 'y',
  data = Float32Array.of(1, 2) as NumberArray,
  swap = false,
  axis = 0,
  second = false,
}): Graph {
  const g = newGraph()
  const x = g.input(name, { dtype: 'f32', shape: [2, 2] })
  const c = g.constant([2, 1], data)
  const sum = g.one(op, swap ? [c, x] : [x, c])
  g.output(output, g.reduceSum(sum, [axis]))
  if (second) g.output('z', sum)
  return g.finish()
}

describe('the hash of a graph', () => {
  it('does not depend on ids and scopes', () => {
    fc.assert(
      fc.property(
        arbitraryGraph,
        fc.integer({ min: 1, max: 9 }),
        ({ graph }, gap) => void expect(hashGraph(renumbered(graph, gap))).toBe(hashGraph(graph)),
      ),
    )
  })

  it('is 64 hexadecimal digits', () => {
    expect(hashGraph(sample({}))).toMatch(/^[0-9a-f]{64}$/)
  })

  it('differs for different graphs', () => {
    const changes = [
      {},
      { op: 'sub' },
      { name: 'w' },
      { output: 'o' },
      { data: Float32Array.of(1, 3) },
      { data: Float32Array.of(1, -0) },
      { data: Float32Array.of(1, 0) },
      { swap: true },
      { axis: 1 },
      { second: true },
    ]
    const hashes = changes.map((change) => hashGraph(sample(change)))
    expect(new Set(hashes).size).toBe(changes.length)
    expect(hashGraph(sample({ data: Float64Array.of(1, 2) }))).toBe(hashes[0])
  })

  it('differs when one node of a random graph changes', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(), ({ graph }, pick) => {
        const at = pick % graph.nodes.length
        const nodes = renumbered(graph, 1).nodes.map((node, i) =>
          i === at ? { ...node, attrs: { ...node.attrs, changed: true } } : node,
        )
        expect(hashGraph({ nodes, outputs: [] })).not.toBe(hashGraph({ ...graph, outputs: [] }))
      }),
    )
  })
})
