// Which rows are selected after a click or a key, and which one is active. Pure; lines are counted from 0.

export interface Choice {
  /** The line that keys act on; -1: none. */
  readonly active: number
  /** Where a range began. */
  readonly anchor: number
  readonly selected: ReadonlySet<string>
}

export interface Modifiers {
  readonly shift: boolean
  readonly mod: boolean
}

/** Keys of the rows from one line to another; heads of groups (undefined) have none. */
function range(keyAt: (line: number) => string | undefined, from: number, to: number): Set<string> {
  const keys = new Set<string>()
  for (let line = Math.min(from, to); line <= Math.max(from, to); line++) {
    const key = keyAt(line)
    if (key !== undefined) keys.add(key)
  }
  return keys
}

/** A click on a line: alone; with Mod added or taken out; with Shift from the anchor to here. */
export function clickLine(
  choice: Choice,
  line: number,
  keyAt: (line: number) => string | undefined,
  { shift, mod }: Modifiers,
): Choice {
  if (shift && choice.anchor >= 0) {
    const span = range(keyAt, choice.anchor, line)
    return { active: line, anchor: choice.anchor, selected: mod ? new Set([...choice.selected, ...span]) : span }
  }
  const key = keyAt(line)
  if (!mod) return { active: line, anchor: line, selected: new Set(key === undefined ? [] : [key]) }
  const selected = new Set(choice.selected)
  if (key !== undefined && !selected.delete(key)) selected.add(key)
  return { active: line, anchor: line, selected }
}

/** Where a key moves the active line; undefined for keys that do not move. */
export function moveLine(key: string, active: number, count: number, page: number): number | undefined {
  const last = count - 1
  if (last < 0) return undefined
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    ArrowUp: active < 0 ? last : active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: last,
  }
  return Object.hasOwn(moves, key) ? Math.max(0, Math.min(last, moves[key]!)) : undefined
}

/** A move by key: selects the line; with Shift the range from the anchor; with Mod only the active line moves. */
export function moveChoice(
  choice: Choice,
  line: number,
  keyAt: (line: number) => string | undefined,
  { shift, mod }: Modifiers,
): Choice {
  if (mod && !shift) return { ...choice, active: line }
  if (!shift) return clickLine(choice, line, keyAt, { shift: false, mod: false })
  const anchor = choice.anchor < 0 ? Math.max(0, choice.active) : choice.anchor
  return { active: line, anchor, selected: range(keyAt, anchor, line) }
}
