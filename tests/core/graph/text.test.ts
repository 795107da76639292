import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { hashGraph } from '#core/graph/hash.ts'
import { parseGraph } from '#core/graph/parse.ts'
import { printGraph } from '#core/graph/print.ts'
import { lower } from '#core/model/lower.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { newGraph, ops } from '#core/ops/index.ts'
import { arbitraryGraph } from '../../helpers/arbitraries.ts'
import { evaluate } from '../../helpers/evaluate.ts'

describe('the text of a graph', () => {
  it('reads back as the same graph', () => {
    fc.assert(
      fc.property(arbitraryGraph, ({ graph, feeds }) => {
        const text = printGraph(graph)
        const parsed = parseGraph(text, ops)
        expect(printGraph(parsed)).toBe(text)
        expect(hashGraph(parsed)).toBe(hashGraph(graph))
        expect([...evaluate(parsed, feeds)]).toEqual([...evaluate(graph, feeds)])
      }),
      { numRuns: 150 },
    )
  })

  it('reads back for a whole model in every phase', () => {
    const model = resolveSpec(
      parseSpecText(
        '{dModel: 16, vocabSize: 11, metaTokens: 2} d{nHeads: 2} f m2{headDim: 8} a{headDim: 8, window: 4} r7{headDim: 8}',
      ),
    )
    for (const phase of ['train', 'prefill', 'decode'] as const) {
      const { graph } = lower(model, { phase, batchSize: 2, seqLen: phase === 'decode' ? 1 : 5 })
      const text = printGraph(graph)
      expect(printGraph(parseGraph(text, ops))).toBe(text)
    }
  })

  it('keeps numbers exactly, infinities and signed zeros included', () => {
    const g = newGraph()
    g.output('c', g.constant([7], Float64Array.of(0.1, -0, 1 / 3, 5e-324, -Infinity, Infinity, 1e21)))
    g.output('n', g.constant([1], Float64Array.of(NaN)))
    const { nodes } = parseGraph(printGraph(g.finish()), ops)
    expect([...nodes[0]!.data!]).toEqual([0.1, -0, 1 / 3, 5e-324, -Infinity, Infinity, 1e21])
    expect(nodes[1]!.data![0]).toBeNaN()
  })

  it.each([
    ['', 'end'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : f32[2]\n', 'end'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : f32[2]\nreturn y=%1\n', 'line 2'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : f32[2]\n%1 = neg(%7) : f32[2]\nreturn y=%1\n', 'line 2'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : q8[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = input() {dtype="f32", name=} : f32[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = input() {dtype="f32", name="\\x", shape=[2]} : f32[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = constant() {dtype="f32", shape=[2,]} <1 2> : f32[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = constant() {dtype="f32", shape=[2]} <1 two> : f32[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = constant() {dtype="f32", shape=[2], extra=maybe} <1 2> : f32[2]\nreturn y=%0\n', 'line 1'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : f32[2]\n%1 = neg() : f32[2]\nreturn y=%1\n', 'graph'],
    ['hello\n', 'line 1'],
    ['return \n%0 = constant() {dtype="f32", shape=[]} <1> : f32[]\n', 'line 2'],
    ['%0 = constant() {dtype="f32", shape=[2]} <1 2 3> : f32[2]\nreturn y=%0\n', 'graph'],
    ['%0 = input() {dtype="f32", name="x", shape=[2]} : f32[3]\nreturn y=%0\n', 'graph'],
    ['%0 = nothing() : f32[3]\nreturn y=%0\n', 'graph'],
  ])('of %j is refused at %s', (text, path) => {
    expect(() => parseGraph(text, ops)).toThrow(HeddleError)
    expect(() => parseGraph(text, ops)).toThrow(expect.objectContaining({ code: 'graph-invalid', path }))
  })

  it('never breaks the reader, whatever is written', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(), fc.string(), fc.nat(20), ({ graph }, at, insert, remove) => {
        const text = printGraph(graph)
        const from = at % (text.length + 1)
        try {
          parseGraph(text.slice(0, from) + insert + text.slice(from + remove), ops)
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError)
        }
      }),
      { numRuns: 200 },
    )
  })
})
