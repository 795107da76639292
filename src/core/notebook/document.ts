// A notebook as text: Markdown whose fenced blocks ```heddle:KIND id=... are cells. Every piece keeps its own characters, so
// that printing gives back the file byte for byte. Prose is divided at headings; blank lines belong to what stands before.

import { readYaml, isRecord } from './yaml.ts'

/** Characters of a notebook; longer ones are not opened: a screen could not show them. */
export const LONGEST_NOTEBOOK = 4_000_000
/** Newest version of the format that this program reads. */
export const NOTEBOOK_VERSION = 1

/** Front matter and blank lines at the beginning; may be empty. */
export interface Head {
  readonly type: 'head'
  readonly raw: string
}

export interface Prose {
  readonly type: 'prose'
  readonly raw: string
}

export interface Cell {
  readonly type: 'cell'
  readonly raw: string
  readonly kind: string
  /** Empty where the fence names none. */
  readonly id: string
  /** What else the fence says: `inputs=a,b`. */
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string
  /** False where the file ends before the fence does. */
  readonly isClosed: boolean
}

export type Piece = Prose | Cell

export interface NotebookDocument {
  readonly head: Head
  readonly pieces: readonly Piece[]
  readonly title: string
  /** One sentence of the front matter; templates have it. */
  readonly doc: string
  /** Of the front matter; above NOTEBOOK_VERSION everything is shown as text. */
  readonly version: number
}

const LINES = /[^\n]*\n|[^\n]+$/g
const FENCE = /^ {0,3}(`{3,}|~{3,})([^\r\n]*)/
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|\r?\n|$)/
const CELL_INFO = /^heddle:([a-z][a-z0-9-]{0,39})(?:[ \t]+(.*))?$/
/** What the name of a cell may be. */
export const CELL_ID = /^[A-Za-z][\w-]{0,59}$/
const FRONT_MATTER = /^---\r?\n[\s\S]{0,20000}?^---[ \t]*(?:\r?\n|$)/m
const isBlank = (line: string): boolean => line.trim() === ''

/** Reads a notebook; never fails: what it does not know is prose or a cell of an unknown kind. */
export function parseNotebook(text: string): NotebookDocument {
  const front = text.startsWith('---') ? FRONT_MATTER.exec(text) : null
  const own = front !== null && front.index === 0 ? front[0] : ''
  const lines = text.slice(own.length).match(LINES) ?? []
  let at = 0
  while (at < lines.length && isBlank(lines[at]!)) at++
  const head: Head = { type: 'head', raw: own + lines.slice(0, at).join('') }
  return { head, pieces: piecesOf(lines, at), ...settingsOf(own) }
}

/** The pieces of a text without front matter. */
export const parsePieces = (text: string): Piece[] => piecesOf(text.match(LINES) ?? [], 0)

/** The text of a notebook. */
export const printNotebook = ({ head, pieces }: Pick<NotebookDocument, 'head' | 'pieces'>): string =>
  head.raw + pieces.map((piece) => piece.raw).join('')

function settingsOf(front: string): Pick<NotebookDocument, 'title' | 'doc' | 'version'> {
  try {
    const value = readYaml(front.replace(/^---\r?\n/, '').replace(/---[ \t]*\r?\n?$/, ''))
    if (!isRecord(value)) return { title: '', doc: '', version: NOTEBOOK_VERSION }
    const { heddle = NOTEBOOK_VERSION, title = '', doc = '' } = value
    return {
      title: typeof title === 'string' ? title.slice(0, 200) : '',
      doc: typeof doc === 'string' ? doc.slice(0, 500) : '',
      version: typeof heddle === 'number' ? heddle : NOTEBOOK_VERSION,
    }
  } catch {
    // front matter of another program: it is kept as it is
    return { title: '', doc: '', version: NOTEBOOK_VERSION }
  }
}

function piecesOf(lines: readonly string[], from: number): Piece[] {
  const pieces: Piece[] = []
  let prose: string[] = []
  let open: string | undefined
  const endProse = (): void => {
    if (prose.length > 0) pieces.push({ type: 'prose', raw: prose.join('') })
    prose = []
  }
  for (let i = from; i < lines.length; i++) {
    const line = lines[i]!
    const fence = FENCE.exec(line)
    if (open !== undefined) {
      if (fence !== null && closes(open, fence)) open = undefined
      prose.push(line)
    } else if (fence === null || (fence[1]!.startsWith('`') && fence[2]!.includes('`'))) {
      if (HEADING.test(line)) endProse()
      prose.push(line)
    } else {
      const info = CELL_INFO.exec(fence[2]!.trim())
      if (info === null || !fence[1]!.startsWith('`')) {
        open = fence[1]!
        prose.push(line)
        continue
      }
      endProse()
      const end = endOfCell(lines, i, fence[1]!)
      pieces.push(cellOf(lines, i, end, info))
      i = end.next - 1
    }
  }
  endProse()
  return pieces
}

const closes = (open: string, fence: RegExpExecArray): boolean => fence[1]!.startsWith(open) && fence[2]!.trim() === ''

interface End {
  /** Index of the closing line, or of the end of the file. */
  readonly close: number
  /** First line after the blank lines that follow. */
  readonly next: number
  readonly isClosed: boolean
}

function endOfCell(lines: readonly string[], start: number, open: string): End {
  let close = start + 1
  while (close < lines.length) {
    const fence = FENCE.exec(lines[close]!)
    if (fence !== null && closes(open, fence)) break
    close++
  }
  const isClosed = close < lines.length
  let next = isClosed ? close + 1 : close
  while (next < lines.length && isBlank(lines[next]!)) next++
  return { close, next, isClosed }
}

function cellOf(lines: readonly string[], start: number, { close, next, isClosed }: End, info: RegExpExecArray): Cell {
  const attributes: Record<string, string> = {}
  for (const part of (info[2] ?? '').split(/[ \t]+/)) {
    const [, name, value = ''] = /^([a-z]{1,20})(?:=(.*))?$/.exec(part) ?? []
    if (name !== undefined && !Object.hasOwn(attributes, name)) attributes[name] = value
  }
  const { id = '', ...rest } = attributes
  return {
    type: 'cell',
    raw: lines.slice(start, next).join(''),
    kind: info[1]!,
    id: CELL_ID.test(id) ? id : '',
    attributes: rest,
    body: lines.slice(start + 1, close).join(''),
    isClosed,
  }
}
