// What one process found out for the next: files of a folder under content keys, whole or not there.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultCacheFolder } from '../../../data/cache-folder.ts'

/** HEDDLE_CUDA_CACHE, or a folder of the user's cache. */
export const cudaCacheFolder = (): string => process.env['HEDDLE_CUDA_CACHE'] ?? join(defaultCacheFolder(), 'cuda')

/** A file's bytes, or undefined where there is none to be read. */
export function readKept(folder: string, name: string): Buffer | undefined {
  try {
    return readFileSync(join(folder, name))
  } catch {
    return undefined
  }
}

/** Writes a file whole or not at all; a cache that cannot be written costs time and is no error. */
export function keep(folder: string, name: string, bytes: Uint8Array | string): void {
  const path = join(folder, name)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(temporary, bytes)
    renameSync(temporary, path)
  } catch {
    try {
      rmSync(temporary, { force: true })
    } catch {
      // there is no such folder
    }
  }
}
