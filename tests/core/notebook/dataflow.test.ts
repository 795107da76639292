import { describe, expect, it } from 'vitest'
import { cellKinds } from '#core/notebook/cells/index.ts'
import { dependantsOf, runOrder, statusesOf } from '#core/notebook/dataflow.ts'
import type { CellStatus, KnownResults } from '#core/notebook/dataflow.ts'
import { parseNotebook } from '#core/notebook/document.ts'

const cell = (info: string, body: string): string => `\`\`\`heddle:${info}\n${body}\n\`\`\`\n\n`
const STACK = cell('stack id=s', '{dModel: 64, vocabSize: 257} d{nHeads: 2} f')
const TEXT =
  STACK +
  cell('train id=t', 'stacks: s\nsteps: 10') +
  cell('plot id=p inputs=t', 'return 1') +
  cell('code id=c inputs=p', 'x')

const none: KnownResults = { has: () => false, digest: () => undefined, earlier: () => undefined }
const statuses = (text: string, results = none): Map<string, CellStatus> =>
  statusesOf(parseNotebook(text).pieces, results)
const states = (text: string, results = none): Record<string, string> =>
  Object.fromEntries([...statuses(text, results)].map(([key, { state }]) => [key, state]))

/** Results as a notebook gathers them: run a cell by keeping its hash. */
function memory(): KnownResults & { run(id: string, text: string, result: string): void } {
  const kept = new Map<string, string>()
  const ran = new Map<string, CellStatus['tokens']>()
  return {
    has: (hash) => kept.has(hash),
    digest: (hash) => kept.get(hash),
    earlier: (id) => ran.get(id),
    run(id, text, result) {
      const { hash, tokens } = statuses(text, this).get(id)!
      expect(hash).not.toBe('')
      kept.set(hash, result)
      ran.set(id, tokens)
    },
  }
}

describe('dataflow', () => {
  it('every kind reads its own example', () => {
    for (const kind of cellKinds) {
      const content = kind.read({ body: kind.example, attributes: {} })
      expect(JSON.parse(JSON.stringify(content)), kind.kind).toEqual(content)
      expect(kind.inputs(content).every((id) => typeof id === 'string')).toBe(true)
    }
  })

  it('a change makes what depends on it stale, and only that', () => {
    const results = memory()
    expect(states(TEXT, results)).toEqual({ s: 'fresh', t: 'new', p: 'waiting', c: 'waiting' })
    results.run('t', TEXT, 'run 1')
    results.run('p', TEXT, 'drawing')
    results.run('c', TEXT, '1')
    expect(states(TEXT, results)).toEqual({ s: 'fresh', t: 'fresh', p: 'fresh', c: 'fresh' })
    const other = TEXT.replace('d{nHeads: 2} f', 'd{nHeads: 2} f f')
    expect(states(other, results)).toEqual({ s: 'fresh', t: 'stale', p: 'stale', c: 'stale' })
    expect(statuses(other, results).get('t')?.changed).toEqual(['s'])
    expect(statuses(TEXT.replace('steps: 10', 'steps: 11'), results).get('t')?.changed).toEqual([])
    // blanks are no change; back to what it was is no change either
    expect(states(TEXT.replace('} d{', '}   d{'), results)).toEqual(states(TEXT, results))
    results.run('t', other, 'run 2')
    expect(states(other, results)).toEqual({ s: 'fresh', t: 'fresh', p: 'stale', c: 'stale' })
    expect(states(TEXT, results)['c']).toBe('fresh')
  })

  it('another result of the same content makes dependants stale', () => {
    const results = memory()
    for (const id of ['t', 'p', 'c']) results.run(id, TEXT, 'a')
    results.run('t', TEXT, 'b')
    expect(states(TEXT, results)).toMatchObject({ t: 'fresh', p: 'stale', c: 'stale' })
  })

  it('a broken cell stops only what takes from it', () => {
    const found = statuses(`${TEXT}${cell('train id=x', 'stacks: [')}${cell('front id=f', 'of: x')}`)
    expect(found.get('x')).toMatchObject({ state: 'broken' })
    expect(found.get('f')).toMatchObject({ state: 'waiting', problem: { message: 'x cannot be read' } })
    expect(found.get('t')).toMatchObject({ state: 'new' })
  })

  it('unknown kinds and newer versions are text', () => {
    expect(states(cell('future id=a', 'x: 1') + cell('stack id=b v=2', 'd f') + STACK)).toEqual({
      a: 'text',
      b: 'text',
      s: 'fresh',
    })
    expect([...statusesOf(parseNotebook(TEXT).pieces, none, 2).values()].every(({ state }) => state === 'text')).toBe(
      true,
    )
  })

  it('circles, missing inputs and repeated ids say so', () => {
    const circle = cell('code id=a inputs=b', '') + cell('code id=b inputs=a', '') + cell('code id=c inputs=c', '')
    expect(states(circle)).toEqual({ a: 'broken', b: 'broken', c: 'broken' })
    expect(statuses(cell('code id=a inputs=gone', '')).get('a')?.problem?.message).toBe('there is no cell gone')
    expect(states(STACK + STACK)).toEqual({ s: 'fresh', '#1': 'broken' })
  })

  it('a chain of thousands is refused, not followed', () => {
    const text =
      Array.from({ length: 5000 }, (_, i) => cell(`code id=c${i} inputs=c${i + 1}`, 'x')).join('') +
      cell('code id=c5000', 'x')
    const found = statuses(text)
    expect(found.get('c0')?.state).toBe('waiting')
    expect([...found.values()].some(({ problem }) => problem?.message.includes('in a row'))).toBe(true)
    expect(runOrder(found)).toHaveLength(5001)
  })

  it('orders cells after their inputs', () => {
    const found = statuses(cell('code id=z inputs=t', '') + TEXT)
    const order = runOrder(found)
    expect(order.indexOf('t')).toBeLessThan(order.indexOf('z'))
    expect(runOrder(found, ['p'])).toEqual(['s', 't', 'p'])
    expect(dependantsOf(found, 's').sort()).toEqual(['c', 'p', 't', 'z'])
  })
})
