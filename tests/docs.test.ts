import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { blocks } from '#core/blocks/index.ts'
import { ERROR_CODES } from '#core/errors.ts'
import { ops } from '#core/ops/index.ts'
import { encodings, searchers, SPACE_FIELDS } from '#core/search/index.ts'
import { tasks } from '#core/tasks/index.ts'
import { docPages, docsFolder, staleDocs } from '../scripts/docs-pages.ts'

const pages = docPages()

it('the pages of resources/docs are those of the registries', () => {
  expect(staleDocs(pages, docsFolder), 'npm run docs writes them').toEqual([])
})

describe('pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-docs-'))
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)
  beforeEach(() => {
    for (const [file, text] of pages) write(file, text)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are fresh where they are equal, whatever the line ends', () => {
    expect(staleDocs(pages, folder)).toEqual([])
    write('ops.md', pages.get('ops.md')!.replaceAll('\n', '\r\n'))
    expect(staleDocs(pages, folder)).toEqual([])
  })

  it('are stale when one differs, is missing or is too many', () => {
    write('blocks.md', `${pages.get('blocks.md')!}\n`)
    rmSync(join(folder, 'errors.md'))
    const other = mkdtempSync(join(tmpdir(), 'heddle-docs-'))
    cpSync(folder, other, { recursive: true })
    writeFileSync(join(other, 'old.md'), '')
    expect(staleDocs(pages, other)).toEqual(['blocks.md is stale', 'errors.md is missing', 'old.md is no page'])
    rmSync(other, { recursive: true })
    expect(staleDocs(pages, join(folder, 'none')).length).toBe(pages.size)
  })
})

describe('content', () => {
  const has = (file: string, texts: readonly string[]): void => {
    for (const text of texts) expect(pages.get(file), text).toContain(text)
  }

  it('names every entry and every parameter with its sentence', () => {
    has(
      'blocks.md',
      blocks.flatMap((b) => [`## ${b.title}\n`, `symbol \`${b.symbol}\``, b.doc]),
    )
    has(
      'tasks.md',
      tasks.flatMap((t) => [`## ${t.title}\n`, t.doc]),
    )
    has(
      'ops.md',
      [...ops.values()].flatMap((op) => [`| \`${op.kind}\` |`]),
    )
    has(
      'search.md',
      searchers.flatMap((s) => [`## ${s.title}\n`, s.doc, ...Object.values(s.params).map(({ doc }) => doc)]),
    )
    has('search.md', [...encodings.map(({ doc }) => doc), ...Object.values(SPACE_FIELDS)])
    has('errors.md', Object.entries(ERROR_CODES).flat())
    for (const block of blocks)
      for (const [name, param] of Object.entries(block.params))
        has('blocks.md', [`| \`${name}\` |`, param.doc.replaceAll('|', '\\|')])
  })

  it('prints ranges, choices, defaults, units and searched values', () => {
    has('blocks.md', [
      '| `window` | integer from 1 to 1048576, or none | none | tokens | none, 512 | Sliding window',
      '| `headDim` | integer from 2 to 512 | derived |  | 64, 128 | Width of a head',
      '| `activation` | silu, relu2, gelu | silu |',
      '| `rope` | true or false | true |',
    ])
  })

  it('keeps every table rectangular', () => {
    for (const [file, text] of pages) {
      const tables = text.split('\n\n').filter((part) => part.startsWith('|'))
      for (const part of tables) {
        const widths = new Set(
          part
            .trimEnd()
            .split('\n')
            .map((line) => line.split(/(?<!\\)\|/).length),
        )
        expect(widths.size, `${file}: ${part.slice(0, 80)}`).toBe(1)
      }
    }
  })
})
