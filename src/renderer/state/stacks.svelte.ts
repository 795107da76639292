// Specs of the project by hash: rows name their stack by it.

import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { client } from '../client.ts'
import { patternOf } from './spec-of-run.ts'

export interface StackInfo {
  readonly hash: string
  readonly name: string
  readonly pattern: string
  readonly spec: ArchSpec
  /** Parameters, state bytes ..., as the project stores them. */
  readonly counts: Readonly<Record<string, number | null>>
}

/** Most stacks that are asked for, and resolved, at once. */
const MOST_AT_ONCE = 500

class Stacks {
  byHash = $state.raw<ReadonlyMap<string, StackInfo>>(new Map())

  /** Reads the stacks that are not there yet; one that cannot be read is left out. */
  async need(hashes: readonly string[]): Promise<void> {
    const lacking = [...new Set(hashes)].filter((hash) => !this.byHash.has(hash))
    if (lacking.length === 0) return
    for (let from = 0; from < lacking.length; from += MOST_AT_ONCE)
      await this.#read(lacking.slice(from, from + MOST_AT_ONCE))
  }

  async #read(hashes: readonly string[]): Promise<void> {
    const rows = await client.stacks.get({ hashes })
    const found = rows.flatMap((row): StackInfo[] => {
      try {
        const spec = parseSpec(row.json)
        resolveSpec(spec)
        return [{ hash: row.hash, name: row.name, pattern: patternOf(spec), spec, counts: row.counts }]
      } catch {
        // a project from elsewhere may hold anything: its row is shown by its hash
        return []
      }
    })
    this.byHash = new Map([...this.byHash, ...found.map((stack) => [stack.hash, stack] as const)])
  }

  /** What a stack is called: its name, else its pattern, else the beginning of its hash. */
  title(hash: string): string {
    const stack = this.byHash.get(hash)
    if (stack === undefined) return hash.slice(0, 12)
    return stack.name === '' ? stack.pattern : stack.name
  }
}

export const stacks = new Stacks()
