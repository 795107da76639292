// NVRTC compiles generated CUDA C++.

import { hash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { hasDeepStacks, keepLoaded, loadFunctions } from './native.ts'
import type { NativeFunction } from './native.ts'

const PROTOTYPES = {
  version: 'int nvrtcVersion(_Out_ int *, _Out_ int *)',
  errorString: 'str nvrtcGetErrorString(int)',
  create: 'int nvrtcCreateProgram(_Out_ void **, str, str, int, void *, void *)',
  compile: 'int nvrtcCompileProgram(void *, int, str *)',
  destroy: 'int nvrtcDestroyProgram(void **)',
  logSize: 'int nvrtcGetProgramLogSize(void *, _Out_ size_t *)',
  log: 'int nvrtcGetProgramLog(void *, void *)',
  cubinSize: 'int nvrtcGetCUBINSize(void *, _Out_ size_t *)',
  cubin: 'int nvrtcGetCUBIN(void *, void *)',
} as const

export interface Nvrtc {
  readonly path: string
  /** As `13.0`. */
  readonly version: string
  /**
   * Machine code of a source for an architecture such as `sm_90`; throws HeddleError `target-failed` with the compiler's
   * log. Several may be compiled at a time.
   */
  compile(source: string, architecture: string): Promise<Uint8Array>
}

let opened: Nvrtc | undefined

/** Loads NVRTC; one per process. Throws HeddleError `target-missing`. */
export function openNvrtc(path: string): Nvrtc {
  opened ??= open(path)
  return opened
}

function open(path: string): Nvrtc {
  keepBuiltins(dirname(path))
  const functions = loadFunctions(path, PROTOTYPES)
  const major: unknown[] = [null],
    minor: unknown[] = [null]
  functions.version(major, minor)
  const version = `${String(major[0])}.${String(minor[0])}`
  return { path, version, compile: (source, architecture) => compile(functions, source, architecture) }
}

/** NVRTC opens its built-in headers by name alone, which the linker finds only when they are loaded already. */
function keepBuiltins(folder: string): void {
  for (const file of readdirSync(folder))
    if (/^(lib)?nvrtc-builtins(\.so|64_)[\d._]*(\.dll)?$/.test(file)) keepLoaded(join(folder, file))
}

/** The architecture of a compute capability; that of 9.0 with its own instructions for products of warp groups. */
export const architectureOf = (capability: string): string =>
  capability === '9.0' ? 'sm_90a' : `sm_${capability.replace('.', '')}`

/** Options beside the architecture; they are part of the cache key. */
const OPTIONS = ['--std=c++17', '--extra-device-vectorization', '-default-device'] as const

async function compile(
  functions: Readonly<Record<keyof typeof PROTOTYPES, NativeFunction>>,
  source: string,
  architecture: string,
): Promise<Uint8Array> {
  const check = (code: unknown, doing: string): void => {
    if (code !== 0)
      throw new HeddleError(
        'target-failed',
        `nvrtc failed while ${doing}: ${String(functions.errorString(code))} (${String(code)})`,
      )
  }
  const slot: unknown[] = [null]
  check(functions.create(slot, source, 'heddle.cu', 0, null, null), 'reading a kernel')
  const program = slot[0]
  try {
    const options = [`--gpu-architecture=${architecture}`, ...OPTIONS]
    const code = !hasDeepStacks()
      ? functions.compile(program, options.length, options)
      : await new Promise<unknown>((resolve, reject) => {
          functions.compile.async(program, options.length, options, (error: unknown, result: unknown) =>
            error === null || error === undefined ? resolve(result) : reject(error as Error),
          )
        })
    if (code !== 0) {
      const size: unknown[] = [0]
      check(functions.logSize(program, size), 'reading its log')
      const log = Buffer.alloc(Number(size[0]))
      check(functions.log(program, log), 'reading its log')
      throw new HeddleError(
        'target-failed',
        `nvrtc refused a kernel: ${log.toString('utf8').replace(/\0+$/, '').trim()}`,
      )
    }
    const size: unknown[] = [0]
    check(functions.cubinSize(program, size), 'reading the machine code')
    const cubin = Buffer.alloc(Number(size[0]))
    check(functions.cubin(program, cubin), 'reading the machine code')
    return cubin
  } finally {
    functions.destroy(slot)
  }
}

/** The name under which machine code is kept: changes with source, architecture, compiler and options. */
export const cacheKey = (source: string, architecture: string, version: string): string =>
  hash('sha256', [version, architecture, ...OPTIONS, source].join('\n'))
