import { describe, expect, it } from 'vitest'
import { listRule, readList } from '../../../src/renderer/views/profile/forms/lists.ts'
import { contextCharts } from '../../../src/renderer/views/profile/rows/curves.ts'
import { ranKey, ranOf, ranText } from '../../../src/renderer/views/profile/rows/ran.ts'
import { ratio, unlike } from '../../../src/renderer/views/profile/rows/unlike.ts'
import { entryCopies } from '../../../src/renderer/views/profile/table/copies.ts'

const placement = {
  blocks: [
    {
      kind: 'x',
      path: 'blocks[0]',
      fused: ['attention'],
      decomposed: ['rope'],
      providers: { CPUExecutionProvider: 3 },
      kernelMs: 0.5,
    },
  ],
  outsideKernelMs: 0.25,
  unattributedMs: -0.125,
  providers: { CPUExecutionProvider: 4, CUDAExecutionProvider: 1 },
}
const row = {
  status: { 'blocks[0]': 'fused attention, decomposed rope', 'blocks[1]': 'fused' },
  details: { placement },
  environment: 'one',
  target: 'ort-cpu',
  protocolVersion: 1,
  phase: 'decode',
  batch: 1,
  context: 64,
  dtype: 'f32',
}

describe('how a row ran', () => {
  it('is read from its status and its trace', () => {
    const ran = ranOf(row)
    expect(ran).toMatchObject({
      how: 'partly fused',
      providers: ['CPU', 'CUDA'],
      outsideMs: 0.25,
      unattributedMs: -0.125,
    })
    expect(ranText(ran.blocks[0]!)).toBe('fused attention; decomposed rope')
    expect(ranOf({ status: { a: 'fused' }, details: {} }).how).toBe('fused')
    expect(ranOf({ status: { a: 'decomposed', b: 'decomposed' }, details: {} }).how).toBe('decomposed')
  })

  it('is said to be unknown, whatever the details hold', () => {
    for (const details of [{}, { placement: null }, { placement: 'x' }, { placement: { blocks: [null, 3, 'x'] } }]) {
      expect(ranOf({ status: {}, details }).how).toBe('not traced')
      expect(ranOf({ status: {}, details }).outsideMs).toBeNaN()
    }
  })

  it('tells rows apart', () => {
    expect(ranKey(row)).toBe(ranKey({ ...row, status: { z: 'fused', y: row.status['blocks[0]'] } }))
    expect(ranKey(row)).not.toBe(ranKey({ ...row, status: { z: 'decomposed' } }))
    expect(ranKey(row)).not.toBe(ranKey({ ...row, details: {} }))
  })
})

describe('comparing rows', () => {
  const place = (environment: string): string => `place ${environment}`
  it('says every difference that is not the stack', () => {
    expect(unlike([row, row], place)).toEqual([])
    expect(unlike([row, { ...row, environment: 'two' }], place)).toEqual(['Taken in 2 places: place one; place two.'])
    const all = { ...row, target: 'b', protocolVersion: 2, phase: 'prefill', batch: 2, context: 8, dtype: 'f16' }
    expect(unlike([row, { ...all, status: {}, details: {} }], place)).toHaveLength(9)
    expect(
      unlike(
        [
          { ...row, status: {} },
          { ...row, status: {} },
        ],
        place,
      ),
    ).toEqual(['How some of them ran was not recorded: measure with a trace to know that the kernels are alike.'])
  })

  it('gives the widest ratio', () => {
    expect(ratio({ p50Ms: 2, lowMs: 1, highMs: 4 }, { p50Ms: 1, lowMs: 0.5, highMs: 2 })).toEqual({
      value: 2,
      low: 0.5,
      high: 8,
    })
  })
})

describe('samples of an entry', () => {
  const details = { copies: [1, 2], medianMs: [1, 2], interceptMs: 0.5 }
  it('are kept apart by their stacks', () => {
    expect(entryCopies(Float64Array.of(1, 1, 1, 2, 2, 9), details)).toEqual({
      points: [
        { copies: 1, medianMs: 1, samples: [1, 1, 1] },
        { copies: 2, medianMs: 2, samples: [2, 2, 9] },
      ],
      interceptMs: 0.5,
    })
  })

  it('stay together where the row does not tell them apart', () => {
    expect(entryCopies(Float64Array.of(1, 1, 2), details).points).toBeUndefined()
    expect(entryCopies(Float64Array.of(2, 2, 1, 1), details).points).toBeUndefined()
    expect(entryCopies(Float64Array.of(1, 2), { copies: [0, 0], medianMs: [1, 2] }).points).toBeUndefined()
    expect(entryCopies(Float64Array.of(1, 2), {})).toEqual({ points: undefined, interceptMs: NaN })
  })
})

describe('curves over context', () => {
  const at = (id: number, context: number, more: object = {}) => ({ ...row, id, spec: 's', context, ...more })
  it('hold the latest row at each context, of one way of running', () => {
    const decomposed = { status: { x: 'decomposed' } }
    const [chart, ...others] = contextCharts([
      at(1, 64),
      at(2, 16),
      at(3, 64),
      at(4, 16, decomposed),
      at(5, 64, decomposed),
      at(6, 256, { environment: 'two' }),
    ])
    expect(others).toEqual([])
    expect(chart!.curves.map((curve) => curve.rows.map(({ id }) => id))).toEqual([
      [2, 3],
      [4, 5],
    ])
  })

  it('are apart by place, batch and phase, and need two contexts', () => {
    const rows = ['one', 'two'].flatMap((environment, i) => [
      at(2 * i, 16, { environment }),
      at(2 * i + 1, 64, { environment }),
    ])
    expect(contextCharts(rows)).toHaveLength(2)
    expect(contextCharts([at(1, 16), at(2, 64, { batch: 2 }), at(3, 256, { phase: 'prefill' })])).toEqual([])
  })
})

describe('typed lists', () => {
  const range = { min: 1, max: 4096, most: 3 }
  it('are whole numbers in the range, each once', () => {
    expect(readList(' 64, 256  1k;64', { ...range, most: 4 })).toEqual([64, 256, 1024])
    for (const text of ['', '0', '1.5', '-2', '5000', 'x', '1 2 3 4', '1e2'])
      expect(readList(text, range)).toBeUndefined()
    expect(listRule(range)).toContain('from 1 to 4,096')
  })
})
