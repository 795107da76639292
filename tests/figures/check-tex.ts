// `npm run check:tex -- [FOLDER]`: compiles figures and a table with pdflatex, and looks at the pages with
// poppler. It needs texlive-latex-base, texlive-pictures and texlive-latex-extra of Debian (some 300 MB), so that it is no test.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PRESETS } from '#core/plots/figure/presets.ts'
import { figureOf } from '#core/plots/figure/restyle.ts'
import { figureToTikz, standaloneTex } from '#core/plots/figure/tikz.ts'
import { bibtexOf, papersOf } from '#core/plots/cite/bibtex.ts'
import { tableToLatex } from '#core/plots/tables/table.ts'
import { frontOf, PLOTS, SOURCE } from './samples.ts'

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'heddle-tex-'))
mkdirSync(folder, { recursive: true })
if (spawnSync('pdflatex', ['--version']).error !== undefined) {
  console.error('pdflatex is not installed: apt-get install texlive-latex-base texlive-pictures texlive-latex-extra')
  process.exit(2)
}

/** Everything that a table's text may hold. */
const TABLE = {
  caption: 'Latency & loss, 50 % of # $ _ { } ~ ^ \\ < > | " × · ± − – — … ≤ ≥ ≈ ∞ → ← ↑ ↓ µ α β γ ε ρ τ ² ³ ’ “ ” é ü',
  columns: [
    { title: 'stack' },
    { title: 'decode latency', unit: 'ms/token', better: 'lower' as const, digits: 2 },
    { title: 'accuracy', better: 'higher' as const },
  ],
  rows: [
    ['d f_m2 f', { value: 1.234, low: 1.2, high: 1.3 }, 0.5],
    ['(a f)x3 {w: 2}', { value: -2, low: -2.1, high: -1.9 }, 0.75],
    ['none', undefined, undefined],
  ],
}

const documents: Record<string, { readonly text: string; readonly points?: number }> = {
  table: {
    text: [
      String.raw`\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\usepackage{textcomp}\begin{document}`,
      tableToLatex(TABLE),
      String.raw`\nocite{*}\bibliographystyle{plain}\bibliography{heddle}\end{document}`,
    ].join('\n'),
  },
}
writeFileSync(join(folder, 'heddle.bib'), bibtexOf(papersOf(), '0.0.0'))
for (const [name, make] of Object.entries({ ...PLOTS, cloud: frontOf(2000) }))
  for (const preset of [PRESETS[0]!, PRESETS[1]!]) {
    const figure = figureOf(make, { preset, span: 'full', aspect: 'golden' })
    documents[`${name}-${preset.kind}`] = { text: standaloneTex(figureToTikz(figure, SOURCE)), points: figure.width }
  }

function run(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status === 0) return stdout
  throw new Error(
    `${tool} ${args.join(' ')}: ${stdout
      .split('\n')
      .filter((line) => /^!|error/i.test(line))
      .join(' ')} ${stderr}`,
  )
}

let failures = 0
for (const [name, { text, points }] of Object.entries(documents)) {
  writeFileSync(join(folder, `${name}.tex`), text)
  try {
    const latex = ['-interaction=nonstopmode', '-halt-on-error', `${name}.tex`]
    run('pdflatex', latex)
    if (name === 'table') {
      run('bibtex', [name])
      const warnings = readFileSync(join(folder, `${name}.blg`), 'utf8').match(/^Warning.*$/gm) ?? []
      if (warnings.length > 0) throw new Error(warnings.join('; '))
      run('pdflatex', latex)
      run('pdflatex', latex)
    }
    const missing = readFileSync(join(folder, `${name}.log`), 'latin1').match(/Missing character.*$/gm) ?? []
    if (missing.length > 0) throw new Error(missing.join('; '))
    const fonts = run('pdffonts', [`${name}.pdf`])
    // a table is set in the fonts of its paper
    if (name !== 'table' && /Type 3/.test(fonts)) throw new Error('a font is of Type 3')
    const width = Number(/Page size:\s+([\d.]+)/.exec(run('pdfinfo', [`${name}.pdf`]))![1])
    if (points !== undefined && Math.abs(width - points) > 0.5) throw new Error(`${width} pt wide instead of ${points}`)
    console.log(`ok    ${name}  ${width} pt wide, source ${(Buffer.byteLength(text) / 1000).toFixed(0)} kB`)
  } catch (error) {
    failures++
    console.log(`FAIL  ${name}  ${(error as Error).message}`)
  }
}
console.log(
  `${Object.keys(documents).length - failures} of ${Object.keys(documents).length} compile; they are in ${folder}`,
)
process.exitCode = failures === 0 ? 0 : 1
