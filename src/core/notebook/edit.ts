// Edits of a notebook's pieces. Pieces that are not touched keep their characters.

import type { Cell, Piece, Prose } from './document.ts'

/** A piece of prose with a blank line after it. */
export const proseOf = (text: string): Prose => ({ type: 'prose', raw: `${text.replace(/\s+$/, '')}\n\n` })

/** What one edits of prose: its text without the blank lines at the end. */
export const textOf = (piece: Piece): string => (piece.type === 'prose' ? piece.raw : piece.body).replace(/\s+$/, '')

/** A cell with its fence. `attributes` stand in the order given. */
export function cellPiece(
  kind: string,
  id: string,
  body: string,
  attributes: Readonly<Record<string, string>> = {},
): Cell {
  const rest = Object.entries(attributes).map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}=${value}`))
  const content = body === '' || body.endsWith('\n') ? body : `${body}\n`
  const fence = fenceFor(content)
  return {
    type: 'cell',
    raw: `${fence}heddle:${kind}${id === '' ? '' : ` id=${id}`}${rest.join('')}\n${content}${fence}\n\n`,
    kind,
    id,
    attributes,
    body: content,
    isClosed: true,
  }
}

/** The same piece with another text; the blank lines after it stay. */
export function withText(piece: Piece, text: string): Piece {
  if (text === textOf(piece)) return piece
  const tail = /(?:\r?\n[ \t]*)*$/.exec(piece.raw)![0] || '\n\n'
  if (piece.type === 'prose') return { type: 'prose', raw: text.replace(/\s+$/, '') + tail }
  const made = cellPiece(piece.kind, piece.id, text, piece.attributes)
  return { ...made, raw: made.raw.replace(/\n+$/, '') + tail }
}

/** The same cell with other attributes. */
export const withAttributes = (cell: Cell, attributes: Readonly<Record<string, string>>): Cell =>
  cellPiece(cell.kind, cell.id, cell.body, attributes)

/** Pieces with a blank line between each two, so that a fence always begins its line. */
export const separated = (pieces: readonly Piece[]): Piece[] =>
  pieces.map((piece, i) => {
    if (i === pieces.length - 1 || /\n[ \t]*\r?\n$/.test(piece.raw)) return piece
    const isOpen = piece.type === 'cell' && !piece.isClosed
    // a cell without an end would swallow what comes after it
    if (isOpen) return cellPiece(piece.kind, piece.id, piece.body, piece.attributes)
    return { ...piece, raw: piece.raw + (piece.raw.endsWith('\n') ? '\n' : '\n\n') }
  })

/** An id that no cell has: `plot`, `plot-2` ... */
export function freeId(pieces: readonly Piece[], wish: string): string {
  const taken = new Set(pieces.flatMap((piece) => (piece.type === 'cell' ? [piece.id] : [])))
  const stem = wish.replace(/-\d+$/, '')
  if (!taken.has(stem)) return stem
  let n = 2
  while (taken.has(`${stem}-${n}`)) n++
  return `${stem}-${n}`
}

function fenceFor(body: string): string {
  const longest = Math.max(2, ...[...body.matchAll(/^ {0,3}(`{3,})/gm)].map((match) => match[1]!.length))
  return '`'.repeat(longest + 1)
}

/** One heading of the outline. */
export interface OutlineEntry {
  /** Index of the piece. */
  readonly index: number
  readonly level: number
  readonly title: string
}

/** Headings of the prose, and cells by their id one level below. */
export function outlineOf(pieces: readonly Piece[]): OutlineEntry[] {
  let level = 0
  return pieces.flatMap((piece, index): OutlineEntry[] => {
    if (piece.type === 'cell') return [{ index, level: level + 1, title: piece.id === '' ? piece.kind : piece.id }]
    const heading = /^ {0,3}(#{1,6})[ \t]+([^\r\n]*)/.exec(piece.raw)
    if (heading === null) return []
    level = heading[1]!.length
    return [{ index, level, title: heading[2]!.replace(/[ \t]#+[ \t]*$/, '').trim() }]
  })
}

/** Index after the section that begins with the heading of a piece; the next index for other pieces. */
export function sectionEnd(pieces: readonly Piece[], index: number): number {
  const levelOf = (piece: Piece | undefined): number =>
    piece?.type === 'prose' ? (/^ {0,3}(#{1,6})[ \t]/.exec(piece.raw)?.[1]?.length ?? 0) : 0
  const own = levelOf(pieces[index])
  if (own === 0) return index + 1
  let end = index + 1
  while (end < pieces.length && (levelOf(pieces[end]) === 0 || levelOf(pieces[end]) > own)) end++
  return end
}
