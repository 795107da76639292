// A Machine without a GPU: compiles the generated CUDA C++ as C++ and runs it on the CPU. Fresh memory is filled with NaN.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256 } from '#core/graph/sha256.ts'
import { addressOf, loadKoffi } from '#main/runtime/targets/cuda/driver/native.ts'
import type {
  ComingMachine,
  Command,
  Kernel,
  Machine,
  PrepareTimes,
  Replay,
} from '#main/runtime/targets/cuda/driver/machine.ts'
import { PRELUDE } from '#main/runtime/targets/cuda/kernels/prelude.ts'

const HEADER = ['cpu-kernels.h', 'cpu-tensor-core.h']
  .map((name) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8'))
  .join('\n')
const FOLDER = join(tmpdir(), 'heddle-cpu-kernels')
const EXCHANGES = /__sync|__shfl|__ballot|lanes_|block_/

/** Whether there is a C++ compiler to do this with. */
export function hasCompiler(): boolean {
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function compileLibrary(kernels: readonly Kernel[]): string {
  const wrappers = kernels.map(({ name, source, uses = [] }) => {
    const parameters = /\(([^()]*)\) \{/.exec(source)![1]!
    const types = parameters.split(', ').map((p) => p.replace(/__restrict__ \w+$/, ''))
    const args = types.map((type, i) => `(${type})args[${i}]`).join(', ')
    const isParallel = EXCHANGES.test([...uses, source].join('\n'))
    return `extern "C" void run_${name}(const uint64_t *args, unsigned gx, unsigned gy, unsigned gz, unsigned threads) { overGrid(gx, gy, gz, threads, ${isParallel}, [=] { ${name}(${args}); }); }`
  })
  const functions = new Set(kernels.flatMap((kernel) => kernel.uses ?? []))
  const text = [HEADER, PRELUDE, ...functions, ...kernels.map((k) => k.source), ...wrappers].join('\n')
  mkdirSync(FOLDER, { recursive: true })
  const path = join(FOLDER, `${sha256(text)}.so`)
  if (existsSync(path)) return path
  const temporary = `${path}.${process.pid}`
  writeFileSync(`${temporary}.cpp`, text)
  execFileSync('g++', ['-std=c++17', '-O1', '-w', '-shared', '-fPIC', '-o', temporary, `${temporary}.cpp`], {
    stdio: 'pipe',
  })
  renameSync(temporary, path)
  return path
}

const NO_TIMES: PrepareTimes = { compileS: 0, captureS: 0, compiled: 0, cached: 0 }

/** A machine on the CPU with a limited memory. */
/** A machine that is there already. */
export const there = (machine: Machine): ComingMachine => ({
  sharedBytes: () => machine.sharedBytes,
  open: () => machine,
})

export function cpuMachine(memoryBytes = 2 ** 31, sharedBytes = 227 << 10): Machine {
  const koffi = loadKoffi()
  const memcpy = koffi.load('libc.so.6').func('void *memcpy(void *, void *, size_t)')
  const blocks = new Map<bigint, Uint8Array>()
  const used = (): number => [...blocks.values()].reduce((sum, block) => sum + block.byteLength, 0)
  const copy = (to: bigint, from: bigint, bytes: number): void => void memcpy(to, from, bytes)
  return {
    title: 'CPU',
    sharedBytes,
    freeBytes: () => memoryBytes - used(),
    allocate: (bytes) => {
      const block = new Uint8Array(Math.max(bytes, 256)).fill(0xff)
      const address = addressOf(block)
      blocks.set(address, block)
      return address
    },
    release: (address) => void blocks.delete(address),
    upload: (address, data) => copy(address, addressOf(data), data.byteLength),
    download: (address, into) => copy(addressOf(into), address, into.byteLength),
    clear: (address, bytes) => copy(address, addressOf(new Uint8Array(bytes)), bytes),
    pin: () => () => undefined,
    fetch: (address, into) => copy(addressOf(into), address, into.byteLength),
    point: () => ({
      set: () => undefined,
      finish: () => Promise.resolve(),
      finishSync: () => undefined,
      release: () => undefined,
    }),
    finish: () => Promise.resolve(),
    finishSync: () => undefined,
    prepare: (kernels, commands) => Promise.resolve().then(() => prepare(kernels, commands, copy)),
  }
}

function prepare(
  kernels: readonly Kernel[],
  commands: readonly Command[],
  copy: (to: bigint, from: bigint, bytes: number) => void,
): Replay & { readonly prepared: PrepareTimes } {
  const library = loadKoffi().load(compileLibrary(kernels))
  const multiply = library.func('void multiply(uint64_t, uint64_t, uint64_t, int64_t *)')
  const functions = new Map(
    kernels.map(({ name }) => [
      name,
      library.func(`void run_${name}(uint64_t *, unsigned int, unsigned int, unsigned int, unsigned int)`),
    ]),
  )
  const run = (command: Command): void => {
    switch (command.kind) {
      case 'copy':
        return copy(command.to, command.from, command.bytes)
      case 'clear':
        return copy(command.at, addressOf(new Uint8Array(command.bytes)), command.bytes)
      case 'kernel':
        return void functions.get(command.name)!(
          BigUint64Array.from(command.args),
          command.grid[0],
          command.grid[1],
          command.grid[2] ?? 1,
          command.block,
        )
      case 'matmul': {
        const { m, n, k, batch, a, b, c } = command.shape
        const numbers = [m, n, k, batch, Number(a.transposed), a.lead, a.stride, Number(b.transposed), b.lead, b.stride]
        const types = [a, b, c].map((matrix) => ['f32', 'bf16', 'f16'].indexOf(matrix.type))
        return void multiply(
          command.a,
          command.b,
          command.c,
          BigInt64Array.from([...numbers, c.lead, c.stride, ...types], BigInt),
        )
      }
    }
  }
  return {
    prepared: NO_TIMES,
    start: () => commands.forEach(run),
    times: () => commands.map(() => 0),
    runTimes: () => [],
    release: () => undefined,
  }
}
