// Rows of a value computed in shared memory by the kernel that reads them: element-wise work and the reductions of rows in
// between (a normalisation in front of a projection), without a kernel or memory of their own.

import type { Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { Emitter } from '../schedule/emitter.ts'
import { indexText, keyOf, plus, quotient, times, variable } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import { isReduction, trailingRows, unshaped } from '../schedule/values.ts'
import type { KernelWriter } from './writer.ts'

/** Rows that a kernel asks for. */
export interface RowOperand {
  readonly value: Value
  /** Rows of the whole value, and their length. */
  readonly rows: number
  readonly length: number
  /** The row that a thread works on; a variable, or 0. */
  readonly row: Index
  /** Threads that share a row (32, or more by a power of two), and the one among them: a C expression. */
  readonly lanes: number
  readonly lane: string
  /** Rows in work at a time, and the one of them that a thread works on: a C expression. */
  readonly slots: number
  readonly slot: string
  /** Element j of the row in shared memory as it is read, and the statement that writes it. */
  read(j: string): string
  write(j: string, element: string): string
  /** Prefix of all names. */
  readonly prefix: string
}

export interface RowCode {
  /** Declarations of shared memory. */
  readonly shared: readonly string[]
  /** Statements that compute the rows; the threads of a row must meet before they read them. */
  readonly lines: readonly string[]
}

/** Code of the rows; what has no memory is computed, reductions included. */
export function rowCode(operand: RowOperand, writer: KernelWriter): RowCode {
  return new RowWriter(operand, writer).write()
}

class RowWriter {
  readonly #operand: RowOperand
  readonly #writer: KernelWriter
  readonly #at: Index
  readonly #reductions: readonly Value[]
  readonly #base: Value | undefined
  readonly #shared: string[] = []
  readonly #lines: string[] = []
  #isBaseInPlace = true
  #count = 0

  constructor(operand: RowOperand, writer: KernelWriter) {
    this.#operand = operand
    this.#writer = writer
    this.#at = plus(times(operand.row, operand.length), variable('j', operand.length))
    this.#reductions = this.#reductionsOf(unshaped(operand.value))
    this.#base = this.#baseOf()
  }

  write(): RowCode {
    const { value, length, lanes, write } = this.#operand
    // a dry run tells whether the base is only read where it lies
    this.#element(value)
    this.#writeBase()
    for (const reduction of this.#reductions) this.#writeReduction(reduction)
    const { lines, result } = this.#element(value)
    if (this.#base !== undefined && !this.#isBaseInPlace) this.#lines.push(this.#meet())
    this.#lines.push(...this.#walk(length, lanes, [...lines, write('j', result)]))
    return { shared: this.#shared, lines: this.#lines }
  }

  #hasMemory(value: Value): boolean {
    return this.#writer.bufferOf(value) !== undefined
  }

  /** Reductions without memory that a value needs, in the order in which they can be computed. */
  #reductionsOf(value: Value): readonly Value[] {
    const found = new Set<Value>()
    const seen = new Set<Value>()
    const visit = (current: Value): void => {
      if (seen.has(current) || this.#hasMemory(current)) return
      seen.add(current)
      for (const input of current.node.inputs) visit(unshaped(input))
      if (isReduction(current.node)) found.add(current)
    }
    visit(value)
    return [...found]
  }

  /** The value that the reductions and the result are both computed from, evaluated once. */
  #baseOf(): Value | undefined {
    const [first] = this.#reductions
    if (first === undefined) return undefined
    const inReduction = this.#reached(unshaped(first.node.inputs[0]!))
    const size = this.#operand.rows * this.#operand.length
    const common = [...this.#reached(unshaped(this.#operand.value))].filter(
      (value) => inReduction.has(value) && sizeOf(value.type.shape) === size && value.node.op !== 'constant',
    )
    return common.sort((a, b) => b.node.id - a.node.id)[0]
  }

  #reached(value: Value): ReadonlySet<Value> {
    const seen = new Set<Value>()
    const visit = (current: Value): void => {
      if (seen.has(current)) return
      seen.add(current)
      if (this.#hasMemory(current) || isReduction(current.node)) return
      for (const input of current.node.inputs) visit(unshaped(input))
    }
    visit(value)
    return seen
  }

  #element(value: Value, isBase = false): { lines: readonly string[]; result: string } {
    const emitter = this.#emitter(!isBase)
    return { result: emitter.element(value, this.#at), lines: emitter.lines }
  }

  #emitter(readsBase: boolean): Emitter {
    return new Emitter(
      {
        read: (value, at) => {
          if (value === this.#base && readsBase) return this.#readBase(at)
          const reduction = this.#reductions.indexOf(value)
          if (reduction >= 0) return this.#readReduction(value, reduction, at)
          const buffer = this.#writer.bufferOf(value)
          return buffer === undefined ? undefined : this.#writer.load(buffer, at)
        },
      },
      `${this.#operand.prefix}${this.#count++}_`,
    )
  }

  #baseElement(j: string): string {
    const { read, prefix, length, slot } = this.#operand
    return this.#isBaseInPlace ? read(j) : `${prefix}base[${slot} * ${length}u + ${j}]`
  }

  #readBase(at: Index): string {
    if (keyOf(at) === keyOf(this.#at)) return this.#baseElement('j')
    this.#isBaseInPlace = false
    const inRow = plus(at, times(this.#operand.row, -this.#operand.length))
    if (inRow.max >= this.#operand.length) throw new Error(`cuda: a row operand reads element ${keyOf(at)} of its base`)
    return this.#baseElement(indexText(inRow))
  }

  #readReduction(value: Value, position: number, at: Index): string {
    const { length, row, prefix, slot } = this.#operand
    const part = trailingRows(value.node)!.length
    const expected = plus(times(row, length / part), quotient(variable('j', length), part))
    if (keyOf(at) !== keyOf(expected))
      throw new Error(`cuda: a row operand reads its reduction %${value.node.id} at ${keyOf(at)}`)
    const name = `${prefix}sum${position}`
    return part === length ? name : `${name}[${slot} * ${length / part}u + j / ${part}u]`
  }

  #writeBase(): void {
    if (this.#base === undefined) return
    const { length, lanes, prefix, slots } = this.#operand
    if (!this.#isBaseInPlace) this.#shared.push(`__shared__ float ${prefix}base[${slots * length}];`)
    const { lines, result } = this.#element(this.#base, true)
    const stored = this.#isBaseInPlace ? this.#operand.write('j', result) : `${this.#baseElement('j')} = ${result};`
    this.#lines.push(...this.#walk(length, lanes, [...lines, stored]))
  }

  #writeReduction(reduction: Value): void {
    const { length, lanes, prefix, slots, slot, lane } = this.#operand
    const part = trailingRows(reduction.node)!.length
    const name = `${prefix}sum${this.#reductions.indexOf(reduction)}`
    const isSum = reduction.node.op === 'reduce_sum'
    const start = isSum ? '0.0f' : '__int_as_float(0xff800000)'
    const { lines, result } = this.#element(unshaped(reduction.node.inputs[0]!))
    const add = isSum ? 'add_f' : 'larger'
    if (part === length) {
      const partial = `__shared__ float ${prefix}shared[32];`
      if (lanes > 32 && !this.#shared.includes(partial)) this.#shared.push(partial)
      this.#lines.push(
        `float ${name} = ${start};`,
        ...this.#walk(length, lanes, [...lines, `${name} = ${add}(${name}, ${result});`]),
        lanes > 32
          ? `${name} = group_${isSum ? 'add' : 'larger'}<${lanes}>(${name}, ${prefix}shared);`
          : `${name} = lanes_${isSum ? 'add' : 'larger'}<${lanes}>(${name});`,
      )
      return
    }
    // a warp for each part of the row
    const parts = length / part
    this.#shared.push(`__shared__ float ${name}[${slots * parts}];`)
    this.#lines.push(
      this.#meet(),
      `for (unsigned s = ${lane} / 32u; s < ${parts}u; s += ${Math.max(lanes / 32, 1)}u) {`,
      `float sum = ${start};`,
      `for (unsigned i = ${lane} % 32u; i < ${part}u; i += 32u) {`,
      `unsigned j = s * ${part}u + i;`,
      ...lines,
      `sum = ${add}(sum, ${result});`,
      '}',
      `sum = lanes_${isSum ? 'add' : 'larger'}<32>(sum);`,
      `if (${lane} % 32u == 0u) ${name}[${slot} * ${parts}u + s] = sum;`,
      '}',
      this.#meet(),
    )
  }

  #walk(length: number, lanes: number, lines: readonly string[]): string[] {
    const trips = Math.ceil(length / lanes)
    const isWhole = length % lanes === 0
    return [
      `#pragma unroll ${Math.min(trips, 8)}`,
      `for (unsigned t = 0; t < ${trips}u; t++) {`,
      `unsigned j = t * ${lanes}u + ${this.#operand.lane};`,
      ...(isWhole ? [] : [`if (j < ${length}u) {`]),
      ...lines,
      ...(isWhole ? [] : ['}']),
      '}',
    ]
  }

  /** Where the threads of a row wait for each other. */
  #meet(): string {
    return this.#operand.lanes > 32 ? '__syncthreads();' : '__syncwarp();'
  }
}
