// The native CUDA target: finds the libraries, checks what they are, and opens programs on a device.

import type { Program } from '#core/graph/program.ts'
import { HeddleError } from '#core/errors.ts'
import type { Availability, OpenOptions, Session, Target } from '../target.ts'
import { openCublasLt } from './driver/cublaslt.ts'
import { openDriver, wakeDevice } from './driver/cuda.ts'
import type { CudaDriver } from './driver/cuda.ts'
import { describeDevice, Device } from './driver/device.ts'
import { findLibrary, LIBRARY_FILES } from './driver/libraries.ts'
import type { CudaLibrary } from './driver/libraries.ts'
import { openNvrtc } from './driver/nvrtc.ts'
import { claimsIn } from './kernels/native/index.ts'
import type { Compute } from './schedule/precision.ts'
import { openOnMachine } from './session.ts'
import type { CudaSession } from './session.ts'

/** The oldest devices whose instructions the kernels use: Ampere. */
const MIN_CAPABILITY = 8
/** Version of the driver's API that goes with CUDA 12.0. */
const MIN_DRIVER = 12000

const HOW_TO_GET: Readonly<Record<CudaLibrary, string>> = {
  driver: 'install the NVIDIA driver',
  nvrtc:
    'install a CUDA 12 or 13 toolkit and set CUDA_HOME, or `pip install nvidia-cuda-nvrtc`, or name the folder in HEDDLE_CUDA_LIBRARIES',
  cublasLt:
    'install a CUDA 12 or 13 toolkit and set CUDA_HOME, or `pip install nvidia-cublas`, or name the folder in HEDDLE_CUDA_LIBRARIES',
}

/** Path of a library; throws HeddleError `target-missing` that says what was looked for and how to get it. */
export function needLibrary(library: CudaLibrary, find = findLibrary): string {
  const path = find(library)
  if (path !== undefined) return path
  const names = LIBRARY_FILES[process.platform === 'win32' ? 'win32' : 'linux'][library].join(' or ')
  throw new HeddleError('target-missing', `${names} was not found`, { hint: HOW_TO_GET[library] })
}

function checkedDriver(): CudaDriver {
  const driver = openDriver(needLibrary('driver'))
  if (driver.version < MIN_DRIVER)
    throw new HeddleError(
      'target-missing',
      `the NVIDIA driver speaks CUDA ${versionText(driver.version)}; CUDA 12.0 is the least`,
      {
        hint: 'update the NVIDIA driver',
      },
    )
  if (Number(driver.get('counting devices', 'cuDeviceGetCount', 0)) === 0)
    throw new HeddleError('target-missing', 'the NVIDIA driver finds no device', { hint: 'check CUDA_VISIBLE_DEVICES' })
  return driver
}

const versionText = (version: number): string => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`

let device: Device | undefined

/** The first device with everything that it takes; opened once. Throws HeddleError with the reason why it cannot be. */
export function openDevice(): Device {
  if (device !== undefined) return device
  const driver = checkedDriver()
  const { name, capability } = describeDevice(driver, 0)
  if (Number.parseInt(capability) < MIN_CAPABILITY)
    throw new HeddleError(
      'target-missing',
      `${name} has compute capability ${capability}; ${MIN_CAPABILITY}.0 is the least`,
    )
  const nvrtc = openNvrtc(needLibrary('nvrtc'))
  const lt = openCublasLt(needLibrary('cublasLt'))
  device = new Device(driver, nvrtc, lt, 0)
  return device
}

/** Whether this machine has all parts; opens nothing on the device. */
function probe(): Availability {
  try {
    const driver = checkedDriver()
    const { name, capability } = describeDevice(driver, 0)
    if (Number.parseInt(capability) < MIN_CAPABILITY)
      return {
        isAvailable: false,
        reason: `${name} has compute capability ${capability}; ${MIN_CAPABILITY}.0 is the least`,
      }
    needLibrary('nvrtc')
    needLibrary('cublasLt')
    return { isAvailable: true, version: `CUDA ${versionText(driver.version)}, ${name}` }
  } catch (error) {
    const { message, hint } = error as HeddleError
    return { isAvailable: false, reason: hint === undefined ? message : `${message}: ${hint}` }
  }
}

function wake(): void {
  try {
    const path = findLibrary('driver')
    if (path !== undefined && device === undefined) wakeDevice(path, 0)
  } catch {
    // opening the device says what is wrong
  }
}

function cudaTarget(kind: string, compute: Compute, title: string, doc: string): Target {
  const open = async (program: Program, options: OpenOptions): Promise<Session> => openCuda(program, options, compute)
  return { kind, title, doc, probe, wake, claims: claimsIn(compute), open }
}

/** Opens a program on the device, with what the benchmark needs beside the Session. */
export async function openCuda(program: Program, options: OpenOptions, compute: Compute): Promise<CudaSession> {
  return openOnMachine(openDevice(), program, options, { compute, claims: claimsIn(compute) })
}

export const cuda = cudaTarget(
  'cuda',
  'bf16',
  'CUDA, bf16',
  'Native: generated kernels and cuBLASLt in one CUDA graph per run; activations in bf16, weights, states and sums in f32.',
)

export const cudaTf32 = cudaTarget(
  'cuda-tf32',
  'tf32',
  'CUDA, TF32',
  'Native: as f32, with products on tensor cores whose operands keep 10 bits.',
)

export const cudaExact = cudaTarget(
  'cuda-f32',
  'f32',
  'CUDA, f32',
  'Native: generated kernels and cuBLASLt in one CUDA graph per run; everything in f32, as the golden vectors want it.',
)
