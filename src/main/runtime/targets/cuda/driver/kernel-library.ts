// Compiled kernels of a program. Kernels that are not on disk yet are compiled in as many parts as threads can take at once; an
// index entry per kernel says in which file its machine code lies.

import { PRELUDE } from '../kernels/prelude.ts'
import { cudaCacheFolder, keep, readKept } from './disk-cache.ts'
import type { Kernel, PrepareOptions } from './machine.ts'
import { cacheKey } from './nvrtc.ts'
import type { Nvrtc } from './nvrtc.ts'

/** What a kernel costs to compile beside its length, in characters: NVRTC 13.0 takes some 0.01 ms for each. */
const KERNEL_COST = 4000
/** Native calls that run side by side: libuv's pool, which has four threads unless told. */
const poolThreads = (): number => Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4

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
  folder = cudaCacheFolder(),
): Promise<CompiledKernels> {
  const cubins = new Map<string, Uint8Array>()
  const places = new Map<string, string>()
  const prelude = `${isFast ? '#define HEDDLE_FAST' : ''}${PRELUDE}`
  const keyOf = (source: string): string => cacheKey(prelude + source, architecture, nvrtc.version)
  const ownKey = ({ source, uses = [] }: Kernel): string => keyOf([...uses, source].join('\n'))
  const missing = kernels.filter((kernel) => {
    const { name } = kernel
    const key = readKey(folder, `${ownKey(kernel)}.in`)
    if (key === undefined) return true
    const cubin = cubins.get(key) ?? readMachineCode(folder, `${key}.cubin`)
    if (cubin === undefined) return true
    cubins.set(key, cubin)
    places.set(name, key)
    return false
  })
  await Promise.all(
    shares(missing, poolThreads()).map(async (batch) => {
      const functions = new Set(batch.flatMap((kernel) => kernel.uses ?? []))
      const source = [...functions, ...batch.map((kernel) => kernel.source)].join('\n')
      const key = keyOf(source)
      const cubin = await nvrtc.compile(prelude + source, architecture)
      cubins.set(key, cubin)
      keep(folder, `${key}.cubin`, cubin)
      for (const kernel of batch) {
        places.set(kernel.name, key)
        keep(folder, `${ownKey(kernel)}.in`, key)
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

/** Parts of about the same cost, so that compiling side by side ends at the same time: the dearest first, each to the least. */
function shares(kernels: readonly Kernel[], count: number): Kernel[][] {
  const costOf = ({ source, uses = [] }: Kernel): number => KERNEL_COST + source.length + uses.join('').length
  const parts = Array.from({ length: Math.min(count, kernels.length) }, () => ({ cost: 0, kernels: [] as Kernel[] }))
  const byCost = kernels.map((kernel) => ({ kernel, cost: costOf(kernel) })).sort((a, b) => b.cost - a.cost)
  for (const { kernel, cost } of byCost) {
    const part = parts.reduce((least, other) => (other.cost < least.cost ? other : least))
    part.cost += cost
    part.kernels.push(kernel)
  }
  return parts.map((part) => part.kernels)
}

function readKey(folder: string, name: string): string | undefined {
  const text = readKept(folder, name)?.toString('latin1')
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined
}

/** Machine code is an ELF file; anything else is a damaged entry, which is compiled again. */
function readMachineCode(folder: string, name: string): Uint8Array | undefined {
  const bytes = readKept(folder, name)
  return bytes !== undefined && bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46 ? bytes : undefined
}
