// From nothing to the 200th training step: a new process with no compiled kernels, one that finds them, and the next
// candidate of a search (another depth) in the process that has just trained one.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('start-child.ts', import.meta.url))

export function benchStart(name: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-kernels-'))
  const env = {
    ...process.env,
    HEDDLE_CUDA_CACHE: folder,
    NODE_COMPILE_CACHE: join(folder, 'code'),
    UV_THREADPOOL_SIZE: String(availableParallelism()),
  }
  try {
    for (const state of ['cold', 'warm', 'warm'])
      process.stdout.write(
        `${name}, ${state} caches of kernels and code: ${execFileSync(process.execPath, [CHILD, name], { env, encoding: 'utf8' })}`,
      )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
