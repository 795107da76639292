// Several devices in one process: each has a target, a context, a stream and modules of its own.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newGraph } from '#core/ops/index.ts'
import { Device } from '#main/runtime/targets/cuda/driver/device.ts'
import { cudaTarget } from '#main/runtime/targets/cuda/target.ts'
import type { CudaPlace } from '#main/runtime/targets/cuda/target.ts'
import { knownTarget, targetsHere } from '#main/runtime/targets/index.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { standIn } from './stand-in.ts'
import type { StandIn, StandInDevice } from './stand-in.ts'

const H200: StandInDevice = { name: 'NVIDIA H200', capability: [9, 0] }
const OLD: StandInDevice = { name: 'Tesla T4', capability: [7, 5] }

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-devices-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

function placeOf({ driver, nvrtc, lt }: StandIn): CudaPlace {
  const devices = new Map<number, Device>()
  return {
    driver: () => driver,
    need: (library) => library,
    opened: (index) => devices.get(index),
    open: (index) => {
      const device = devices.get(index) ?? new Device(driver, nvrtc, lt(), index)
      devices.set(index, device)
      return device
    },
  }
}

function targetsOn(machine: StandIn): readonly Target[] {
  const described = { kind: 'cuda', compute: 'bf16', title: 'CUDA, bf16', doc: 'For tests.' } as const
  const first = cudaTarget(described, placeOf(machine))
  return [first, ...first.furtherDevices!()]
}

/** A program with a kernel, and a product for the library. */
function program(): Parameters<Target['open']>[0] {
  const g = newGraph()
  const x = g.input('x', { dtype: 'f32', shape: [512, 512] })
  g.output('y', g.matmul(g.exp(x), x))
  return { name: 'test', phase: 'train', graph: g.finish(), bindings: [], frozen: [] }
}

describe('probe', () => {
  it('lists each device under its own name', () => {
    const all = targetsOn(standIn([H200, { ...H200, name: 'NVIDIA H100' }, OLD]))
    expect(all.map(({ kind, title }) => [kind, title])).toEqual([
      ['cuda', 'CUDA, bf16'],
      ['cuda:1', 'CUDA, bf16, device 1'],
      ['cuda:2', 'CUDA, bf16, device 2'],
    ])
    expect(all.map((target) => target.probe())).toEqual([
      { isAvailable: true, version: 'CUDA 13.0, NVIDIA H200' },
      { isAvailable: true, version: 'CUDA 13.0, NVIDIA H100' },
      { isAvailable: false, reason: 'Tesla T4 has compute capability 7.5; 8.0 is the least' },
    ])
    expect(all[1]!.furtherDevices).toBeUndefined()
  })

  it('opens nothing', () => {
    const machine = standIn([H200, H200])
    for (const target of targetsOn(machine)) target.probe()
    expect(machine.calls.map(({ name }) => name)).not.toContain('cuDevicePrimaryCtxRetain')
  })

  it('a device that is not there is refused with those that are', () => {
    expect(targetsHere()).toContain(knownTarget('cuda'))
    expect(() => knownTarget('cuda:99')).toThrow(
      expect.objectContaining({ code: 'target-missing', hint: expect.stringContaining('cuda-f32') as string }),
    )
  })
})

describe('open', () => {
  it('a device is opened when the program is planned, the data when there is memory for it', async () => {
    vi.stubEnv('HEDDLE_CUDA_CACHE', folder)
    const machine = standIn([H200])
    const seen: string[] = []
    const calls = (): string[] => machine.calls.map(({ name }) => name)
    const data = Promise.withResolvers<Float32Array>()
    const [target] = targetsOn(machine) as [Target]
    const opening = target.open(program(), {
      initial: new Map([['x', data.promise]]),
      onPass: (pass) => seen.push(calls().includes('cuDevicePrimaryCtxRetain') ? `${pass} late` : pass),
    })
    expect(seen).toContain('cheap-again')
    expect(seen.filter((pass) => pass.endsWith('late'))).toEqual([])
    expect(calls()).toContain('cuDevicePrimaryCtxRetain')
    await new Promise((resolve) => setImmediate(resolve))
    expect(calls()).not.toContain('cuMemcpyHtoDAsync')
    data.resolve(new Float32Array(512 * 512))
    const session = await opening
    expect(calls()).toContain('cuMemcpyHtoDAsync')
    session.close()
  })
})

describe('two sessions at a time', () => {
  it('make every call in the context of their device', async () => {
    vi.stubEnv('HEDDLE_CUDA_CACHE', folder)
    const machine = standIn([H200, H200])
    const [first, second] = targetsOn(machine) as [Target, Target]
    const sessions = await Promise.all([first, second].map((target) => target.open(program(), { initial: new Map() })))
    const x = new Float32Array(512 * 512)
    for (let turn = 0; turn < 2; turn++) await Promise.all(sessions.map((session) => session.run({ x }, ['y'])))
    for (const session of sessions) session.close()
    const own = ({ args }: StandIn['calls'][number]): (number | undefined)[] =>
      args.flatMap((arg) => (typeof arg === 'object' && arg !== null && 'device' in arg ? [arg.device as number] : []))
    const used = machine.calls.filter((call) => call.name !== 'cuCtxSetCurrent' && own(call).length > 0)
    expect(used.length).toBeGreaterThan(40)
    // streams, modules, functions and graphs belong to the device whose context is current
    for (const call of used) expect([...new Set(own(call))], call.name).toEqual([call.device])
    for (const name of ['cuStreamCreateWithPriority', 'cuModuleLoadData', 'cuGraphInstantiate', 'lt prepare', 'lt run'])
      expect(new Set(machine.calls.filter((call) => call.name === name).map(({ device }) => device)), name).toEqual(
        new Set([0, 1]),
      )
    // memory is freed on the device that gave it
    const places = new Map<unknown, number | undefined>()
    for (const { name, device, args } of machine.calls)
      if (name === 'cuMemAlloc') places.set(BigInt((args[0] as number[])[0]!), device)
      else if (name === 'cuMemFree') expect(places.get(args[0])).toBe(device)
  })

  it('modules are loaded once for each device', async () => {
    vi.stubEnv('HEDDLE_CUDA_CACHE', folder)
    const machine = standIn([H200, H200])
    const [first, second] = targetsOn(machine) as [Target, Target]
    const loads = (): readonly (number | undefined)[] =>
      machine.calls.filter(({ name }) => name === 'cuModuleLoadData').map(({ device }) => device)
    for (const target of [first, second]) (await target.open(program(), { initial: new Map() })).close()
    // as many as the kernels are compiled in
    const once = loads()
    expect(once.filter((device) => device === 0)).toHaveLength(once.length / 2)
    expect(once.length).toBeGreaterThan(0)
    for (const target of [first, second]) (await target.open(program(), { initial: new Map() })).close()
    expect(loads()).toEqual(once)
  })
})
