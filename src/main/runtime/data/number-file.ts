// Files of plain numbers, little endian as every processor that this program runs on: written through a buffer, read at
// any place without loading the file.

import { closeSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'

export const NUMBER_TYPES = { uint16: Uint16Array, uint32: Uint32Array, float64: Float64Array } as const

export type NumberType = keyof typeof NUMBER_TYPES

export interface NumberWriter {
  /** How many numbers were appended. */
  readonly count: number
  append(values: Uint32Array | readonly number[]): Promise<void>
  close(): Promise<void>
}

const BUFFERED = 2 ** 17

/** Creates a file that must not exist. */
export async function createNumberFile(path: string, type: NumberType): Promise<NumberWriter> {
  const file = await open(path, 'wx')
  const buffer = new NUMBER_TYPES[type](BUFFERED)
  let filled = 0
  let count = 0
  const flush = async (): Promise<void> => {
    const bytes = new Uint8Array(buffer.buffer, 0, filled * buffer.BYTES_PER_ELEMENT)
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
    filled = 0
  }
  return {
    get count() {
      return count
    },
    async append(values) {
      count += values.length
      for (let start = 0; start < values.length;) {
        if (filled === BUFFERED) await flush()
        const part = values.slice(start, start + BUFFERED - filled)
        buffer.set(part, filled)
        filled += part.length
        start += part.length
      }
    },
    async close() {
      await flush().finally(() => file.close())
    },
  }
}

export interface NumberReader {
  readonly count: number
  /** Copies the numbers from `start` on into `target`, which must lie within the file. */
  read(start: number, target: { [index: number]: number; readonly length: number }): void
  close(): void
}

/** Opens a file of `count` numbers for reading by place. */
export function openNumberFile(path: string, type: NumberType, count: number): NumberReader {
  const file = openSync(path, 'r')
  let buffer = new NUMBER_TYPES[type](0)
  return {
    count,
    read(start, target) {
      const length = target.length
      if (start < 0 || start + length > count) throw new RangeError(`numbers ${start} to ${start + length} of ${count}`)
      if (buffer.length < length) buffer = new NUMBER_TYPES[type](length)
      const width = buffer.BYTES_PER_ELEMENT
      const bytes = new Uint8Array(buffer.buffer, 0, length * width)
      for (let at = 0; at < bytes.length;) {
        const read = readSync(file, bytes, at, bytes.length - at, start * width + at)
        if (read === 0) throw new Error(`${path} became shorter while it was read`)
        at += read
      }
      for (let i = 0; i < length; i++) target[i] = buffer[i]!
    },
    close: () => closeSync(file),
  }
}
