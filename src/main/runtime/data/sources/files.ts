// The files behind a corpus: found, sorted, measured, and read in blocks.

import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'

export interface CorpusFile {
  readonly path: string
  /** The path inside the corpus's folder, with forward slashes; the file's name when the corpus is one file. */
  readonly name: string
  readonly size: number
  readonly modifiedMs: number
}

/** What a reader tells and asks while it reads. */
export interface ReadContext {
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes of the files read since the last call. */
  readonly onRead?: ((bytes: number) => void) | undefined
}

const MOST_FILES = 1_000_000
const BLOCK_BYTES = 2 ** 18

/** Lists a file, or the files of a folder and the folders in it, sorted by name. Names that begin with a dot are left out. */
export async function listFiles(path: string): Promise<CorpusFile[]> {
  try {
    const status = await stat(path)
    if (status.isFile())
      return [{ path, name: path.split(/[\\/]/).at(-1)!, size: status.size, modifiedMs: status.mtimeMs }]
    if (!status.isDirectory()) throw new HeddleError('file-missing', 'this is neither a file nor a folder', { path })
    const files: CorpusFile[] = []
    await walk(path, '', files)
    // by code unit, so that the order is the same in every locale
    return files.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    throw fileError(error, path)
  }
}

async function walk(root: string, folder: string, files: CorpusFile[]): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    const path = join(root, name)
    if (entry.isDirectory()) await walk(root, name, files)
    else {
      // a link to a folder is not followed: it could lead back
      const status = entry.isSymbolicLink() || entry.isFile() ? await stat(path) : undefined
      if (status?.isFile()) files.push({ path, name, size: status.size, modifiedMs: status.mtimeMs })
    }
    if (files.length > MOST_FILES) {
      throw new HeddleError('corpus-invalid', `the folder holds more than ${MOST_FILES} files`, { path: root })
    }
  }
}

/**
 * Reads a file, as far as it went when it was listed, in blocks of 2^18 bytes and a last shorter one. A block is overwritten
 * by the next. Throws `job-cancelled` when the signal aborts.
 */
export async function* readBlocks({ path, size }: CorpusFile, { signal, onRead }: ReadContext): AsyncGenerator<Buffer> {
  const file = await open(path).catch((error: unknown) => {
    throw fileError(error, path)
  })
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    for (let at = 0; at < size;) {
      checkCancelled(signal)
      const length = Math.min(block.length, size - at)
      for (let filled = 0; filled < length;) {
        const { bytesRead } = await file.read(block, filled, length - filled, at + filled)
        if (bytesRead === 0)
          throw new HeddleError('corpus-invalid', 'the file became shorter while it was read', { path })
        filled += bytesRead
      }
      yield block.subarray(0, length)
      onRead?.(length)
      at += length
    }
  } catch (error) {
    throw fileError(error, path)
  } finally {
    await file.close()
  }
}

/** Throws `job-cancelled` once a signal has aborted. */
export function checkCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new HeddleError('job-cancelled', 'reading the corpus was cancelled')
}

/** A HeddleError for what the file system refused; every other error passes unchanged. */
export function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  // a path with a NUL character gets no further than the checks of node:fs
  if (!('syscall' in error) && error.code !== 'ERR_INVALID_ARG_VALUE') return error
  const refusal = REFUSALS[String(error.code)]
  const [what, hint] = refusal ?? [`cannot be used: ${error.message}`, undefined]
  return new HeddleError('file-missing', `the file or folder ${what}`, { path, hint })
}

const REFUSALS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ['does not exist', 'check the path'],
  ENOTDIR: ['does not exist: a part of its path is a file', 'check the path'],
  EACCES: ['may not be opened: permission denied', 'grant permission to read it'],
  EPERM: ['may not be opened: permission denied', 'grant permission to read it'],
  EISDIR: ['is a folder where a file is needed', 'name a file in it'],
  ELOOP: ['is a link that leads back to itself', 'repair the link'],
  EMFILE: ['cannot be opened: too many files are open', 'raise the limit of open files'],
  ENOSPC: ['cannot be written: the disk is full', 'free some space, or name another folder'],
  EROFS: ['cannot be written: the disk is read-only', 'name another folder'],
}
