// The binding of the driver, with a library that has its functions and only counts.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadKoffi } from '#main/runtime/targets/cuda/driver/native.ts'
import { hasCompiler } from '../cpu-machine.ts'

const BINDING = fileURLToPath(new URL('../../../../src/main/runtime/targets/cuda/driver/cuda.ts', import.meta.url))
const COUNTING = `
#include <unistd.h>
extern "C" {
static volatile int inits = 0, retained = -1;
int cuInit(unsigned int) { usleep(100000); inits++; return 0; }
int cuDeviceGet(int *device, int index) { *device = index + 7; return inits == 0 ? 3 : 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)1; retained = device; return 0; }
int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
int counted(int what) { return what == 0 ? inits : retained; }
`
const OWN = ['cuInit', 'cuDeviceGet', 'cuDevicePrimaryCtxRetain', 'cuDriverGetVersion']
const names = new Set([...readFileSync(BINDING, 'utf8').matchAll(/'int (cu\w+)\(/g)].map((match) => match[1]!))

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-driver-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => void vi.resetModules())

/** A driver without some functions. */
function driverWithout(...missing: readonly string[]): string {
  const path = join(folder, `driver-${missing.join('-')}.so`)
  const plain = [...names].filter((name) => !OWN.includes(name) && !missing.includes(name))
  writeFileSync(`${path}.cpp`, [COUNTING, ...plain.map((name) => `int ${name}() { return 0; }`), '}'].join('\n'))
  execFileSync('g++', ['-shared', '-fPIC', '-o', path, `${path}.cpp`], { stdio: 'pipe' })
  return path
}
const binding = () => import('#main/runtime/targets/cuda/driver/cuda.ts')

describe.skipIf(process.platform !== 'linux' || !hasCompiler())('the driver', () => {
  it.each([
    ['12.0 to 12.7, without the second form of a function', 'cuEventElapsedTime_v2'],
    ['to come, without the first form of it', 'cuEventElapsedTime'],
  ])('of CUDA %s, is bound', async (_, missing) => {
    expect(names).toContain(missing)
    const { openDriver } = await binding()
    expect(openDriver(driverWithout(missing)).version).toBe(12040)
  })

  it('that lacks a function is refused by its name', async () => {
    const { openDriver } = await binding()
    expect(() => openDriver(driverWithout('cuGraphLaunch'))).toThrow(/cuGraphLaunch/)
  })

  it('wakes on another thread, with the context of the device', async () => {
    const path = driverWithout()
    const counted = loadKoffi().load(path).func('int counted(int)')
    const { wakeDevice } = await binding()
    wakeDevice(path, 1)
    expect([counted(0), counted(1)]).toEqual([0, -1])
    await vi.waitFor(() => expect([counted(0), counted(1)]).toEqual([1, 8]), { timeout: 10_000 })
  })
})
