// Everything that an open notebook shows, also what is out of sight, as data for the printers in core/notebook/export.

import type { ExportDocument, ExportOutput } from '#core/notebook/export/pieces.ts'
import { textOf } from '#core/notebook/edit.ts'
import { sceneToSvg } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'
import { carrier } from '../../carrier.ts'
import { project } from '../../state/project.svelte.ts'
import { cellViewOf } from '../cells/index.ts'
import type { Output } from '../cells/view.ts'
import type { NotebookRunner } from '../runner.svelte.ts'
import type { NotebookState } from '../state.svelte.ts'

const WIDTH = 760

/** Collects outputs; a cell whose output cannot be read says so instead. */
export async function collect(notebook: NotebookState, runner: NotebookRunner): Promise<ExportDocument> {
  const pieces = notebook.pieces.map(async (piece, index): Promise<ExportDocument['pieces'][number]> => {
    if (piece.type === 'prose') return { type: 'prose', text: textOf(piece) }
    const found = notebook.statusOf(index)
    const { kind, content, state } = found?.status ?? {}
    const cell = {
      type: 'cell',
      kind: piece.kind,
      title: kind?.title ?? piece.kind,
      id: piece.id,
      source: textOf(piece),
    } as const
    const result = notebook.resultOf(piece.id)
    const note = state === 'stale' ? 'stale' : state === 'new' || state === 'waiting' ? 'not run' : ''
    const needsResult = kind?.runs !== 'never'
    if (kind === undefined || content === undefined || (needsResult && result === undefined))
      return { ...cell, note, outputs: [] }
    try {
      const output = await cellViewOf(kind.kind)?.output(content as never, result, runner.contextOf(found!.key))
      return { ...cell, note, outputs: output === undefined ? [] : outputsOf(output) }
    } catch (error) {
      return { ...cell, note, outputs: [{ type: 'text', text: `cannot be shown: ${(error as Error).message}` }] }
    }
  })
  const { version = '' } = carrier.hello ?? {}
  return {
    name: notebook.name,
    title: notebook.title,
    origin: `Heddle ${version}, project ${project.info?.name ?? ''}`.trim(),
    pieces: await Promise.all(pieces),
  }
}

const outputsOf = ({ figures, drawings, tables, lines }: Output): ExportOutput[] => [
  ...figures.map((figure): ExportOutput => ({
    type: 'svg',
    name: figure.name,
    svg: sceneToSvg(figure.scene(WIDTH, figure.height, LIGHT)),
  })),
  ...drawings.map((drawing): ExportOutput =>
    drawing.kind === 'svg'
      ? { type: 'svg', name: 'Drawing', svg: drawing.markup }
      : { type: 'html', name: 'Drawing', markup: drawing.markup, height: drawing.height },
  ),
  ...tables.map(({ name, columns, rows }): ExportOutput => ({ type: 'table', name, columns, rows })),
  ...lines.map((text): ExportOutput => ({ type: 'text', text })),
]
