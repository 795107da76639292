// The CUDA driver API: the functions that this target calls, and errors that say what was being done.

import { HeddleError } from '#core/errors.ts'
import { hasDeepStacks, loadFunctions } from './native.ts'
import type { NativeFunction } from './native.ts'

const PROTOTYPES = {
  cuInit: 'int cuInit(unsigned int)',
  cuDriverGetVersion: 'int cuDriverGetVersion(_Out_ int *)',
  cuGetErrorName: 'int cuGetErrorName(int, _Out_ const char **)',
  cuGetErrorString: 'int cuGetErrorString(int, _Out_ const char **)',
  cuDeviceGetCount: 'int cuDeviceGetCount(_Out_ int *)',
  cuDeviceGet: 'int cuDeviceGet(_Out_ int *, int)',
  cuDeviceGetName: 'int cuDeviceGetName(void *, int, int)',
  cuDeviceGetAttribute: 'int cuDeviceGetAttribute(_Out_ int *, int, int)',
  cuDevicePrimaryCtxRetain: 'int cuDevicePrimaryCtxRetain(_Out_ void **, int)',
  cuCtxSetCurrent: 'int cuCtxSetCurrent(void *)',
  cuMemGetInfo: 'int cuMemGetInfo_v2(_Out_ size_t *, _Out_ size_t *)',
  cuMemAlloc: 'int cuMemAlloc_v2(_Out_ uint64_t *, size_t)',
  cuMemFree: 'int cuMemFree_v2(uint64_t)',
  cuMemcpyHtoDAsync: 'int cuMemcpyHtoDAsync_v2(uint64_t, void *, size_t, void *)',
  cuMemcpyDtoHAsync: 'int cuMemcpyDtoHAsync_v2(void *, uint64_t, size_t, void *)',
  cuMemcpyDtoDAsync: 'int cuMemcpyDtoDAsync_v2(uint64_t, uint64_t, size_t, void *)',
  cuMemHostRegister: 'int cuMemHostRegister_v2(void *, size_t, unsigned int)',
  cuMemHostUnregister: 'int cuMemHostUnregister(void *)',
  cuMemsetD8Async: 'int cuMemsetD8Async(uint64_t, unsigned char, size_t, void *)',
  cuModuleLoadData: 'int cuModuleLoadData(_Out_ void **, void *)',
  cuModuleUnload: 'int cuModuleUnload(void *)',
  cuModuleGetFunction: 'int cuModuleGetFunction(_Out_ void **, void *, str)',
  cuFuncSetAttribute: 'int cuFuncSetAttribute(void *, int, int)',
  cuLaunchKernel:
    'int cuLaunchKernel(void *, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, void *, void *, void *)',
  cuStreamCreate: 'int cuStreamCreate(_Out_ void **, unsigned int)',
  cuStreamCreateWithPriority: 'int cuStreamCreateWithPriority(_Out_ void **, unsigned int, int)',
  cuStreamWaitEvent: 'int cuStreamWaitEvent(void *, void *, unsigned int)',
  cuCtxGetStreamPriorityRange: 'int cuCtxGetStreamPriorityRange(_Out_ int *, _Out_ int *)',
  cuStreamDestroy: 'int cuStreamDestroy_v2(void *)',
  cuStreamSynchronize: 'int cuStreamSynchronize(void *)',
  cuStreamQuery: 'int cuStreamQuery(void *)',
  cuStreamBeginCapture: 'int cuStreamBeginCapture_v2(void *, int)',
  cuStreamEndCapture: 'int cuStreamEndCapture(void *, _Out_ void **)',
  cuGraphInstantiate: 'int cuGraphInstantiateWithFlags(_Out_ void **, void *, uint64_t)',
  cuGraphLaunch: 'int cuGraphLaunch(void *, void *)',
  cuGraphDestroy: 'int cuGraphDestroy(void *)',
  cuGraphExecDestroy: 'int cuGraphExecDestroy(void *)',
  cuEventCreate: 'int cuEventCreate(_Out_ void **, unsigned int)',
  cuEventRecord: 'int cuEventRecord(void *, void *)',
  cuEventQuery: 'int cuEventQuery(void *)',
  cuEventSynchronize: 'int cuEventSynchronize(void *)',
  cuEventElapsedTime: 'int cuEventElapsedTime_v2(_Out_ float *, void *, void *)',
  cuEventDestroy: 'int cuEventDestroy_v2(void *)',
} as const

/** Older drivers lack the second version, which differs only in what it refuses. */
const OLD_ELAPSED_TIME = 'int cuEventElapsedTime(_Out_ float *, void *, void *)'

type DriverFunction = keyof typeof PROTOTYPES

/** Values of CUresult that callers look at. */
export const SUCCESS = 0
export const OUT_OF_MEMORY = 2
export const NOT_READY = 600

/**
 * Values after which nothing more can be done with the device from this process: memory that could not be corrected, a device
 * that is gone or out of order, and every fault of a kernel.
 */
const LOST = new Set([46, 214, 700, 702, 714, 715, 716, 717, 718, 719, 802, 999])

export interface CudaDriver {
  readonly path: string
  /** Version of the driver's API: 13000 for 13.0. */
  readonly version: number
  /** The result code of a call, unchecked. */
  status(name: DriverFunction, ...args: readonly unknown[]): number
  /**
   * Calls a function; `doing` completes the sentence "... failed while ...". Throws HeddleError `target-failed`, or
   * `device-lost` where this process cannot use the device any more.
   */
  call(doing: string, name: DriverFunction, ...args: readonly unknown[]): void
  /** As `call`, for a function whose result is its parameter at `position`. */
  get(doing: string, name: DriverFunction, position: number, ...args: readonly unknown[]): unknown
}

let opened: CudaDriver | undefined

/**
 * Loads and initialises the driver; one per process.
 * @throws HeddleError `target-missing` when it cannot be loaded, or `target-failed` with its own reason
 */
export function openDriver(path: string): CudaDriver {
  opened ??= open(path)
  return opened
}

/**
 * Starts the driver and opens the context of a device on another thread, so that who opens the device later finds both there,
 * or waits for less. Says nothing of what fails: that one will.
 */
export function wakeDevice(path: string, index: number): void {
  if (!hasDeepStacks()) return
  const { cuInit, cuDeviceGet, cuDevicePrimaryCtxRetain } = load(path)
  cuInit.async(0, (_error: unknown, code: unknown) => {
    const device: unknown[] = [0]
    if (code !== SUCCESS || cuDeviceGet(device, index) !== SUCCESS) return
    cuDevicePrimaryCtxRetain.async([null], device[0], () => undefined)
  })
}

type DriverFunctions = Readonly<Record<DriverFunction, NativeFunction>>
let loaded: DriverFunctions | undefined

function load(path: string): DriverFunctions {
  try {
    loaded ??= loadFunctions(path, PROTOTYPES)
  } catch {
    loaded = loadFunctions(path, { ...PROTOTYPES, cuEventElapsedTime: OLD_ELAPSED_TIME })
  }
  return loaded
}

function open(path: string): CudaDriver {
  const functions = load(path)
  const status = (name: DriverFunction, ...args: readonly unknown[]): number => Number(functions[name](...args))
  const text = (name: 'cuGetErrorName' | 'cuGetErrorString', code: number): string => {
    const slot: unknown[] = [null]
    return functions[name](code, slot) === SUCCESS ? String(slot[0]) : 'unknown'
  }
  const call = (doing: string, name: DriverFunction, ...args: readonly unknown[]): void => {
    const code = status(name, ...args)
    if (code === SUCCESS) return
    throw new HeddleError(
      LOST.has(code) ? 'device-lost' : 'target-failed',
      `${name} failed while ${doing}: ${text('cuGetErrorName', code)} (${code}), ${text('cuGetErrorString', code)}`,
    )
  }
  const get = (doing: string, name: DriverFunction, position: number, ...args: readonly unknown[]): unknown => {
    const slot: unknown[] = [null]
    call(doing, name, ...args.slice(0, position), slot, ...args.slice(position))
    return slot[0]
  }
  call('starting the driver', 'cuInit', 0)
  const version = Number(get('asking for its version', 'cuDriverGetVersion', 0))
  return { path, version, status, call, get }
}

/** Attributes of cuDeviceGetAttribute. */
export const DEVICE_ATTRIBUTE = {
  capabilityMajor: 75,
  capabilityMinor: 76,
  multiprocessors: 16,
  sharedPerBlock: 97,
} as const
