import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import type { ErrorCode } from '#core/errors.ts'
import { lower } from '#core/model/lower.ts'
import { canonicalJson, hashSpec, MAX_BLOCKS, parseSpec, resolveSpec } from '#core/model/spec.ts'
import { arbitrarySpec } from '../../helpers/arbitraries.ts'

function refusal(input: unknown): HeddleError {
  try {
    parseSpec(input)
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(HeddleError)
    return error as HeddleError
  }
  throw new Error('the spec was accepted')
}

const ok = { heddle: 1, model: { dModel: 64 }, blocks: [] }
const withBlock = (block: unknown): unknown => ({ ...ok, blocks: [block] })
const many = (count: number, item: unknown): unknown[] => new Array(count).fill(item) as unknown[]
/** Groups inside each other, as parsed JSON may be. */
function nested(depth: number): unknown {
  let item: unknown = { kind: 'ffn' }
  for (let i = 0; i < depth; i++) item = { repeat: 1, blocks: [item] }
  return item
}

let prototype: string[]
beforeEach(() => (prototype = Object.getOwnPropertyNames(Object.prototype)))
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

const HOSTILE: readonly (readonly [what: string, input: unknown, code: ErrorCode, path: string])[] = [
  ['null', null, 'spec-invalid', 'spec'],
  ['a list', [], 'spec-invalid', 'spec'],
  ['text', 'd f d f', 'spec-invalid', 'spec'],
  ['a number', NaN, 'spec-invalid', 'spec'],
  ['nothing', undefined, 'spec-invalid', 'spec'],
  ['a function', () => ok, 'spec-invalid', 'spec'],
  ['no version', { model: {}, blocks: [] }, 'spec-version', 'heddle'],
  ['version 0', { ...ok, heddle: 0 }, 'spec-version', 'heddle'],
  ['a newer version', { ...ok, heddle: 2 }, 'spec-version', 'heddle'],
  ['a version in words', { ...ok, heddle: '1' }, 'spec-version', 'heddle'],
  ['a version that is a prototype key', { ...ok, heddle: '__proto__' }, 'spec-version', 'heddle'],
  ['a version that is not a number', { ...ok, heddle: NaN }, 'spec-version', 'heddle'],
  ['an unknown field', { ...ok, layers: [] }, 'spec-invalid', 'layers'],
  ['no blocks', { heddle: 1 }, 'spec-invalid', 'blocks'],
  ['blocks in words', { ...ok, blocks: 'd f' }, 'spec-invalid', 'blocks'],
  ['blocks as an object', { ...ok, blocks: { length: 3 } }, 'spec-invalid', 'blocks'],
  ['a hole in the blocks', { ...ok, blocks: [null] }, 'spec-invalid', 'blocks[0]'],
  ['a list as block', withBlock([]), 'spec-invalid', 'blocks[0]'],
  ['a block without kind', withBlock({}), 'spec-invalid', 'blocks[0].kind'],
  ['an unknown block', withBlock({ kind: 'transformer' }), 'spec-invalid', 'blocks[0].kind'],
  ['a kind of the prototype', withBlock({ kind: 'constructor' }), 'spec-invalid', 'blocks[0].kind'],
  ['a kind that is an object', withBlock({ kind: { toString: 1 } }), 'spec-invalid', 'blocks[0].kind'],
  ['params in a list', withBlock({ kind: 'ffn', params: [] }), 'spec-invalid', 'blocks[0].params'],
  ['params of null', withBlock({ kind: 'ffn', params: null }), 'spec-invalid', 'blocks[0].params'],
  ['disabled in words', withBlock({ kind: 'ffn', disabled: 'no' }), 'spec-invalid', 'blocks[0].disabled'],
  ['an unknown parameter', withBlock({ kind: 'ffn', params: { width: 3 } }), 'param-invalid', 'blocks[0].params.width'],
  [
    'a parameter of the prototype',
    withBlock({ kind: 'ffn', params: { toString: 3 } }),
    'param-invalid',
    'blocks[0].params.toString',
  ],
  ['a width of text', { ...ok, model: { dModel: '64' } }, 'param-invalid', 'model.dModel'],
  ['a width of zero', { ...ok, model: { dModel: 0 } }, 'param-invalid', 'model.dModel'],
  ['a negative width', { ...ok, model: { dModel: -64 } }, 'param-invalid', 'model.dModel'],
  ['a broken width', { ...ok, model: { dModel: 64.5 } }, 'param-invalid', 'model.dModel'],
  ['an endless width', { ...ok, model: { dModel: Infinity } }, 'param-invalid', 'model.dModel'],
  ['a width that is no number', { ...ok, model: { dModel: NaN } }, 'param-invalid', 'model.dModel'],
  ['an enormous width', { ...ok, model: { dModel: 2 ** 40 } }, 'param-invalid', 'model.dModel'],
  ['an enormous vocabulary', { ...ok, model: { vocabSize: 1e15 } }, 'param-invalid', 'model.vocabSize'],
  ['a model that is a list', { ...ok, model: [64] }, 'param-invalid', 'model'],
  ['a width that is a list', { ...ok, model: { dModel: [64] } }, 'param-invalid', 'model.dModel'],
  [
    'heads that do not divide',
    withBlock({ kind: 'attention', params: { headDim: 8, nHeads: 6, nKvHeads: 4 } }),
    'spec-invalid',
    'blocks[0].params.nKvHeads',
  ],
  ['10,000 layers', { ...ok, blocks: many(10_000, { kind: 'ffn' }) }, 'spec-invalid', 'blocks'],
  [
    '10,000 layers by repeats',
    { ...ok, blocks: [{ repeat: 100, blocks: [{ repeat: 100, blocks: [{ kind: 'ffn' }] }] }] },
    'spec-invalid',
    'blocks[0].blocks[0].blocks',
  ],
  ['a million repeats', { ...ok, blocks: [{ repeat: 1e6, blocks: [] }] }, 'spec-invalid', 'blocks[0].repeat'],
  ['half a repeat', { ...ok, blocks: [{ repeat: 0.5, blocks: [] }] }, 'spec-invalid', 'blocks[0].repeat'],
  ['a group without repeat', { ...ok, blocks: [{ blocks: [] }] }, 'spec-invalid', 'blocks[0].repeat'],
  ['a group without blocks', { ...ok, blocks: [{ repeat: 2 }] }, 'spec-invalid', 'blocks[0].blocks'],
  [
    'a group that is a block too',
    { ...ok, blocks: [{ repeat: 2, blocks: [], kind: 'ffn' }] },
    'spec-invalid',
    'blocks[0].kind',
  ],
  [
    'a label with spaces',
    { ...ok, blocks: [{ repeat: 2, blocks: [], label: 'a b' }] },
    'spec-invalid',
    'blocks[0].label',
  ],
  ['12 groups inside each other', withBlock(nested(12)), 'spec-invalid', `blocks[0]${'.blocks[0]'.repeat(8)}.blocks`],
  [
    '100,000 groups inside each other',
    withBlock(nested(100_000)),
    'spec-invalid',
    `blocks[0]${'.blocks[0]'.repeat(8)}.blocks`,
  ],
  ['a name of a megabyte', { ...ok, name: 'x'.repeat(1 << 20) }, 'spec-invalid', 'name'],
  ['a kind of a megabyte', withBlock({ kind: 'x'.repeat(1 << 20) }), 'spec-invalid', 'blocks[0].kind'],
  [
    'a value of a megabyte',
    withBlock({ kind: 'ffn', params: { activation: 'x'.repeat(1 << 20) } }),
    'param-invalid',
    'blocks[0].params.activation',
  ],
  [
    'a label of a megabyte',
    { ...ok, blocks: [{ repeat: 1, blocks: [], label: 'x'.repeat(1 << 20) }] },
    'spec-invalid',
    'blocks[0].label',
  ],
  [
    'a bigint',
    withBlock({ kind: 'ffn', params: { intermediateSize: 5n } }),
    'param-invalid',
    'blocks[0].params.intermediateSize',
  ],
  ['bigints in a list', { ...ok, blocks: 3, name: [1n] }, 'spec-invalid', 'name'],
]

describe('a hostile spec', () => {
  it.each(HOSTILE)('with %s is refused', (_, input, code, path) => {
    const error = refusal(input)
    expect(error).toMatchObject({ code, path })
    expect(error.message.length).toBeLessThan(500)
    expect(error.message).toMatch(/^[^A-Z]/)
  })

  it('with a cycle is refused', () => {
    const cycle: Record<string, unknown> = { ...ok }
    cycle['name'] = cycle
    expect(refusal(cycle).path).toBe('name')
    const group: Record<string, unknown> = { repeat: 1 }
    group['blocks'] = [group]
    expect(refusal(withBlock(group)).code).toBe('spec-invalid')
  })

  it.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'])(
    'with the key %s is refused everywhere',
    (key) => {
      const poison = `{"${key}": {"polluted": true}}`
      const texts = [
        `{"heddle": 1, "model": {}, "blocks": [], "${key}": {"polluted": true}}`,
        `{"heddle": 1, "model": ${poison}, "blocks": []}`,
        `{"heddle": 1, "model": {"${key}": 5}, "blocks": []}`,
        `{"heddle": 1, "model": {}, "blocks": [{"kind": "ffn", "${key}": {"polluted": true}}]}`,
        `{"heddle": 1, "model": {}, "blocks": [{"kind": "ffn", "params": ${poison}}]}`,
        `{"heddle": 1, "model": {}, "blocks": [{"repeat": 1, "blocks": [], "${key}": 1}]}`,
      ]
      for (const text of texts) expect(refusal(JSON.parse(text)).path).toContain(key)
    },
  )

  it('of any JSON is accepted whole or refused with a path', () => {
    const anything = fc.jsonValue({ maxDepth: 4 })
    const near = fc.record(
      {
        heddle: fc.constantFrom(1, 2, null),
        model: anything,
        blocks: fc.oneof(
          anything,
          fc.array(
            fc.record({ kind: fc.constantFrom('ffn', 'attention', 'x'), params: anything }, { requiredKeys: [] }),
          ),
        ),
        name: anything,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(anything, near), (input) => {
        try {
          expect(parseSpec(input).heddle).toBe(1)
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError)
          expect((error as HeddleError).path).toBeTruthy()
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a spec', () => {
  it('is in canonical form once it has been parsed', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => void expect(parseSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec)),
      { numRuns: 60 },
    )
  })

  it('may have the largest number of blocks, not one more', () => {
    expect(resolveSpec(parseSpec({ ...ok, blocks: many(MAX_BLOCKS, { kind: 'ffn' }) })).blocks).toHaveLength(MAX_BLOCKS)
    expect(refusal({ ...ok, blocks: [...many(MAX_BLOCKS, { kind: 'ffn' }), { kind: 'ffn' }] }).message).toContain(
      String(MAX_BLOCKS),
    )
  })

  it('hashes what it computes: not names, labels, grouping, order of keys, defaults or disabled blocks', () => {
    const plain = hashSpec(
      parseSpec({
        ...ok,
        blocks: [{ kind: 'ffn' }, { kind: 'ffn' }, { kind: 'attention', params: { rope: true, window: 8 } }],
      }),
    )
    const same = [
      {
        ...ok,
        name: 'named',
        blocks: [
          { repeat: 2, label: 'twice', blocks: [{ kind: 'ffn' }] },
          { kind: 'attention', params: { window: 8 } },
        ],
      },
      {
        ...ok,
        blocks: [
          { kind: 'ffn', params: { activation: 'silu' } },
          { kind: 'gla', disabled: true },
          { kind: 'ffn' },
          { kind: 'attention', params: { window: 8, rope: true } },
        ],
      },
    ]
    for (const spec of same) expect(hashSpec(parseSpec(spec))).toBe(plain)
    const other = [
      { ...ok, blocks: [{ kind: 'ffn' }, { kind: 'attention', params: { window: 8 } }, { kind: 'ffn' }] },
      { ...ok, blocks: [{ kind: 'ffn' }, { kind: 'ffn' }, { kind: 'attention', params: { window: 9 } }] },
      {
        ...ok,
        model: { dModel: 64, metaTokens: 1 },
        blocks: [{ kind: 'ffn' }, { kind: 'ffn' }, { kind: 'attention', params: { window: 8 } }],
      },
    ]
    for (const spec of other) expect(hashSpec(parseSpec(spec))).not.toBe(plain)
  })

  it('unrolls groups in order and points back at them', () => {
    const { blocks } = resolveSpec(
      parseSpec({
        ...ok,
        blocks: [
          { kind: 'ffn' },
          {
            repeat: 2,
            blocks: [
              { kind: 'attention' },
              { kind: 'gla', disabled: true },
              { repeat: 2, blocks: [{ kind: 'mamba1' }] },
            ],
          },
        ],
      }),
    )
    expect(blocks.map((b) => b.block.symbol).join(' ')).toBe('f a m m a m m')
    expect(blocks[1]!.path).toBe('blocks[1].blocks[0]')
    expect(blocks[2]!.path).toBe('blocks[1].blocks[2].blocks[0]')
  })

  it('of random shape lowers, in every phase', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        const resolved = resolveSpec(spec)
        const phases = (['train', 'prefill', 'decode'] as const).map((phase) =>
          lower(resolved, { phase, batchSize: 1, seqLen: phase === 'decode' ? 1 : 3, context: 9, shapesOnly: true }),
        )
        for (const { weights } of phases)
          expect(weights.map((w) => `${w.name} ${w.shape}`).sort()).toEqual(
            expect.arrayContaining(phases[2]!.weights.map((w) => `${w.name} ${w.shape}`)),
          )
        expect(phases[1]!.states.map((s) => `${s.name} ${s.shape}`)).toEqual(
          phases[2]!.states.map((s) => `${s.name} ${s.shape}`),
        )
      }),
      { numRuns: 60 },
    )
  })
})

it('canonical json sorts keys and leaves out what is undefined', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, A: true })).toBe(
    '{"A":true,"b":[1,{"c":"x","d":null}]}',
  )
})
