// A notebook as one HTML file: no scripts, nothing loaded from elsewhere. Pictures are images, so that what is in them is inert.

import { toBase64 } from '../../base64.ts'
import { escapeXml } from '../../plots/scene.ts'
import { encodeUtf8 } from '../../utf8.ts'
import type { ExportDocument, ExportOutput, ExportPiece } from './pieces.ts'
import { valueText } from './pieces.ts'

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
/** What a page for print may load besides: fonts of the program that shows it. */
const PRINT_POLICY = `${POLICY}; font-src 'self'`

const STYLE = `
:root { color-scheme: light; --ink: #1b1f24; --quiet: #5f656c; --line: #e3e0d8; }
body { max-width: 900px; margin: 0 auto; padding: 32px 24px; background: #fbfaf7; color: var(--ink); font: 16px/26px 'Source Serif 4', Georgia, serif; }
.text { max-width: 68ch; overflow-wrap: break-word; }
h1, h2, h3, h4, h5, h6 { line-height: 1.3; margin: 24px 0 8px; }
code, pre { font: 12px/18px 'JetBrains Mono', Menlo, monospace; }
.text code { font-size: 0.85em; }
.cell { margin: 16px 0; border: 1px solid var(--line); border-radius: 6px; background: #fff; font: 13px/18px Inter, 'Helvetica Neue', Arial, sans-serif; break-inside: avoid; }
.cell > header { padding: 6px 10px; }
.note, .origin { color: var(--quiet); font-size: 12px; }
.cell pre { margin: 0; padding: 0 10px 8px; white-space: pre-wrap; }
figure, .rows { margin: 0; padding: 8px 10px; border-top: 1px solid var(--line); overflow-x: auto; }
img { display: block; max-width: 100%; }
iframe { width: 100%; border: 0; }
table { border-collapse: collapse; font-size: 12px; }
th, td { padding: 3px 16px 3px 0; border-bottom: 1px solid var(--line); text-align: left; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
@media print { body { background: none; padding: 0; max-width: none; } .cell { border-color: #ccc; } }
`

/**
 * The page. `render` turns Markdown into HTML that holds nothing but text, formulas and links; `printStyle` is a style of its
 * formulas for a page that is only printed.
 */
export function notebookHtml(
  { name, title, origin, pieces }: ExportDocument,
  render: (text: string) => string,
  printStyle?: string,
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${printStyle === undefined ? POLICY : PRINT_POLICY}">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(title === '' ? name : title)}</title>
<style>${STYLE}${printStyle ?? ''}</style>
</head>
<body>
${pieces.map((piece) => pieceHtml(piece, render)).join('\n')}
<p class="origin">${escapeXml(origin)}</p>
</body>
</html>
`
}

function pieceHtml(piece: ExportPiece, render: (text: string) => string): string {
  if (piece.type === 'prose') return `<div class="text">${render(piece.text)}</div>`
  const { title, id, note, source, outputs } = piece
  const mark = note === '' ? '' : ` <span class="note">${escapeXml(note)}</span>`
  return `<section class="cell"><header><strong>${escapeXml(title)}</strong> <code>${escapeXml(id)}</code>${mark}</header>
<pre>${escapeXml(source)}</pre>
${outputs.map(outputHtml).join('\n')}</section>`
}

function outputHtml(output: ExportOutput): string {
  switch (output.type) {
    case 'svg':
      return `<figure><img alt="${escapeXml(output.name)}" src="data:image/svg+xml;base64,${toBase64(encodeUtf8(output.svg))}"></figure>`
    case 'html':
      return `<figure><iframe sandbox="" title="${escapeXml(output.name)}" height="${Math.round(output.height)}" srcdoc="${escapeXml(output.markup)}"></iframe></figure>`
    case 'text':
      return `<div class="rows"><pre>${escapeXml(output.text)}</pre></div>`
    case 'table':
      return tableHtml(output)
  }
}

function tableHtml({ columns, rows }: Extract<ExportOutput, { readonly type: 'table' }>): string {
  const isNumber = columns.map((_, i) => rows.every((row) => typeof row[i] !== 'string'))
  const look = (i: number): string => (isNumber[i] === true ? ' class="number"' : '')
  const head = columns.map((column, i) => `<th${look(i)}>${escapeXml(column)}</th>`).join('')
  const body = rows.map(
    (row) => `<tr>${row.map((value, i) => `<td${look(i)}>${escapeXml(valueText(value))}</td>`).join('')}</tr>`,
  )
  return `<div class="rows"><table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
}
