// A notebook as .ipynb 4.5: prose as Markdown, each cell as a code cell whose source is kept as a comment, with its figures as
// outputs, and one cell of Python that reads the results from the project file.

import type { ExportDocument, ExportOutput, ExportPiece } from './pieces.ts'
import { pictureIn, valueText } from './pieces.ts'

type Bundle = Readonly<Record<string, string | readonly string[]>>

interface Output {
  readonly output_type: 'display_data'
  readonly data: Bundle
  readonly metadata: object
}

/** The text of the file. `projectFile` is the name of the project that the loader opens. */
export function notebookIpynb(document: ExportDocument, projectFile: string): string {
  const cells = [loader(document.name, projectFile), ...document.pieces.map(cellOf)]
  return `${JSON.stringify(
    {
      cells,
      metadata: {
        kernelspec: { name: 'python3', display_name: 'Python 3' },
        language_info: { name: 'python' },
        title: document.title === '' ? document.name : document.title,
        heddle: { origin: document.origin },
      },
      nbformat: 4,
      nbformat_minor: 5,
    },
    null,
    1,
  )}\n`
}

/** Lines with their ends, as the format keeps text. */
const lines = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

const cellOf = (piece: ExportPiece, index: number): object => {
  if (piece.type === 'prose')
    return { cell_type: 'markdown', id: `text-${index}`, metadata: {}, source: lines(piece.text) }
  const { kind, title, id, source, note, outputs } = piece
  const head = `# ${title} ${id}${note === '' ? '' : ` (${note})`}: ran in Heddle\n`
  return {
    cell_type: 'code',
    // places make ids unique whatever the cells are called
    id: `cell-${index}`,
    metadata: { heddle: { kind, id, source } },
    source: lines(
      head +
        source
          .split('\n')
          .map((line) => `# ${line}`.trimEnd())
          .join('\n'),
    ),
    outputs: outputs.map(outputOf),
    execution_count: null,
  }
}

function outputOf(output: ExportOutput): Output {
  const data = (): Bundle => {
    switch (output.type) {
      case 'svg':
        return { 'image/svg+xml': lines(output.svg), 'text/plain': [output.name] }
      case 'html': {
        const picture = pictureIn(output.markup)
        return { ...(picture !== undefined && { 'image/svg+xml': lines(picture) }), 'text/plain': [output.name] }
      }
      case 'text':
        return { 'text/plain': lines(output.text) }
      case 'table':
        return {
          'text/plain': lines(
            [output.columns, ...output.rows.map((row) => row.map(valueText))].map((row) => row.join('\t')).join('\n'),
          ),
        }
    }
  }
  return { output_type: 'display_data', data: data(), metadata: {} }
}

function loader(name: string, projectFile: string): object {
  const source = `# Results of the cells below by their names, from the project file ${JSON.stringify(projectFile)}
import json
import sqlite3
from pathlib import Path

project = sqlite3.connect(Path(${pythonText(projectFile)}).resolve().as_uri() + "?mode=ro", uri=True)
rows = project.execute(
    "SELECT cell, result FROM cell_results WHERE id IN"
    " (SELECT max(id) FROM cell_results WHERE notebook = ? GROUP BY cell)",
    (${pythonText(name)},),
)
results = {cell: json.loads(result)["result"] for cell, result in rows}
`
  return { cell_type: 'code', id: 'loader', metadata: {}, source: lines(source), outputs: [], execution_count: null }
}

/** A string of Python: JSON's escapes are Python's, but for pairs of surrogates. */
const pythonText = (text: string): string =>
  `"${[...text].map((c) => (/[ -~]/.test(c) && c !== '"' && c !== '\\' ? c : `\\U${c.codePointAt(0)!.toString(16).padStart(8, '0')}`)).join('')}"`
