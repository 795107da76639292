// The frame of a generated kernel: its parameters are the buffers that it touches, its name is the hash of what it does.

import { hash } from 'node:crypto'
import type { Value } from '#core/graph/types.ts'
import type { Grid, Kernel } from '../driver/machine.ts'
import { indexText, literal, plus, quotient, remainder, times, variable } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import type { Buffer } from '../schedule/job.ts'
import { C_TYPE, isHalf } from '../schedule/values.ts'

/** A kernel with how it is started. */
export interface Launch {
  readonly kernel: Kernel
  /** What its source is made of. */
  readonly frame: { readonly bounds: string; readonly parameters: readonly string[]; readonly body: readonly string[] }
  readonly grid: Grid
  readonly block: number
  /** Bytes of shared memory beside what the kernel declares. */
  readonly shared?: number
  /** Whether it counts the elements of its buffers in 64 bits. */
  readonly countsWide?: boolean
  readonly buffers: readonly Buffer[]
  /** Those of them that it writes. */
  readonly writes: readonly Buffer[]
}

export interface FinishOptions {
  readonly shared?: number
  /** Blocks that a multiprocessor should hold, for the compiler. */
  readonly minBlocks?: number
  /** Sources of functions that the kernel calls; kernels compiled together share them. */
  readonly uses?: readonly string[]
}

/** Gives the buffer of a value that is in memory. */
export type BufferOf = (value: Value) => Buffer | undefined

export class KernelWriter {
  readonly bufferOf: BufferOf
  readonly #buffers: Buffer[] = []
  readonly #written = new Set<Buffer>()

  /** @param bufferOf only for code that an emitter writes */
  constructor(bufferOf: BufferOf = () => undefined) {
    this.bufferOf = bufferOf
  }

  /** The parameter that points to a buffer. */
  pointer(buffer: Buffer): string {
    if (buffer.within !== undefined)
      throw new Error(`cuda: the rows of ${buffer.name} lie apart, which a kernel does not know`)
    let at = this.#buffers.indexOf(buffer)
    if (at < 0) at = this.#buffers.push(buffer) - 1
    return `p${at}`
  }

  /** Loads an element of a value that is in memory. */
  load(value: Buffer, at: Index | string): string {
    const { buffer, place } = placeIn(value, at)
    const pointer = this.pointer(buffer)
    if (buffer.stored === 'u8') return `${pointer}[${place}] != 0`
    return buffer.stored === 'i32' ? `${pointer}[${place}]` : `load(${pointer}, ${place})`
  }

  store(value: Buffer, at: Index | string, expression: string): string {
    const { buffer, place } = placeIn(value, at)
    const pointer = this.pointer(buffer)
    this.#written.add(buffer)
    const isFloat = buffer.stored === 'f32' || isHalf(buffer.stored)
    return isFloat ? `store(${pointer}, ${place}, ${expression});` : `${pointer}[${place}] = ${expression};`
  }

  /** Loads elements that lie side by side into an array of floats. */
  loadMany(buffer: Buffer, start: Index, array: string, count: number): string {
    return `load_many<${count}>(${array}, ${this.pointer(buffer)} + ${indexText(start)});`
  }

  storeMany(buffer: Buffer, start: Index, array: string, count: number): string {
    return `store_many<${count}>(${this.writes(buffer)} + ${indexText(start)}, ${array});`
  }

  /** Marks a buffer as written by code that names its pointer. */
  writes(buffer: Buffer): string {
    this.#written.add(buffer)
    return this.pointer(buffer)
  }

  finish(label: string, grid: Grid, block: number, body: readonly string[], options: FinishOptions = {}): Launch {
    const { shared, minBlocks, uses } = options
    const parameters = this.#buffers.map(
      (buffer, i) => `${this.#written.has(buffer) ? '' : 'const '}${C_TYPE[buffer.stored]} *__restrict__ p${i}`,
    )
    const bounds = minBlocks === undefined ? `${block}` : `${block}, ${minBlocks}`
    const frame = { bounds, parameters, body }
    const name = `${label}_${hash('sha256', [...(uses ?? []), sourceOf('', frame)].join('\n')).slice(0, 12)}`
    return {
      kernel: { name, source: sourceOf(name, frame), ...(uses !== undefined && { uses }) },
      frame,
      grid,
      block,
      ...(shared !== undefined && { shared }),
      buffers: this.#buffers,
      writes: [...this.#written],
    }
  }
}

/** The buffer in which a buffer's element lies, and where. */
export function memoryOf(buffer: Buffer, at: Index): { readonly buffer: Buffer; readonly at: Index } {
  if (buffer.within === undefined) return { buffer, at }
  const { whole, offset, width, stride } = buffer.within
  const place = plus(times(quotient(at, width), stride), plus(remainder(at, width), literal(offset)))
  return { buffer: whole, at: place }
}

function placeIn(value: Buffer, at: Index | string): { buffer: Buffer; place: string } {
  if (typeof at === 'string' && value.within === undefined) return { buffer: value, place: at }
  const { buffer, at: place } = memoryOf(value, typeof at === 'string' ? variable(`(${at})`, value.size) : at)
  return { buffer, place: indexText(place) }
}

const sourceOf = (name: string, { bounds, parameters, body }: Launch['frame']): string =>
  `extern "C" __global__ void __launch_bounds__(${bounds}) ${name}(${parameters.join(', ')}) {\n${body.join('\n')}\n}`

/**
 * A launch that does the work of many like it: its one parameter is a table with the parameters of each, a row for each place
 * along the third axis of the grid.
 */
export function tabled({ kernel, frame, grid, block }: Launch, count: number): Omit<Launch, 'buffers' | 'writes'> {
  const { parameters } = frame
  const taken = parameters.map((parameter, i) => {
    const type = parameter.replace(/ \*__restrict__ \w+$/, ' *')
    return `${parameter} = (${type})table[blockIdx.z * ${parameters.length}u + ${i}u];`
  })
  const many = {
    bounds: frame.bounds,
    parameters: ['const unsigned long long *__restrict__ table'],
    body: [...taken, ...frame.body],
  }
  const name = `many_${kernel.name}`
  return {
    kernel: { ...kernel, name, source: sourceOf(name, many) },
    frame: many,
    grid: [grid[0], grid[1], count],
    block,
  }
}

/** Smallest power of two that is not below n. */
export const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(n, 1)))
