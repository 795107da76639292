// One open notebook: its pieces, what is selected and edited, its past, and the results that its cells are bound to.

import { dependantsOf, runOrder, statusesOf, statusKey } from '#core/notebook/dataflow.ts'
import type { CellStatus } from '#core/notebook/dataflow.ts'
import { cellKindOf } from '#core/notebook/cells/index.ts'
import { CELL_ID, NOTEBOOK_VERSION, parseNotebook, parsePieces, printNotebook } from '#core/notebook/document.ts'
import type { Head, Piece } from '#core/notebook/document.ts'
import { cellPiece, freeId, outlineOf, proseOf, sectionEnd, separated, textOf, withText } from '#core/notebook/edit.ts'
import { sha256 } from '#core/graph/sha256.ts'
import { canonicalJson } from '#core/model/spec.ts'
import { client } from '../client.ts'
import { History } from '../state/history.ts'
import { project } from '../state/project.svelte.ts'
import type { CellResult } from './cells/view.ts'

/** A piece with an identity that lasts while it is edited. */
export interface Entry {
  readonly key: number
  readonly piece: Piece
}

interface Snapshot {
  readonly entries: readonly Entry[]
  readonly selected: number
}

interface Kept {
  readonly result: CellResult
  /** Made when it is first asked for. */
  readonly digest: () => string
  /** What the inputs were, by their ids. */
  readonly inputs: Readonly<Record<string, string>>
}

const SAVE_AFTER_MS = 600

export class NotebookState {
  readonly name: string
  readonly title: string
  readonly version: number
  readonly #head: Head
  entries = $state.raw<readonly Entry[]>([])
  /** Key of the piece that the keyboard is at. */
  selected = $state(0)
  /** Key of the piece whose text is edited; undefined in command mode. */
  editing = $state<number>()
  folded = $state.raw<ReadonlySet<number>>(new Set())
  isTrusted = $state(false)
  isSaved = $state(true)
  saveProblem = $state.raw<unknown>()
  undoLabel = $state<string>()
  redoLabel = $state<string>()
  /** Newest result under each hash. */
  #byHash = $state.raw<ReadonlyMap<string, Kept>>(new Map())
  /** Last result of each cell, whatever it computed. */
  #latest = $state.raw<ReadonlyMap<string, Kept>>(new Map())
  #history = new History<Snapshot>()
  #nextKey = 1
  #timer: ReturnType<typeof setTimeout> | undefined
  #asked = new Set<string>()

  readonly pieces: readonly Piece[] = $derived(this.entries.map(({ piece }) => piece))
  readonly statuses: ReadonlyMap<string, CellStatus> = $derived.by(() =>
    statusesOf(
      this.pieces,
      {
        has: (hash) => this.#byHash.has(hash),
        digest: (hash) => this.#byHash.get(hash)?.digest(),
        earlier: (id) => this.#latest.get(id)?.inputs,
      },
      this.version,
    ),
  )
  readonly outline = $derived(outlineOf(this.pieces))
  /** Keys of pieces inside folded sections. */
  readonly hidden: ReadonlySet<number> = $derived.by(() => {
    const keys = new Set<number>()
    this.entries.forEach(({ key, piece }, index) => {
      if (piece.type !== 'prose' || !this.folded.has(key)) return
      for (const entry of this.entries.slice(index + 1, sectionEnd(this.pieces, index))) keys.add(entry.key)
    })
    return keys
  })

  constructor(row: { readonly name: string; readonly text: string; readonly isTrusted: boolean }) {
    const { head, pieces, title, version } = parseNotebook(row.text)
    this.name = row.name
    this.title = title
    this.version = version
    this.#head = head
    this.isTrusted = row.isTrusted
    this.entries = pieces.map((piece) => ({ key: this.#nextKey++, piece }))
    this.selected = this.entries[0]?.key ?? 0
  }

  /** Whether cells may be changed: not in a project for reading, nor in a notebook of a newer version. */
  get isEditable(): boolean {
    return !project.isReadonly && this.version <= NOTEBOOK_VERSION
  }

  get text(): string {
    return printNotebook({ head: this.#head, pieces: this.pieces })
  }

  /** Key of the cell with an id. */
  keyOf = (id: string): number | undefined =>
    this.entries.find(({ piece }) => piece.type === 'cell' && piece.id === id)?.key

  indexOf = (key: number): number => this.entries.findIndex((entry) => entry.key === key)

  /** Key of a cell's status; undefined for prose. */
  statusOf(index: number): { readonly key: string; readonly status: CellStatus } | undefined {
    const piece = this.pieces[index]
    if (piece?.type !== 'cell') return undefined
    const place = `#${index}`
    const key = this.statuses.has(place) ? place : statusKey(piece, index)
    const status = this.statuses.get(key)
    return status === undefined ? undefined : { key, status }
  }

  /** The result of a cell: that of what it is now, or the last one where it is stale. */
  resultOf(id: string): CellResult | undefined {
    const status = this.statuses.get(id)
    const own = status === undefined ? undefined : this.#byHash.get(status.hash)
    return (own ?? this.#latest.get(id))?.result
  }

  /** Reads the results that the present cells are bound to, and are not known yet. */
  async readResults(): Promise<void> {
    for (;;) {
      const hashes = [...this.statuses.values()]
        .map(({ hash }) => hash)
        .filter((hash) => hash !== '' && !this.#asked.has(hash))
      const isFirst = this.#asked.size === 0
      if (hashes.length === 0 && !isFirst) return
      // a first look also says what came before
      this.#asked.add('')
      for (const hash of hashes) this.#asked.add(hash)
      const { found, latest } = await client.notebooks.results({ notebook: this.name, hashes, withLatest: isFirst })
      const rows = found.map((row) => ({ ...row, kept: keptOf(row.result) }))
      this.#byHash = new Map([...this.#byHash, ...rows.map((row) => [row.hash, row.kept] as const)])
      if (!isFirst) continue
      this.#latest = new Map([
        ...rows.filter((row) => row.notebook === this.name).map((row) => [row.cell, row.kept] as const),
        ...latest.map((row) => [row.cell, keptOf(row.result)] as const),
        ...this.#latest,
      ])
    }
  }

  /** Binds a result to what a cell computed. Where the project cannot be written it lasts while the notebook is open. */
  async keep(id: string, { kind, hash, tokens }: CellStatus, result: CellResult): Promise<void> {
    const row = { result, inputs: tokens }
    if (!project.isReadonly)
      await client.notebooks.keep({ notebook: this.name, cell: id, kind: kind!.kind, hash, result: row })
    const kept = keptOf(row)
    this.#byHash = new Map(this.#byHash).set(hash, kept)
    this.#latest = new Map(this.#latest).set(id, kept)
  }

  // edits

  /** Text of a piece while it is typed. */
  setText(key: number, text: string): void {
    const index = this.indexOf(key)
    const entry = this.entries[index]
    if (entry === undefined || !this.isEditable) return
    const piece = withText(entry.piece, text)
    if (piece === entry.piece) return
    this.#apply(this.entries.with(index, { key, piece }), key, 'edit', `text ${key}`)
  }

  /** Gives a cell another name or other inputs; false for a name that cannot be one or is taken. */
  setFence(key: number, { id, inputs }: { readonly id?: string; readonly inputs?: string }): boolean {
    const index = this.indexOf(key)
    const piece = this.pieces[index]
    if (piece?.type !== 'cell') return false
    const name = id ?? piece.id
    const isTaken = this.pieces.some((other, i) => i !== index && other.type === 'cell' && other.id === name)
    if (!CELL_ID.test(name) || isTaken) return false
    const { inputs: before, ...rest } = piece.attributes
    const list = (inputs ?? before ?? '').replace(/\s+/g, '').replace(/^,+|,+$/g, '')
    const made = cellPiece(piece.kind, name, piece.body, { ...(list !== '' && { inputs: list }), ...rest })
    if (made.raw !== piece.raw) this.#apply(this.entries.with(index, { key, piece: made }), key, 'rename')
    return true
  }

  /** Begins or ends editing. Prose is read again at the end: it may hold headings and cells now. */
  edit(key: number | undefined): void {
    if (key !== undefined && !this.isEditable) return
    const before = this.editing
    this.editing = key
    if (key !== undefined) this.selected = key
    if (before === undefined || before === key) return
    const index = this.indexOf(before)
    const piece = this.pieces[index]
    if (piece?.type !== 'prose') return
    const parts = parsePieces(piece.raw)
    if (parts.length <= 1) return
    const entries = parts.map((part, i) => ({ key: i === 0 ? before : this.#nextKey++, piece: part }))
    this.#apply(this.entries.toSpliced(index, 1, ...entries), this.selected, 'divide')
  }

  /** Inserts a cell of a kind (or `markdown`) before or after another; returns its key. */
  insert(kind: string, at: number): number {
    const key = this.#nextKey++
    const piece =
      kind === 'markdown' ? proseOf('') : cellPiece(kind, freeId(this.pieces, kind), cellKindOf(kind)?.example ?? '')
    this.#apply(this.entries.toSpliced(at, 0, { key, piece }), key, `insert ${kind}`)
    return key
  }

  remove(key: number): void {
    const index = this.indexOf(key)
    if (index < 0) return
    const next = this.entries[index + 1] ?? this.entries[index - 1]
    this.#apply(this.entries.toSpliced(index, 1), next?.key ?? 0, 'delete')
  }

  move(key: number, by: -1 | 1): void {
    const index = this.indexOf(key)
    const entry = this.entries[index]
    if (entry === undefined || this.entries[index + by] === undefined) return
    this.#apply(this.entries.toSpliced(index, 1).toSpliced(index + by, 0, entry), key, 'move')
  }

  duplicate(key: number): void {
    const index = this.indexOf(key)
    const piece = this.pieces[index]
    if (piece === undefined) return
    const copy =
      piece.type === 'prose'
        ? piece
        : cellPiece(piece.kind, freeId(this.pieces, piece.id), piece.body, piece.attributes)
    const own = this.#nextKey++
    this.#apply(this.entries.toSpliced(index + 1, 0, { key: own, piece: copy }), own, 'duplicate')
  }

  /** Turns prose into a code cell, or a cell into prose that holds its text. */
  convert(key: number, to: 'markdown' | 'code'): void {
    const index = this.indexOf(key)
    const piece = this.pieces[index]
    if (piece === undefined || (piece.type === 'prose') === (to === 'markdown')) return
    const made = to === 'code' ? cellPiece('code', freeId(this.pieces, 'code'), textOf(piece)) : proseOf(textOf(piece))
    this.#apply(this.entries.with(index, { key, piece: made }), key, `turn into ${to}`)
  }

  toggleFold(key: number): void {
    const next = new Set(this.folded)
    if (!next.delete(key)) next.add(key)
    this.folded = next
  }

  /** Selects the next shown piece in a direction. */
  step(by: -1 | 1): void {
    const shown = this.entries.filter(({ key }) => !this.hidden.has(key))
    const at = shown.findIndex(({ key }) => key === this.selected)
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))]
    if (next !== undefined) this.selected = next.key
  }

  undo(): void {
    this.#travel(this.#history.undo(this.#snapshot()))
  }

  redo(): void {
    this.#travel(this.#history.redo(this.#snapshot()))
  }

  dependantsOf = (id: string): string[] => dependantsOf(this.statuses, id)
  order = (wanted?: readonly string[]): string[] => runOrder(this.statuses, wanted)

  /** Stores the text now. */
  async save(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.isSaved || project.isReadonly) return
    const { text } = this
    try {
      await client.notebooks.save({ name: this.name, text, isTrusted: this.isTrusted })
      this.saveProblem = undefined
      if (this.text === text) this.isSaved = true
    } catch (error) {
      this.saveProblem = error
    }
  }

  async trust(): Promise<void> {
    await client.notebooks.trust({ name: this.name })
    this.isTrusted = true
  }

  #snapshot = (): Snapshot => ({ entries: this.entries, selected: this.selected })

  #apply(entries: readonly Entry[], selected: number, label: string, mergeKey?: string): void {
    if (!this.isEditable) return
    this.#history.record(this.#snapshot(), label, mergeKey, performance.now())
    this.#show(entries, selected)
  }

  #travel(found: Snapshot | undefined): void {
    if (found === undefined) return
    this.editing = undefined
    this.#show(found.entries, found.selected)
  }

  #show(entries: readonly Entry[], selected: number): void {
    const pieces = separated(entries.map(({ piece }) => piece))
    this.entries = entries.map((entry, i) => (entry.piece === pieces[i] ? entry : { ...entry, piece: pieces[i]! }))
    this.selected = selected
    this.undoLabel = this.#history.undoLabel
    this.redoLabel = this.#history.redoLabel
    this.isSaved = false
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.save(), SAVE_AFTER_MS)
  }
}

/** A stored row; a project from elsewhere may hold anything. */
function keptOf(row: Readonly<Record<string, unknown>>): Kept {
  const recordOf = (value: unknown): CellResult =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CellResult) : {}
  const result = recordOf(row['result'])
  const inputs = Object.entries(recordOf(row['inputs'])).map(([id, token]) => [id, String(token)])
  let digest: string | undefined
  return {
    result,
    digest: () => (digest ??= sha256(canonicalJson(result))),
    inputs: Object.fromEntries(inputs) as Kept['inputs'],
  }
}
