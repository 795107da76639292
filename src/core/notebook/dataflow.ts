// What depends on what, and what is out of date. A cell's hash says what it computes: its content and, through the hashes of
// its inputs with the results they have, everything before it. Results are stored under that hash, and never change.

import { errorRecord } from '../errors.ts'
import type { ErrorRecord } from '../errors.ts'
import { sha256 } from '../graph/sha256.ts'
import { canonicalJson } from '../model/spec.ts'
import { cellKindOf } from './cells/index.ts'
import type { CellKind } from './cells/index.ts'
import type { Cell, Piece } from './document.ts'
import { NOTEBOOK_VERSION } from './document.ts'

export type CellState =
  /** Kept and shown as text: an unknown kind, or a newer version. */
  | 'text'
  /** Its text cannot be read. */
  | 'broken'
  /** An input has no result yet. */
  | 'waiting'
  /** It never ran. */
  | 'new'
  /** It ran, and something before it or in it has changed since. */
  | 'stale'
  | 'fresh'

export interface CellStatus {
  readonly state: CellState
  readonly kind: CellKind | undefined
  /** What `read` of its kind gave. */
  readonly content: unknown
  readonly inputs: readonly string[]
  /** Under which its result is stored; empty while an input is missing. */
  readonly hash: string
  /** What its inputs are now, by their ids: kept with its result. */
  readonly tokens: Readonly<Record<string, string>>
  /** Why it is broken or waits. */
  readonly problem: ErrorRecord | undefined
  /** Cells whose change made it stale. */
  readonly changed: readonly string[]
}

/** The results that are there. */
export interface KnownResults {
  /** Whether there is a result under a hash. */
  has(hash: string): boolean
  /** Digest of the result under a hash; undefined where there is none. Asked of inputs only: it reads the whole result. */
  digest(hash: string): string | undefined
  /** What the inputs of a cell were when it last ran, by their ids; undefined where it never did. */
  earlier(id: string): Readonly<Record<string, string>> | undefined
}

interface Read {
  readonly cell: Cell
  readonly kind: CellKind | undefined
  readonly content: unknown
  readonly inputs: readonly string[]
  readonly problem: ErrorRecord | undefined
}

/** Key of a cell's status: its id, or its place where it has none. */
export const statusKey = (piece: Cell, index: number): string => (piece.id === '' ? `#${index}` : piece.id)

const unreadable = (message: string, hint?: string): ErrorRecord => ({ code: 'param-invalid', message, hint })

/** Cells that may take from each other in a row. */
const LONGEST_CHAIN = 400
const CIRCLE = 'it takes from itself, directly or through others'

const cache = new WeakMap<Cell, Omit<Read, 'cell'>>()

// reading is pure, and pieces that are not edited are the same objects
function readCell(cell: Cell): Omit<Read, 'cell'> {
  let found = cache.get(cell)
  if (found === undefined) cache.set(cell, (found = readOnce(cell)))
  return found
}

function readOnce(cell: Cell): Omit<Read, 'cell'> {
  const kind = cellKindOf(cell.kind)
  const none = { kind, content: undefined, inputs: [] }
  const version = Number(cell.attributes['v'] ?? 1)
  if (kind === undefined || !(version <= NOTEBOOK_VERSION)) return { ...none, kind: undefined, problem: undefined }
  try {
    if (!cell.isClosed)
      return { ...none, problem: unreadable('the fence of this cell has no end', 'write ``` below it') }
    const content = kind.read(cell)
    return { kind, content, inputs: kind.inputs(content), problem: undefined }
  } catch (error) {
    return { ...none, problem: errorRecord(error, 'param-invalid') }
  }
}

/**
 * The status of every cell by `statusKey`. A broken cell stops only what depends on it; a circle of inputs breaks its members.
 */
export function statusesOf(
  pieces: readonly Piece[],
  results: KnownResults,
  version: number = NOTEBOOK_VERSION,
): Map<string, CellStatus> {
  const reads = new Map<string, Read>()
  const repeated = new Set<string>()
  pieces.forEach((piece, index) => {
    if (piece.type !== 'cell') return
    const key = statusKey(piece, index)
    const isRepeated = reads.has(key)
    if (isRepeated) repeated.add(`#${index}`)
    reads.set(isRepeated ? `#${index}` : key, { cell: piece, ...readCell(piece) })
  })
  const found = new Map<string, CellStatus>()
  const path = new Set<string>()
  const circles = new Set<string>()
  const text = (read: Read): CellStatus => ({ ...base(read), kind: undefined, state: 'text' })
  const base = ({ kind, content, inputs, problem }: Read) =>
    ({ kind, content, inputs, problem, hash: '', tokens: {}, changed: [] as readonly string[] }) as const

  const visit = (key: string): CellStatus => {
    const known = found.get(key)
    if (known !== undefined) return known
    const read = reads.get(key)!
    const status = version > NOTEBOOK_VERSION ? text(read) : judge(key, read)
    found.set(key, status)
    return status
  }
  const judge = (key: string, read: Read): CellStatus => {
    const { cell, kind, content, inputs, problem } = read
    if (kind === undefined) return text(read)
    const broken = (why: ErrorRecord): CellStatus => ({ ...base(read), state: 'broken', problem: why })
    if (problem !== undefined) return broken(problem)
    if (repeated.has(key)) return broken(unreadable(`another cell has the id ${cell.id}`, 'give this one another id'))
    if (path.has(key)) {
      const members = [...path]
      for (const member of members.slice(members.indexOf(key))) circles.add(member)
      return broken(unreadable(CIRCLE))
    }
    if (path.size > LONGEST_CHAIN)
      return broken(unreadable(`more than ${LONGEST_CHAIN} cells take from each other in a row`))
    path.add(key)
    const missing = inputs.find((id) => !reads.has(id))
    const given = missing === undefined ? inputs.map((id) => ({ id, status: visit(id) })) : []
    path.delete(key)
    if (missing !== undefined)
      return broken(unreadable(`there is no cell ${missing}`, `cells: ${[...reads.keys()].slice(0, 12).join(', ')}`))
    if (circles.has(key)) return broken(unreadable(CIRCLE))
    const earlier = kind.runs === 'never' ? undefined : results.earlier(cell.id)
    const hasRun = earlier !== undefined
    const changed = given.filter(({ status }) => status.state === 'stale').map(({ id }) => id)
    const lacking = given.find(({ status }) => !['fresh', 'stale'].includes(status.state))
    if (lacking !== undefined || changed.length > 0) {
      const why = lacking?.status.state === 'broken' ? `${lacking.id} cannot be read` : `${lacking?.id} has not run yet`
      const isStale = hasRun || (kind.runs === 'never' && lacking === undefined)
      return {
        ...base(read),
        state: isStale ? 'stale' : 'waiting',
        changed: lacking === undefined ? changed : [lacking.id],
        problem: isStale || lacking === undefined ? undefined : unreadable(why),
      }
    }
    const tokens = Object.fromEntries(
      given.map(({ id, status }) => [id, `${status.hash} ${results.digest(status.hash) ?? ''}`]),
    )
    const hash = sha256(canonicalJson({ kind: kind.kind, v: 1, content, inputs: tokens }))
    const isFresh = kind.runs === 'never' || results.has(hash)
    if (isFresh) return { ...base(read), hash, tokens, state: 'fresh' }
    const others =
      earlier === undefined ? [] : inputs.filter((id) => Object.hasOwn(earlier, id) && earlier[id] !== tokens[id])
    return { ...base(read), hash, tokens, changed: others, state: hasRun ? 'stale' : 'new' }
  }
  for (const key of reads.keys()) visit(key)
  return found
}

/** Cells in an order in which each comes after its inputs; `wanted` and what they need, where given. */
export function runOrder(statuses: ReadonlyMap<string, CellStatus>, wanted?: readonly string[]): string[] {
  const order: string[] = []
  const seen = new Set<string>()
  const visit = (key: string): void => {
    if (seen.has(key)) return
    seen.add(key)
    const status = statuses.get(key)
    if (status === undefined) return
    if (status.state !== 'broken') status.inputs.forEach(visit)
    order.push(key)
  }
  for (const key of wanted ?? statuses.keys()) visit(key)
  return order
}

/** Every cell that takes from another one, directly or through others. */
export function dependantsOf(statuses: ReadonlyMap<string, CellStatus>, id: string): string[] {
  const found = new Set<string>()
  const visit = (from: string): void => {
    for (const [key, { inputs }] of statuses)
      if (inputs.includes(from) && !found.has(key)) {
        found.add(key)
        visit(key)
      }
  }
  visit(id)
  return [...found]
}
