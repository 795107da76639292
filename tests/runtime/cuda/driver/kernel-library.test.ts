// Which kernels are compiled together, and what the next process finds on disk. The compiler is a stand-in.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { compileKernels } from '#main/runtime/targets/cuda/driver/kernel-library.ts'
import type { CompiledKernels } from '#main/runtime/targets/cuda/driver/kernel-library.ts'
import type { Kernel } from '#main/runtime/targets/cuda/driver/machine.ts'
import { PRELUDE } from '#main/runtime/targets/cuda/kernels/prelude.ts'

let folder: string
let sources: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-kernels-'))
  sources = []
  vi.stubEnv('UV_THREADPOOL_SIZE', '4')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const elf = (text: string): Buffer => Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.from(text.padEnd(64, ' '))])
const compile = (kernels: readonly Kernel[], version = '13.0'): Promise<CompiledKernels> => {
  const nvrtc = {
    path: '',
    version,
    compile: (source: string) => {
      sources.push(source)
      return Promise.resolve(elf(source))
    },
  }
  return compileKernels(nvrtc, kernels, { architecture: 'sm_90a', isFast: false }, folder)
}
const kernel = (name: string, length: number): Kernel => ({ name, source: `${name} ${'x'.repeat(length)}` })
const small = Array.from({ length: 20 }, (_, i) => kernel(`small${i}`, 1000))

it('long kernels are compiled apart from each other, in as many parts as there are threads', async () => {
  const long = [0, 1, 2, 3].map((i) => kernel(`long${i}`, 100_000))
  await compile([...long, ...small])
  expect(sources).toHaveLength(4)
  for (const source of sources) expect(source.match(/long\d/g)).toHaveLength(1)
  const lengths = sources.map((source) => source.length)
  expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(2000)
})

it('every kernel is found in the code that holds it, by the next process as well', async () => {
  const first = await compile(small)
  expect([first.compiled, first.cached]).toEqual([20, 0])
  const second = await compile([...small, kernel('new', 10)])
  expect([second.compiled, second.cached, sources.length]).toEqual([1, 20, 5])
  for (const { name, source } of small)
    for (const kernels of [first, second]) expect(Buffer.from(kernels.place(name).cubin).toString()).toContain(source)
})

it('another compiler, and code that is damaged, are compiled again', async () => {
  await compile(small)
  expect(await compile(small, '12.8')).toMatchObject({ compiled: 20, cached: 0 })
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), name.endsWith('.in') ? 'nonsense' : '')
  expect(await compile(small)).toMatchObject({ compiled: 20, cached: 0 })
  expect(sources.every((source) => source.startsWith(PRELUDE))).toBe(true)
})

it('a folder that cannot be written costs nothing but time', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  folder = file
  expect(await compile(small)).toMatchObject({ compiled: 20 })
  expect(await compile(small)).toMatchObject({ compiled: 20 })
})
