// Sizes and open states that a layout remembers between sessions, in the browser's own storage.

const PREFIX = 'heddle.layout.'

/** The stored value under a key if `isValid` accepts it, else the default. Storage that is refused counts as empty. */
export function readStored<T>(key: string | undefined, fallback: T, isValid: (value: unknown) => value is T): T {
  if (key === undefined) return fallback
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + key) ?? 'null')
    return isValid(value) ? value : fallback
  } catch {
    return fallback
  }
}

/** Stores a value; a full or refused storage is no reason to fail. */
export function writeStored(key: string | undefined, value: unknown): void {
  if (key === undefined) return
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value))
  } catch {
    // the layout works all the same, it only forgets
  }
}

export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
export const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
