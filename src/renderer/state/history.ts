// Undo and redo of values that are never changed in place.

/** How long edits of the same thing count as one, ms. */
const MERGE_MS = 1000
const MOST_STEPS = 500

export interface Step<T> {
  readonly value: T
  /** What the edit that led away from this value was, for the menu: `Undo delete`. */
  readonly label: string
}

/** A value with its past and future. */
export class History<T> {
  #past: Step<T>[] = []
  #future: Step<T>[] = []
  #merge: { readonly key: string; readonly at: number } | undefined

  get undoLabel(): string | undefined {
    return this.#past.at(-1)?.label
  }

  get redoLabel(): string | undefined {
    return this.#future.at(-1)?.label
  }

  /** Remembers the value before an edit. Edits with the same `mergeKey` in short order become one step. */
  record(before: T, label: string, mergeKey: string | undefined, now: number): void {
    const merges = mergeKey !== undefined && this.#merge?.key === mergeKey && now - this.#merge.at < MERGE_MS
    if (!merges || this.#past.length === 0) {
      this.#past.push({ value: before, label })
      if (this.#past.length > MOST_STEPS) this.#past.shift()
    }
    this.#future = []
    this.#merge = mergeKey === undefined ? undefined : { key: mergeKey, at: now }
  }

  /** The value before the last edit; undefined when there is none. */
  undo(present: T): T | undefined {
    return this.#step(this.#past, this.#future, present)
  }

  redo(present: T): T | undefined {
    return this.#step(this.#future, this.#past, present)
  }

  #step(from: Step<T>[], to: Step<T>[], present: T): T | undefined {
    const step = from.pop()
    if (step === undefined) return undefined
    to.push({ value: present, label: step.label })
    this.#merge = undefined
    return step.value
  }

  clear(): void {
    this.#past = []
    this.#future = []
    this.#merge = undefined
  }
}
