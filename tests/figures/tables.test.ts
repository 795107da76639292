// Tables for papers: intervals, bold best, and texts that mean nothing to LaTeX, Markdown or a spreadsheet.

import { describe, expect, it } from 'vitest'
import { bibtexOf, papersOf, papersOfBlock } from '#core/plots/cite/bibtex.ts'
import { PAPERS } from '#core/plots/cite/papers.ts'
import { blocks } from '#core/blocks/index.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { paperTableOf } from '#core/plots/tables/rows.ts'
import { tableToCsv, tableToLatex, tableToMarkdown } from '#core/plots/tables/table.ts'
import type { PaperTable } from '#core/plots/tables/table.ts'
import { texEscape } from '#core/plots/tables/tex.ts'

const TABLE: PaperTable = {
  caption: '50 % & more_or #less',
  columns: [
    { title: 'stack' },
    { title: 'latency', unit: 'ms', better: 'lower', digits: 2 },
    { title: 'accuracy', better: 'higher' },
  ],
  rows: [
    ['a|b', { value: 1.234, low: -1.2, high: 1.3 }, 0.5],
    ['=SUM(1)', { value: 2, low: 1.9, high: 2.1 }, 0.75],
    ['c', undefined, 0.75],
  ],
}

describe('a table', () => {
  it('is LaTeX with booktabs', () => {
    const lines = tableToLatex(TABLE)
      .split('\n')
      .map((line) => line.trim())
    expect(lines).toContain(String.raw`\caption{50 \% \& more\_or \#less}`)
    expect(lines).toContain(String.raw`\begin{tabular}{lrr}`)
    expect(lines).toContain(String.raw`stack & latency (ms) $\downarrow$ & accuracy $\uparrow$ \\`)
    expect(lines).toContain(String.raw`a$|$b & \textbf{1.23} {\scriptsize [$-$1.20, 1.30]} & 0.5 \\`)
    expect(lines).toContain(String.raw`=SUM(1) & 2.00 {\scriptsize [1.90, 2.10]} & \textbf{0.75} \\`)
    expect(lines).toContain(String.raw`c & -- & \textbf{0.75} \\`)
  })

  it('is Markdown', () => {
    expect(tableToMarkdown(TABLE).split('\n')).toEqual([
      '| stack | latency (ms) | accuracy |',
      '| --- | ---: | ---: |',
      String.raw`| a\|b | **1.23** \[-1.20, 1.30\] | 0.5 |`,
      String.raw`| =SUM(1) | 2.00 \[1.90, 2.10\] | **0.75** |`,
      '| c | – | **0.75** |',
      '',
    ])
  })

  it('is CSV with all digits', () => {
    expect(tableToCsv(TABLE).split('\n')).toEqual([
      'stack,latency (ms),latency (ms) low,latency (ms) high,accuracy',
      'a|b,1.234,-1.2,1.3,0.5',
      "'=SUM(1),2,1.9,2.1,0.75",
      'c,,,,0.75',
    ])
  })

  it('must be even', () => {
    expect(() => tableToLatex({ ...TABLE, rows: [['a']] })).toThrow('row 0 has 1 cells where the table has 3 columns')
  })
})

it('knows units, intervals and the best of rows by what their columns are called', () => {
  const table = paperTableOf({
    name: 'Rows',
    columns: ['stack', 'Decode latency, ms/token', 'low', 'high', 'bits per byte', 'time (s)', 'low'],
    rows: [
      ['a', 2, 1, 3, 4.5, 1, 0],
      ['b', 3, null, null, 4, 2, 1],
    ],
  })
  expect(table.columns).toEqual([
    { title: 'stack' },
    { title: 'Decode latency', unit: 'ms/token', better: 'lower' },
    { title: 'bits per byte', unit: 'bits/byte', better: 'lower' },
    { title: 'time', unit: 's' },
    { title: 'low' },
  ])
  expect(table.rows).toEqual([
    ['a', { value: 2, low: 1, high: 3 }, 4.5, 1, 0],
    ['b', 3, 4, 2, 1],
  ])
  expect(tableToMarkdown(table)).toContain(String.raw`| a | **2** \[1, 3\] | 4.5 |`)
})

it('no text is a command of LaTeX', () => {
  expect(texEscape('\\input{/etc/passwd} $x$ ~^_#&%\u0000\n“µ”→학')).toBe(
    String.raw`\textbackslash{}input\{/etc/passwd\} \$x\$ \textasciitilde{}\textasciicircum{}\_\#\&\%  ` +
      String.raw`${'``'}$\mu$''$\rightarrow$?`,
  )
})

describe('BibTeX', () => {
  it('names the program, the method and the papers of the blocks in use', () => {
    const spec = resolveSpec(parseSpecText('{dModel: 64, vocabSize: 257} m2{headDim: 16} f'))
    const ids = papersOf([spec])
    expect(ids).toContain('2511.18890')
    const mamba2 = blocks.find(({ kind }) => kind === spec.blocks[0]!.block.kind)!
    expect(papersOfBlock(mamba2).length).toBeGreaterThan(0)
    for (const id of papersOfBlock(mamba2)) expect(ids).toContain(id)
    const text = bibtexOf(ids, '1.2.3')
    expect(text).toContain('version = {1.2.3}')
    expect(text.match(/^@/gm)).toHaveLength(ids.length + 1)
    expect(text.match(/[{]/g)).toHaveLength(text.match(/[}]/g)!.length)
    expect(new Set(text.match(/^@\w+\{[^,]+/gm)).size).toBe(ids.length + 1)
  })

  it('knows every paper that a block names', () => {
    const known = new Set(PAPERS.map(({ arxiv }) => arxiv))
    expect(papersOf().filter((id) => !known.has(id))).toEqual([])
  })
})
