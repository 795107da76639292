// Keys of a notebook, as in Jupyter: while a cell is edited only those that leave or run it; otherwise single letters.

export type NotebookCommand =
  | 'edit'
  | 'leave'
  | 'up'
  | 'down'
  | 'move-up'
  | 'move-down'
  | 'above'
  | 'below'
  | 'markdown'
  | 'code'
  | 'run'
  | 'run-next'
  | 'run-insert'
  | 'run-all'
  | 'delete'
  | 'undo'
  | 'redo'
  | 'fold'
  | 'find'
  | 'save'

export interface NotebookKey {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
}

const LETTERS: Readonly<Record<string, NotebookCommand>> = {
  enter: 'edit',
  arrowup: 'up',
  arrowdown: 'down',
  k: 'up',
  j: 'down',
  a: 'above',
  b: 'below',
  m: 'markdown',
  y: 'code',
  z: 'undo',
  o: 'fold',
  f: 'find',
  s: 'save',
}

/** The command of a key; `waits` after the first d of two. */
export function commandOf(
  press: NotebookKey,
  isEditing: boolean,
  isD: boolean,
): { readonly command: NotebookCommand | undefined; readonly waits: boolean } {
  const key = press.key.toLowerCase()
  const isMod = press.ctrlKey || press.metaKey
  const give = (command: NotebookCommand | undefined, waits = false) => ({ command, waits })
  if (key === 'enter' && press.shiftKey && !isMod) return give('run-next')
  if (key === 'enter' && isMod && press.shiftKey) return give('run-all')
  if (key === 'enter' && isMod) return give('run')
  if (key === 'enter' && press.altKey) return give('run-insert')
  if (key === 's' && isMod) return give('save')
  if (key === 'escape') return give(isEditing ? 'leave' : undefined)
  if (isEditing) return give(undefined)
  if (press.altKey && !isMod) return give(key === 'arrowup' ? 'move-up' : key === 'arrowdown' ? 'move-down' : undefined)
  if (isMod) return give(key === 'z' ? (press.shiftKey ? 'redo' : 'undo') : key === 'y' ? 'redo' : undefined)
  if (press.shiftKey) return give(key === 'z' ? 'redo' : undefined)
  if (key === 'd') return isD ? give('delete') : give(undefined, true)
  return give(Object.hasOwn(LETTERS, key) ? LETTERS[key] : undefined)
}
