import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LatencyEntry } from '#core/model/latency-table.ts'
import { partHash, predictLatency } from '#core/model/latency-table.ts'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { costsOf } from '../../src/renderer/canvas/numbers/costs.ts'
import { cellWeights, itemNumbers } from '../../src/renderer/canvas/numbers/items.ts'
import { latencyOf } from '../../src/renderer/canvas/numbers/latency.ts'
import { arbitrarySpec } from '../helpers/arbitraries.ts'

describe('costs of a design', () => {
  it('equal those of the whole stack, block by block', () => {
    fc.assert(
      fc.property(arbitrarySpec, fc.constantFrom(1, 17, 128), (spec, context) => {
        const resolved = resolveSpec(spec)
        const { blocks, paramsByBlock: _, ...total } = countSpec(resolved, context)
        const found = costsOf(resolved, context)
        for (const [name, value] of Object.entries(total))
          expect(found.total[name as keyof typeof total] / Math.max(1, value)).toBeCloseTo(
            value / Math.max(1, value),
            9,
          )
        expect(found.blocks.map(({ params, stateElements }) => [params, stateElements])).toEqual(
          blocks.map(({ params, stateElements }) => [params, stateElements]),
        )
        found.blocks.forEach((block, i) => {
          expect(block.prefillFlopsPerToken).toBeCloseTo(blocks[i]!.prefillFlopsPerToken, 6)
          expect(block.decodeFlopsPerToken).toBe(blocks[i]!.decodeFlopsPerToken)
        })
      }),
      { numRuns: 60 },
    )
  })

  it('tell the first RWKV-7 block from those that read its values', () => {
    const resolved = resolveSpec(parseSpecText('{dModel: 128} (r7 r7f)x4 d r7'))
    const { blocks, total } = costsOf(resolved, 64)
    expect(blocks.map((b) => b.params)).toEqual(countSpec(resolved, 64).paramsByBlock)
    expect(total.params).toBe(countSpec(resolved, 64).params)
    expect(blocks[0]!.params).not.toBe(blocks[2]!.params)
  })

  it('of a group are those of all its repeats; disabled blocks have none', () => {
    const spec = parseSpecText('{dModel: 128} (d f)x3 !a a')
    const resolved = resolveSpec(spec)
    const costs = costsOf(resolved, 64)
    const numbers = itemNumbers(spec, resolved, costs, undefined)
    expect(numbers.get('0')!.params).toBe(3 * (numbers.get('0.0')!.params + numbers.get('0.1')!.params))
    expect(numbers.get('1')).toBeUndefined()
    expect(numbers.get('2')!.ms).toBeUndefined()
    expect(cellWeights(costs, undefined, 'latency')).toBeUndefined()
    expect(cellWeights(costs, undefined, 'params')).toHaveLength(7)
  })
})

describe('predicted latency of a design', () => {
  const spec = parseSpecText('{dModel: 128} (d f)x3 d')
  const resolved = resolveSpec(spec)
  const conditions = { phase: 'decode', batch: 1, context: 512 } as const
  const entry = (part: LatencyEntry['part'], ms: number, index?: number): LatencyEntry => ({
    ...conditions,
    part,
    kind: index === undefined ? '' : resolved.blocks[index]!.block.kind,
    paramsHash: partHash(part, resolved.settings, index === undefined ? undefined : resolved.blocks[index]),
    dModel: part === 'floor' ? 1 : 128,
    ms,
    low: ms * 0.9,
    high: ms * 1.1,
  })
  const entries = [
    entry('floor', 0.1),
    entry('embedding', 0.2),
    entry('head', 0.3),
    entry('block', 1, 0),
    entry('block', 2, 1),
  ]

  it('adds up to the prediction of the whole', () => {
    const found = latencyOf(resolved, { id: 't', label: 'here', conditions, entries })
    const parts = [...found.blocks, found.embedding, found.head, found.floor].reduce((sum, part) => sum + part!.ms, 0)
    expect(parts).toBeCloseTo(predictLatency(resolved, entries, conditions).ms, 12)
    expect(found.total.ms).toBeCloseTo(0.6 + 4 + 6, 12)
    const numbers = itemNumbers(spec, resolved, costsOf(resolved, 512), found)
    expect(numbers.get('0')!.ms).toBeCloseTo(9, 12)
  })

  it('says what the table lacks', () => {
    const found = latencyOf(resolved, { id: 't', label: 'here', conditions, entries: entries.slice(0, 4) })
    expect(found.blocks[1]).toBeUndefined()
    expect(found.total.missing).toHaveLength(1)
  })
})
