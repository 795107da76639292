import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it, onTestFinished } from 'vitest'
import { crc32, zipOf } from '#core/notebook/export/archive.ts'
import { notebookHtml } from '#core/notebook/export/html.ts'
import { notebookIpynb } from '#core/notebook/export/ipynb.ts'
import { notebookMarkdown } from '#core/notebook/export/markdown.ts'
import type { ExportDocument } from '#core/notebook/export/pieces.ts'
import { renderMarkdown } from '../../../src/renderer/notebook/text/markdown.ts'

const EVIL = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>`</pre>|'
const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text>é<script>alert(1)</script></text></svg>'
const document: ExportDocument = {
  name: `log ${EVIL} "q" \\ \u{1F600}`,
  title: EVIL,
  origin: EVIL,
  pieces: [
    { type: 'prose', text: `# Title $x^2$\n\n${EVIL}\n\n[a](javascript:alert(1)) $$\\int_0^1 f$$` },
    {
      ...({ type: 'cell', kind: 'plot', title: EVIL, id: EVIL, source: EVIL, note: EVIL } as const),
      outputs: [
        { type: 'svg', name: EVIL, svg },
        { type: 'html', name: EVIL, markup: `<figure>${svg}<script>alert(3)</script></figure>`, height: 100 },
        {
          type: 'table',
          name: EVIL,
          columns: [EVIL, 'n'],
          rows: [
            [EVIL, 1.23456789],
            [null, 3],
          ],
        },
        { type: 'text', text: EVIL },
      ],
    },
    { type: 'cell', kind: 'train', title: 'Train', id: 'runs', source: 'steps: 1', note: '', outputs: [] },
  ],
}

describe('HTML', () => {
  const html = notebookHtml(document, (text) => renderMarkdown(text, 'mathml'))

  it('holds no script, no handler and nothing from elsewhere', () => {
    const tags = [...html.matchAll(/<([a-z][\w-]*)((?:[^>"]|"[^"]*")*)>/gi)]
    expect(tags.map(([, name]) => name)).not.toContain('script')
    for (const [, , attributes = ''] of tags) {
      const names = [...attributes.matchAll(/([\w-]+)="[^"]*"/g)].map(([, name]) => name!)
      expect(names.filter((name) => /^on/i.test(name))).toEqual([])
      for (const [, address] of attributes.matchAll(/(?:src|href)="([^"]*)"/g))
        expect(address).toMatch(/^(data:image\/svg|#|https?:)/)
    }
    expect(html).toContain("default-src 'none'")
    expect(html).toContain('<math')
    expect(html).toContain('<iframe sandbox=""')
  })

  it('keeps pictures and numbers', () => {
    const data = /src="data:image\/svg\+xml;base64,([^"]+)"/.exec(html)![1]!
    expect(Buffer.from(data, 'base64').toString()).toBe(svg)
    expect(html).toContain('1.23457')
  })
})

describe('.ipynb', () => {
  const text = notebookIpynb(document, 'my "project" é.heddle')
  const notebook = JSON.parse(text) as {
    cells: { id: string; source: string[]; cell_type: string; outputs?: unknown[] }[]
  }

  it('is valid by the schema of nbformat 4.5', () => {
    const { $schema: _, ...schema } = JSON.parse(
      readFileSync(join(import.meta.dirname, 'fixtures/nbformat.v4.5.schema.json'), 'utf8'),
    ) as Record<string, unknown>
    const validate = new Ajv({ strict: false }).compile(schema)
    validate(notebook)
    expect(validate.errors).toBeNull()
    expect(validate({ ...notebook, nbformat: 3 })).toBe(false)
    expect(validate({ ...notebook, cells: [{ ...notebook.cells[1], id: 'no id!' }] })).toBe(false)
  })

  it('has figures as outputs, and ids that are unique', () => {
    expect(new Set(notebook.cells.map((cell) => cell.id)).size).toBe(notebook.cells.length)
    expect(notebook.cells[2]!.outputs).toHaveLength(4)
    expect(JSON.stringify(notebook.cells[2]!.outputs)).toContain('image/svg+xml')
    expect(notebook.cells[2]!.source.every((line) => line.startsWith('#'))).toBe(true)
  })

  it('has a loader that is Python', (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-ipynb-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(
      join(folder, 'loader.py'),
      `import ast\nast.parse(${JSON.stringify(notebook.cells[0]!.source.join(''))})\n`,
    )
    try {
      execFileSync('python3', ['--version'])
    } catch {
      return test.skip('there is no python3 here')
    }
    execFileSync('python3', [join(folder, 'loader.py')])
  })
})

describe('Markdown', () => {
  const files = notebookMarkdown(document)

  it('has its pictures beside it', () => {
    expect(files.map(({ name }) => name)).toEqual([
      'notebook.md',
      expect.stringMatching(/^images\/[\w-]+-1\.svg$/),
      expect.stringMatching(/-2\.svg$/),
    ])
    expect(files[1]!.text).toBe(svg)
    for (const { name } of files.slice(1)) expect(files[0]!.text).toContain(`](${name})`)
  })

  it('is an archive that other programs read', (test) => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    const folder = mkdtempSync(join(tmpdir(), 'heddle-zip-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'a.zip')
    writeFileSync(path, zipOf(files))
    try {
      execFileSync('python3', ['--version'])
    } catch {
      return test.skip('there is no python3 here')
    }
    const script =
      'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(*z.namelist(), sep="\\n")'
    expect(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }).trim().split('\n')).toEqual(
      files.map(({ name }) => name),
    )
  })
})
