// The frame of a generated kernel: its parameters are the buffers that it touches, its name is the hash of what it does.

import type { Value } from '#core/graph/types.ts'
import { sha256 } from '#core/graph/sha256.ts'
import type { Grid, Kernel } from '../driver/machine.ts'
import { indexText } from '../schedule/integer.ts'
import type { Index } from '../schedule/integer.ts'
import type { Buffer } from '../schedule/job.ts'
import { C_TYPE } from '../schedule/values.ts'

/** A kernel with how it is started. */
export interface Launch {
  readonly kernel: Kernel
  readonly grid: Grid
  readonly block: number
  /** Bytes of shared memory beside what the kernel declares. */
  readonly shared?: number
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
    let at = this.#buffers.indexOf(buffer)
    if (at < 0) at = this.#buffers.push(buffer) - 1
    return `p${at}`
  }

  /** Loads an element of a value that is in memory. */
  load(buffer: Buffer, at: Index | string): string {
    const place = typeof at === 'string' ? at : indexText(at)
    const pointer = this.pointer(buffer)
    if (buffer.stored === 'u8') return `${pointer}[${place}] != 0`
    return buffer.stored === 'i32' ? `${pointer}[${place}]` : `load(${pointer}, ${place})`
  }

  store(buffer: Buffer, at: Index | string, expression: string): string {
    const place = typeof at === 'string' ? at : indexText(at)
    const pointer = this.pointer(buffer)
    this.#written.add(buffer)
    const isFloat = buffer.stored === 'f32' || buffer.stored === 'bf16'
    return isFloat ? `store(${pointer}, ${place}, ${expression});` : `${pointer}[${place}] = ${expression};`
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
    const text = `__launch_bounds__(${bounds}) NAME(${parameters.join(', ')}) {\n${body.join('\n')}\n}`
    const name = `${label}_${sha256([...(uses ?? []), text].join('\n')).slice(0, 12)}`
    const source = `extern "C" __global__ void ${text.replace('NAME', name)}`
    return {
      kernel: { name, source, ...(uses !== undefined && { uses }) },
      grid,
      block,
      ...(shared !== undefined && { shared }),
      buffers: this.#buffers,
      writes: [...this.#written],
    }
  }
}

/** Smallest power of two that is not below n. */
export const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(n, 1)))
