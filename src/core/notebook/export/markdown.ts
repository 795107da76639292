// A notebook as Markdown with images beside it.

import type { ExportDocument, ExportOutput } from './pieces.ts'
import { pictureIn, valueText } from './pieces.ts'

export interface ExportFile {
  readonly name: string
  readonly text: string
}

/** The text, `notebook.md`, and its pictures in `images/`. */
export function notebookMarkdown({ origin, pieces }: ExportDocument): ExportFile[] {
  const images: ExportFile[] = []
  const image = (id: string, name: string, svg: string): string => {
    const file = `images/${id.replace(/[^\w-]/g, '')}-${images.length + 1}.svg`
    images.push({ name: file, text: svg })
    return `![${plain(name)}](${file})`
  }
  const shown = (id: string, output: ExportOutput): string => {
    switch (output.type) {
      case 'svg':
        return image(id, output.name, output.svg)
      case 'html': {
        const picture = pictureIn(output.markup)
        return picture === undefined
          ? `*${plain(output.name)}: open the notebook in Heddle*`
          : image(id, output.name, picture)
      }
      case 'text':
        return fenced(output.text, '')
      case 'table':
        return tableText(output.columns, output.rows)
    }
  }
  const text = pieces.map((piece) => {
    if (piece.type === 'prose') return piece.text
    const { title, id, note, source, kind, outputs } = piece
    const head = `**${plain(title)}** \`${id.replace(/`/g, '')}\`${note === '' ? '' : ` (${plain(note)})`}`
    return [
      head,
      fenced(source, kind === 'plot' || kind === 'code' ? 'ts' : 'yaml'),
      ...outputs.map((o) => shown(id, o)),
    ].join('\n\n')
  })
  return [{ name: 'notebook.md', text: `${[...text, `*${plain(origin)}*`].join('\n\n')}\n` }, ...images]
}

const plain = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>\n]/g, (c) => (c === '\n' ? ' ' : `\\${c}`))

function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

const tableText = (columns: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string =>
  [columns.map(plain), columns.map(() => '---'), ...rows.map((row) => row.map((value) => plain(valueText(value))))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
