// A driver without a device: it keeps what was asked of it, with the context that was current then, and computes nothing.

import type { CudaDriver } from '#main/runtime/targets/cuda/driver/cuda.ts'
import type { CublasLt } from '#main/runtime/targets/cuda/driver/cublaslt.ts'
import type { Nvrtc } from '#main/runtime/targets/cuda/driver/nvrtc.ts'

export interface DriverCall {
  readonly name: string
  /** The device whose context was current. */
  readonly device: number | undefined
  readonly args: readonly unknown[]
}

export interface StandIn {
  readonly driver: CudaDriver
  readonly nvrtc: Nvrtc
  /** One for each device that asks. */
  readonly lt: () => CublasLt
  readonly calls: DriverCall[]
}

interface Handle {
  readonly kind: string
  readonly device: number | undefined
}

export interface StandInDevice {
  readonly name: string
  readonly capability: readonly [number, number]
}

/** What a function gives, where it gives anything. */
const GIVES: Readonly<Record<string, string>> = {
  cuStreamCreateWithPriority: 'stream',
  cuModuleLoadData: 'module',
  cuModuleGetFunction: 'function',
  cuStreamEndCapture: 'graph',
  cuGraphInstantiate: 'executable',
  cuEventCreate: 'event',
}

export function standIn(devices: readonly StandInDevice[]): StandIn {
  const calls: DriverCall[] = []
  let current: number | undefined
  let memory = 2 ** 32
  const handle = (kind: string): Handle => ({ kind, device: current })
  const contexts = devices.map((_, device): Handle => ({ kind: 'context', device }))

  /** The result of a function whose out parameters are arrays of one. */
  const act = (name: string, args: readonly unknown[]): void => {
    calls.push({ name, device: current, args })
    const out = args.find((arg) => Array.isArray(arg)) as unknown[] | undefined
    switch (name) {
      case 'cuDeviceGetCount':
        out![0] = devices.length
        return
      case 'cuDeviceGet':
        out![0] = args[1]
        return
      case 'cuDeviceGetName':
        ;(args[0] as Buffer).write(devices[args[2] as number]!.name)
        return
      case 'cuDeviceGetAttribute': {
        const { capability } = devices[args[2] as number]!
        out![0] = args[1] === 75 ? capability[0] : args[1] === 76 ? capability[1] : 227 << 10
        return
      }
      case 'cuDevicePrimaryCtxRetain':
        out![0] = contexts[args[1] as number]
        return
      case 'cuCtxSetCurrent':
        current = (args[0] as Handle).device
        return
      case 'cuMemGetInfo':
        for (const slot of args as unknown[][]) slot[0] = 2 ** 34
        return
      case 'cuMemAlloc':
        out![0] = memory
        memory += Math.ceil((args[1] as number) / 256) * 256
        return
      case 'cuEventElapsedTime':
        out![0] = 1
        return
      default:
        if (GIVES[name] !== undefined) out![0] = handle(GIVES[name])
    }
  }
  const driver: CudaDriver = {
    path: 'stand-in',
    version: 13000,
    status: (name, ...args) => {
      act(name, args)
      return 0
    },
    call: (_, name, ...args) => act(name, args),
    get: (_, name, position, ...args) => {
      const slot: unknown[] = [null]
      act(name, [...args.slice(0, position), slot, ...args.slice(position)])
      return slot[0]
    },
  }
  const code = Buffer.alloc(128)
  code.writeUInt32BE(0x7f454c46)
  return {
    driver,
    calls,
    nvrtc: { path: 'stand-in', version: '13.0', compile: () => Promise.resolve(code) },
    lt: () => ({
      path: 'stand-in',
      version: 13,
      prepare: () => {
        calls.push({ name: 'lt prepare', device: current, args: [] })
        return {
          propose: () => [1, 2].map((number) => ({ bytes: Buffer.alloc(64, number), workspace: 0 })),
          check: () => undefined,
          run: () => void calls.push({ name: 'lt run', device: current, args: [] }),
        }
      },
    }),
  }
}
