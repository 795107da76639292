import { inEvery } from '#core/plots/geometry/brush.ts'

/**
 * What is picked out, by key, in every view that shows the same things. Either picked one by one, or brushed: each view
 * contributes what its brush catches, and what all of them catch is selected. Picking ends the brushes.
 */
export class Selection {
  #picked = $state.raw<ReadonlySet<string>>(new Set())
  #brushes = $state.raw<ReadonlyMap<string, ReadonlySet<string>>>(new Map())
  /** What is pointed at, in any view. */
  hovered = $state<string | undefined>(undefined)
  readonly keys: ReadonlySet<string> = $derived(inEvery(this.#brushes.values()) ?? this.#picked)

  get size(): number {
    return this.keys.size
  }

  has(key: string): boolean {
    return this.keys.has(key)
  }

  /** Selects these and nothing else. */
  set(keys: Iterable<string>): void {
    this.#pick(new Set(keys))
  }

  add(keys: Iterable<string>): void {
    this.#pick(new Set([...this.keys, ...keys]))
  }

  /** Selects a key, or leaves it out if it is selected. */
  toggle(key: string): void {
    const next = new Set(this.keys)
    if (!next.delete(key)) next.add(key)
    this.#pick(next)
  }

  clear(): void {
    this.#pick(new Set())
  }

  /** What the brush of a view catches; undefined takes the brush away. */
  brush(view: string, keys: Iterable<string> | undefined): void {
    const next = new Map(this.#brushes)
    if (keys === undefined) next.delete(view)
    else next.set(view, new Set(keys))
    this.#brushes = next
    this.#picked = new Set()
  }

  /** Whether a view's brush takes part: a view whose brush was ended by another one stops drawing it. */
  isBrushedBy(view: string): boolean {
    return this.#brushes.has(view)
  }

  #pick(keys: ReadonlySet<string>): void {
    this.#brushes = new Map()
    this.#picked = keys
  }
}

/** Runs that are picked out, by number: Train, Compare and History share them. */
export const runSelection = new Selection()
