// Files that must never be half-written, and tensors of files too large to load.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { decodeSafetensors } from '#core/model/safetensors.ts'
import type { Safetensors } from '#core/model/safetensors.ts'

/** Most bytes that one system call transfers; systems stop short of 2 GiB. */
const MAX_TRANSFER = 2 ** 30

let written = 0

/**
 * Writes a file so that its path always names either the old content or all of the new: the chunks go to a temporary
 * file in the same folder, which is flushed to the disk and then renamed. A failure leaves no temporary file.
 * @throws HeddleError `file-missing` when the file cannot be written; errors of the chunks' iterator pass through
 */
export async function writeFileAtomic(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${written++}.tmp`)
  const handle = await attempt(path, () => open(temporary, 'wx'))
  try {
    try {
      for await (const chunk of chunks) await attempt(path, () => writeAll(handle, chunk))
      await attempt(path, () => handle.sync())
    } finally {
      await handle.close()
    }
    await attempt(path, () => rename(temporary, path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** An opened safetensors file, to be closed when no more tensors are read from it. */
export interface SafetensorsFile extends Safetensors {
  close(): void
}

/**
 * Opens a safetensors file and checks its header; tensors are read from the disk one at a time.
 * @throws HeddleError `file-missing` when the file cannot be opened, `file-invalid` when it breaks the format
 */
export function readSafetensorsFile(path: string): SafetensorsFile {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    const status = fstatSync(descriptor)
    if (!status.isFile()) throw new HeddleError('file-missing', `${path} is not a file`, { path })
    const read = (offset: number, length: number): Uint8Array => {
      if (descriptor === undefined) throw new Error(`${path} has been closed`)
      return readAt(descriptor, offset, length)
    }
    const tensors = decodeSafetensors({ size: status.size, read })
    return {
      ...tensors,
      close: () => {
        if (descriptor !== undefined) closeSync(descriptor)
        descriptor = undefined
      },
    }
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor)
    if (error instanceof HeddleError && error.code === 'file-invalid') {
      throw new HeddleError('file-invalid', `${path}: ${error.message}`, { path: error.path ?? path })
    }
    throw error instanceof HeddleError ? error : unusable(path, 'read', error)
  }
}

/** Reads up to `length` bytes at an offset; fewer only at the end of the file. */
function readAt(descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, MAX_TRANSFER), offset + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, done, Math.min(chunk.length - done, MAX_TRANSFER))
    done += bytesWritten
  }
}

/** Makes the rename itself durable; the file is complete without it, and not every system can flush a folder. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    return
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw unusable(path, 'written', error)
  }
}

function unusable(path: string, what: string, error: unknown): HeddleError {
  return new HeddleError(
    what === 'written' ? 'file-unwritable' : 'file-missing',
    `${path} cannot be ${what}: ${error instanceof Error ? error.message : String(error)}`,
    { path },
  )
}
