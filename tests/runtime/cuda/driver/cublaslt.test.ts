// The binding of cuBLASLt, with a library that has its functions: what is proposed, checked and run are the same bytes.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCublasLt, WORKSPACE_BYTES } from '#main/runtime/targets/cuda/driver/cublaslt.ts'
import type { PreparedMatmul } from '#main/runtime/targets/cuda/driver/cublaslt.ts'
import type { MatrixLayout } from '#main/runtime/targets/cuda/driver/machine.ts'
import { loadKoffi } from '#main/runtime/targets/cuda/driver/native.ts'
import type { NativeFunction } from '#main/runtime/targets/cuda/driver/native.ts'
import { hasCompiler } from '../cpu-machine.ts'

const BINDING = fileURLToPath(new URL('../../../../src/main/runtime/targets/cuda/driver/cublaslt.ts', import.meta.url))
/** Proposes algorithms 1 to 5, of which 2 has a status; refuses those from 6 on, and wants too much memory for 3. */
const LIBRARY = `
#include <stdint.h>
#include <string.h>
extern "C" {
static int ran = 0; static size_t scratch = 0;
size_t cublasLtGetVersion() { return 130100; }
int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *, void *, void *, int wanted, char *results, int *count) {
  for (int i = 0; i < wanted && i < 5; i++) {
    char *at = results + 96 * i;
    memset(at, i + 1, 64);
    *(size_t *)(at + 64) = 1000 * (i + 1);
    *(int *)(at + 72) = i == 1 ? 15 : 0;
  }
  *count = wanted < 5 ? wanted : 5;
  return 0;
}
int cublasLtMatmulAlgoCheck(void *, void *, void *, void *, void *, void *, const char *algorithm, char *result) {
  if (algorithm[0] >= 6) return 15;
  *(size_t *)(result + 64) = algorithm[0] == 3 ? ${WORKSPACE_BYTES + 1} : 77;
  return 0;
}
int cublasLtMatmul(void *, void *, void *, uint64_t, void *, uint64_t, void *, void *, uint64_t, void *, uint64_t, void *,
  const char *algorithm, uint64_t, size_t bytes, void *) { ran = algorithm[0]; scratch = bytes; return 0; }
int lastRun() { return ran; }
int lastScratch() { return (int)scratch; }
`
const OWN = ['cublasLtGetVersion', 'cublasLtMatmulAlgoGetHeuristic', 'cublasLtMatmulAlgoCheck', 'cublasLtMatmul']

describe.skipIf(process.platform !== 'linux' || !hasCompiler())('a product of cuBLASLt', () => {
  let folder: string
  let product: PreparedMatmul
  let lastRun: NativeFunction, lastScratch: NativeFunction
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-lt-'))
    const path = join(folder, 'library.so')
    const names = new Set([...readFileSync(BINDING, 'utf8').matchAll(/(cublasLt\w+)\(/g)].map((match) => match[1]!))
    const plain = [...names].filter((name) => !OWN.includes(name))
    writeFileSync(`${path}.cpp`, [LIBRARY, ...plain.map((name) => `int ${name}() { return 0; }`), '}'].join('\n'))
    execFileSync('g++', ['-shared', '-fPIC', '-o', path, `${path}.cpp`], { stdio: 'pipe' })
    const library = loadKoffi().load(path)
    lastRun = library.func('int lastRun()')
    lastScratch = library.func('int lastScratch()')
    const layout: MatrixLayout = { type: 'bf16', transposed: false, lead: 8, stride: 0 }
    const lt = openCublasLt(path)
    expect(lt.version).toBe(130100)
    product = lt.prepare({ m: 8, n: 8, k: 8, batch: 1, a: layout, b: layout, c: layout, tf32: false })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has the proposed algorithms that can run', () => {
    const proposed = product.propose(4)
    expect(proposed.map(({ bytes, workspace }) => [bytes.length, bytes[63], workspace])).toEqual([
      [64, 1, 1000],
      [64, 3, 3000],
      [64, 4, 4000],
    ])
  })

  it('takes an algorithm from elsewhere unless the library refuses it or it wants too much memory', () => {
    const check = (id: number, length = 64): number | undefined => product.check(Buffer.alloc(length, id))?.workspace
    expect([check(1), check(5), check(6), check(3), check(1, 63)]).toEqual([77, 77, undefined, undefined, undefined])
  })

  it('runs the one that it is given', () => {
    product.run(product.check(Buffer.alloc(64, 5))!, 0n, 0n, 0n, 0n, null)
    expect([lastRun(), lastScratch()]).toEqual([5, 77])
    product.run(product.propose(3)[1]!, 0n, 0n, 0n, 0n, null)
    expect([lastRun(), lastScratch()]).toEqual([3, 3000])
  })
})
