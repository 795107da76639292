// Key handling in one place: shortcuts are written `Mod+Shift+G`, where Mod is Command on a Mac and Control elsewhere.

/** The part of a KeyboardEvent that matters here. */
export interface KeyPress {
  readonly key: string
  readonly code?: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
  readonly altKey: boolean
}

export interface Shortcut {
  /** `KeyboardEvent.key`; letters in lower case. */
  readonly key: string
  readonly mod: boolean
  readonly shift: boolean
  readonly alt: boolean
}

const NAMES: Readonly<Record<string, string>> = {
  space: ' ',
  esc: 'Escape',
  del: 'Delete',
  up: 'ArrowUp',
  down: 'ArrowDown',
  left: 'ArrowLeft',
  right: 'ArrowRight',
  plus: '+',
}

const MAC_SIGNS: Readonly<Record<string, string>> = {
  Enter: '↩',
  Escape: 'esc',
  Delete: '⌦',
  Backspace: '⌫',
}

const SIGNS: Readonly<Record<string, string>> = {
  ' ': 'Space',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Delete: 'Del',
}

/** Whether the program runs on a Mac; false outside a browser. */
export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)

/**
 * Reads `Mod+Shift+G`, `Alt+ArrowUp`, `?`, `Mod+Plus`.
 * @throws Error for an empty key or an unknown modifier.
 */
export function parseShortcut(text: string): Shortcut {
  const parts = text.split('+')
  const name = parts.pop()!
  if (name === '') throw new Error(`shortcut ${JSON.stringify(text)} has no key; write "Plus" for the plus sign`)
  const modifiers = new Set(parts.map((part) => part.toLowerCase()))
  for (const modifier of modifiers)
    if (!['mod', 'shift', 'alt'].includes(modifier))
      throw new Error(`shortcut ${JSON.stringify(text)}: unknown modifier ${JSON.stringify(modifier)}`)
  const key = NAMES[name.toLowerCase()] ?? (name.length === 1 ? name.toLowerCase() : name)
  return { key, mod: modifiers.has('mod'), shift: modifiers.has('shift'), alt: modifiers.has('alt') }
}

/** Whether a key press is this shortcut. Shift is free for signs that need it on some keyboards (`?`, `+`). */
export function matchesShortcut(press: KeyPress, shortcut: Shortcut, mac = isMac): boolean {
  const mod = mac ? press.metaKey : press.ctrlKey
  const foreign = mac ? press.ctrlKey : press.metaKey
  if (mod !== shortcut.mod || foreign || press.altKey !== shortcut.alt) return false
  const isSign = shortcut.key.length === 1 && !/[\p{L}\p{N} ]/u.test(shortcut.key)
  if (press.shiftKey !== shortcut.shift && !isSign) return false
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key
  // digits with Shift and letters with Alt give other keys; their place on the keyboard still tells
  return key === shortcut.key || codeOf(shortcut.key) === press.code
}

function codeOf(key: string): string | undefined {
  if (/^[0-9]$/.test(key)) return `Digit${key}`
  return undefined
}

/** How a shortcut is shown: `Ctrl+Shift+G`, on a Mac `⇧⌘G`. */
export function formatShortcut(text: string, mac = isMac): string {
  const { key, mod, shift, alt } = parseShortcut(text)
  const sign = (mac ? MAC_SIGNS[key] : undefined) ?? SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key)
  if (mac) return `${alt ? '⌥' : ''}${shift ? '⇧' : ''}${mod ? '⌘' : ''}${sign}`
  return [mod && 'Ctrl', alt && 'Alt', shift && 'Shift', sign].filter(Boolean).join('+')
}

/** Whether the focus is in a place that takes text, so that plain keys belong to it. */
export function isTyping(target: EventTarget | null): boolean {
  if (typeof HTMLElement === 'undefined' || !(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.closest('[contenteditable=true], .monaco-editor') !== null) return true
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'range', 'button', 'submit'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

export interface ShortcutAction {
  readonly run: (event: KeyboardEvent) => void
  /** Also while the focus is in a text field. */
  readonly whileTyping?: boolean
}

/**
 * Makes a keydown handler from a map of shortcuts; the first that matches runs and the key's own effect is prevented.
 * @example <svelte:window onkeydown={shortcuts({ 'Mod+Z': undo, 'Mod+K': { run: open, whileTyping: true } })} />
 */
export function shortcuts(
  actions: Readonly<Record<string, ShortcutAction['run'] | ShortcutAction>>,
): (event: KeyboardEvent) => void {
  const list = Object.entries(actions).map(([text, action]) => ({
    shortcut: parseShortcut(text),
    ...(typeof action === 'function' ? { run: action, whileTyping: false } : action),
  }))
  return (event) => {
    if (event.defaultPrevented || event.isComposing) return
    const typing = isTyping(event.target)
    const found = list.find(
      (entry) => (!typing || entry.whileTyping === true) && matchesShortcut(event, entry.shortcut),
    )
    if (found === undefined) return
    event.preventDefault()
    found.run(event)
  }
}
