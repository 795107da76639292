// Compiled kernels of a program. Compilation has a fixed price, so kernels that are not on disk yet are compiled some at a
// time; an index entry per kernel says in which file its machine code lies.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRELUDE } from '../kernels/prelude.ts'
import type { Kernel, PrepareOptions } from './machine.ts'
import { cacheKey, kernelCacheFolder } from './nvrtc.ts'
import type { Nvrtc } from './nvrtc.ts'

/** Kernels compiled together: enough to share the fixed price, few enough to keep several threads busy. */
const BATCH = 16

export interface CompiledKernels {
  /** Kernels compiled now, and found on disk. */
  readonly compiled: number
  readonly cached: number
  /** The machine code that holds a kernel, with a key that is the same for the same code. */
  place(name: string): { readonly key: string; readonly cubin: Uint8Array }
}

/** Compiles kernels for an architecture, or reads what an earlier process compiled. */
export async function compileKernels(
  nvrtc: Nvrtc,
  kernels: readonly Kernel[],
  { architecture, isFast }: PrepareOptions & { readonly architecture: string },
  folder = kernelCacheFolder(),
): Promise<CompiledKernels> {
  const cubins = new Map<string, Uint8Array>()
  const places = new Map<string, string>()
  const prelude = `${isFast ? '#define HEDDLE_FAST' : ''}${PRELUDE}`
  const keyOf = (source: string): string => cacheKey(prelude + source, architecture, nvrtc.version)
  const ownKey = ({ source, uses = [] }: Kernel): string => keyOf([...uses, source].join('\n'))
  const missing = kernels.filter((kernel) => {
    const { name } = kernel
    const key = readText(join(folder, `${ownKey(kernel)}.in`))
    if (key === undefined) return true
    const cubin = cubins.get(key) ?? readMachineCode(join(folder, `${key}.cubin`))
    if (cubin === undefined) return true
    cubins.set(key, cubin)
    places.set(name, key)
    return false
  })
  const batches = Array.from({ length: Math.ceil(missing.length / BATCH) }, (_, i) =>
    missing.slice(i * BATCH, (i + 1) * BATCH),
  )
  await Promise.all(
    batches.map(async (batch) => {
      const functions = new Set(batch.flatMap((kernel) => kernel.uses ?? []))
      const source = [...functions, ...batch.map((kernel) => kernel.source)].join('\n')
      const key = keyOf(source)
      const cubin = await nvrtc.compile(prelude + source, architecture)
      cubins.set(key, cubin)
      writeQuietly(folder, `${key}.cubin`, cubin)
      for (const kernel of batch) {
        places.set(kernel.name, key)
        writeQuietly(folder, `${ownKey(kernel)}.in`, Buffer.from(key))
      }
    }),
  )
  return {
    compiled: missing.length,
    cached: kernels.length - missing.length,
    place: (name) => {
      const key = places.get(name)
      const cubin = key === undefined ? undefined : cubins.get(key)
      if (key === undefined || cubin === undefined) throw new Error(`no kernel named ${name} was compiled`)
      return { key, cubin }
    },
  }
}

function readText(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

/** Machine code is an ELF file; anything else is a damaged entry, which is compiled again. */
function readMachineCode(path: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path)
    return bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46 ? bytes : undefined
  } catch {
    return undefined
  }
}

/** Writes a file whole or not at all; a cache that cannot be written costs time and is no error. */
function writeQuietly(folder: string, name: string, bytes: Uint8Array): void {
  const path = join(folder, name)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(temporary, bytes)
    renameSync(temporary, path)
  } catch {
    rmSync(temporary, { force: true })
  }
}
