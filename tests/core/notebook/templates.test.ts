// The notebooks that come with the program: every cell reads, names cells that exist, and its code is TypeScript.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { statusesOf } from '#core/notebook/dataflow.ts'
import { parseNotebook, printNotebook } from '#core/notebook/document.ts'
import { programOf } from '../../../src/renderer/notebook/sandbox/program.ts'
import { root } from '../../../scripts/commands.ts'

const folder = join(root, 'resources/notebooks')
const names = readdirSync(folder).filter((name) => name.endsWith('.md'))

it('there are the quickstart, the three experiments of the paper, a search, proxy trust and the crossover', () => {
  expect(names).toHaveLength(7)
})

describe.each(names)('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8')
  const document = parseNotebook(text)

  it('reads and prints', () => {
    expect(printNotebook(document)).toBe(text)
    expect(document.title).not.toBe('')
    expect(document.doc).not.toBe('')
    const statuses = statusesOf(document.pieces, {
      has: () => false,
      digest: () => undefined,
      earlier: () => undefined,
    })
    for (const [id, { state, problem }] of statuses)
      expect([id, state === 'broken' || state === 'text' ? problem : 'ok']).toEqual([id, 'ok'])
    expect([...statuses.keys()].every((id) => !id.startsWith('#'))).toBe(true)
  })

  it('has code that can be read', () => {
    for (const piece of document.pieces)
      if (piece.type === 'cell' && (piece.kind === 'code' || piece.kind === 'plot'))
        expect(() => programOf(piece.body, (piece.attributes['inputs'] ?? '').split(','), '')).not.toThrow()
  })
})
