// Neighbouring elements in one access: a thread computes some elements side by side, loads what lies side by side in memory
// with one instruction before them, and stores their results with one after them.

import { keyOf, plus, times, variable, variablesOf } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import type { Buffer } from '../schedule/job.ts'
import { C_TYPE, isHalf } from '../schedule/values.ts'
import { memoryOf } from './writer.ts'
import type { KernelWriter } from './writer.ts'

/** The variable that counts neighbours. */
const NEIGHBOUR = 'u_'
/** Variables that are known before the loop over neighbours; others, as rows of a table, are read inside it. */
const OUTER = ['i', 'j', 'k', 'r']
const WIDTHS = [8, 4] as const
/** Work items (vectors) below which more threads are worth more than wider accesses. */
const ENOUGH = 1 << 16

/** How many neighbours a thread takes of rows of this length, of which there are so many. */
export const neighboursOf = (length: number, rows: number): number =>
  WIDTHS.find((width) => length % width === 0 && (length * rows) / width >= ENOUGH) ?? 1

/** The place of neighbour `u_` in the group of neighbours `name`. */
export const placeOf = (name: string, size: number, width: number): Index =>
  plus(times(variable(name, size / width), width), variable(NEIGHBOUR, width))

/** What one loop over neighbours loads before it and stores after it. */
export class Neighbours {
  readonly width: number
  readonly #writer: KernelWriter
  readonly #loads: string[] = []
  readonly #stores: string[] = []
  readonly #arrays = new Map<string, string>()
  readonly #prefix: string

  constructor(writer: KernelWriter, width: number, prefix = '') {
    this.#writer = writer
    this.width = width
    this.#prefix = prefix
  }

  /** An expression of an element of a buffer. `isConditional` where not every thread comes by. */
  load(value: Buffer, at: Index, isConditional: boolean): string {
    const { buffer, at: place } = memoryOf(value, at)
    const start = isConditional ? undefined : this.startOf(buffer, place)
    if (start === undefined) return this.#writer.load(buffer, place)
    const key = `${buffer.id} ${keyOf(start)}`
    let array = this.#arrays.get(key)
    if (array === undefined) {
      array = `${this.#prefix}x${this.#arrays.size}`
      this.#arrays.set(key, array)
      this.#loads.push(`float ${array}[${this.width}];`, this.#writer.loadMany(buffer, start, array, this.width))
    }
    return `${array}[${NEIGHBOUR}]`
  }

  /** Where neighbours begin that lie side by side, at a place that one instruction can load from. */
  startOf(buffer: Buffer, place: Index): Index | undefined {
    if (this.width === 1 || (buffer.stored !== 'f32' && !isHalf(buffer.stored))) return undefined
    const own = place.terms.find(({ atom }) => atom.key === NEIGHBOUR)
    const start = { ...place, terms: place.terms.filter((term) => term !== own) }
    const isAligned = start.constant % this.width === 0 && start.terms.every(({ factor }) => factor % this.width === 0)
    const isKnown = variablesOf(start).every((name) => OUTER.includes(name))
    return own?.factor === 1 && isAligned && isKnown ? start : undefined
  }

  /** Keeps a result for the store after the loop; returns the statement for inside the loop. */
  store(value: Buffer, at: Index, expression: string, condition = ''): string {
    const { buffer, at: place } = memoryOf(value, at)
    if (this.width === 1) {
      this.#stores.push(`${condition}${this.#writer.store(buffer, place, expression)}`)
      return ''
    }
    const start = this.startOf(buffer, place)
    const array = `${this.#prefix}y${this.#arrays.size}`
    this.#arrays.set(array, array)
    this.#loads.push(`${C_TYPE[isHalf(buffer.stored) ? 'f32' : buffer.stored]} ${array}[${this.width}];`)
    const many =
      start === undefined
        ? `for (unsigned ${NEIGHBOUR} = 0; ${NEIGHBOUR} < ${this.width}u; ${NEIGHBOUR}++) ${this.#writer.store(buffer, place, `${array}[${NEIGHBOUR}]`)}`
        : this.#writer.storeMany(buffer, start, array, this.width)
    this.#stores.push(`${condition}${many}`)
    return `${array}[${NEIGHBOUR}] = ${expression};`
  }

  /** The loop with its loads and stores around it. */
  loop(lines: readonly string[]): readonly string[] {
    if (this.width === 1) return [...this.#loads, `const unsigned ${NEIGHBOUR} = 0u;`, ...lines, ...this.#stores]
    return [
      ...this.#loads,
      '#pragma unroll',
      `for (unsigned ${NEIGHBOUR} = 0; ${NEIGHBOUR} < ${this.width}u; ${NEIGHBOUR}++) {`,
      ...lines,
      '}',
      ...this.#stores,
    ]
  }
}
