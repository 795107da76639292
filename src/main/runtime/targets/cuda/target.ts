// The native CUDA target: finds the libraries, checks what they are, and opens programs on a device.

import type { Program } from '#core/graph/program.ts'
import { HeddleError } from '#core/errors.ts'
import type { Availability, OpenOptions, ProgramPlan, Target } from '../target.ts'
import { openCublasLt } from './driver/cublaslt.ts'
import { openDriver, wakeDevice } from './driver/cuda.ts'
import type { CudaDriver } from './driver/cuda.ts'
import { describeDevice, Device } from './driver/device.ts'
import type { ComingMachine } from './driver/machine.ts'
import { findLibrary, LIBRARY_FILES } from './driver/libraries.ts'
import type { CudaLibrary } from './driver/libraries.ts'
import { openNvrtc } from './driver/nvrtc.ts'
import { claimsIn } from './kernels/native/index.ts'
import { launchLimit, neededBytes, planProgram } from './plan.ts'
import type { Compute } from './schedule/precision.ts'
import { printSchedule } from './schedule/print.ts'
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

/** Where targets find the driver and libraries, and open devices; replaced in tests. */
export interface CudaPlace {
  driver(): CudaDriver
  need(library: 'nvrtc' | 'cublasLt'): string
  /** A device with everything that it takes; opened once. Throws HeddleError with the reason why it cannot be. */
  open(index: number): Device
  /** A device that is open already. */
  opened(index: number): Device | undefined
}

const devices = new Map<number, Device>()

const thisMachine: CudaPlace = {
  driver: checkedDriver,
  need: needLibrary,
  opened: (index) => devices.get(index),
  open: (index) => {
    const found = devices.get(index)
    if (found !== undefined) return found
    const driver = checkedDriver()
    capableDevice(driver, index)
    const device = new Device(driver, openNvrtc(needLibrary('nvrtc')), openCublasLt(needLibrary('cublasLt')), index)
    devices.set(index, device)
    return device
  },
}

/** A device of this machine, by default the first. */
export const openDevice = (index = 0): Device => thisMachine.open(index)

/** The name of a device that the kernels are made for; throws HeddleError `target-missing` for others. */
function capableDevice(driver: CudaDriver, index: number): string {
  const { name, capability } = describeDevice(driver, index)
  if (Number.parseInt(capability) < MIN_CAPABILITY)
    throw new HeddleError(
      'target-missing',
      `${name} has compute capability ${capability}; ${MIN_CAPABILITY}.0 is the least`,
    )
  return name
}

/** Whether a device has all parts; opens nothing on it. */
function probe(place: CudaPlace, index: number): Availability {
  try {
    const driver = place.driver()
    const name = capableDevice(driver, index)
    place.need('nvrtc')
    place.need('cublasLt')
    return { isAvailable: true, version: `CUDA ${versionText(driver.version)}, ${name}` }
  } catch (error) {
    const { message, hint } = error as HeddleError
    return { isAvailable: false, reason: hint === undefined ? message : `${message}: ${hint}` }
  }
}

function wake(): void {
  try {
    const path = findLibrary('driver')
    if (path !== undefined && thisMachine.opened(0) === undefined) wakeDevice(path, 0)
  } catch {
    // opening the device says what is wrong
  }
}

/** Devices behind the first; none where there is no driver. */
function furtherDevices(place: CudaPlace): readonly number[] {
  try {
    const count = Number(place.driver().get('counting devices', 'cuDeviceGetCount', 0))
    return Array.from({ length: Math.max(0, count - 1) }, (_, i) => i + 1)
  } catch {
    return []
  }
}

/** Shared memory of a block that every device since Ampere has, for plans without a device. */
const LEAST_SHARED = 99 << 10
/** Device memory that stays free for what no plan knows: machine code, graphs, the library's own. */
const RESERVE_BYTES = 512 << 20

interface CudaKind {
  readonly kind: string
  readonly compute: Compute
  readonly title: string
  readonly doc: string
}

/** A target on a device: `cuda` is the first, `cuda:1` the second. */
export function cudaTarget(described: CudaKind, place = thisMachine, index = 0): Target {
  const { kind, compute, title, doc } = described
  return {
    kind: index === 0 ? kind : `${kind}:${index}`,
    title: index === 0 ? title : `${title}, device ${index}`,
    doc,
    ...(compute !== 'f32' && { dtype: compute }),
    probe: () => probe(place, index),
    claims: claimsIn(compute),
    plan: (program) => planFor(program, compute, place.opened(index)?.sharedBytes),
    freeBytes: () => Math.max(0, place.open(index).freeBytes() - RESERVE_BYTES),
    open: async (program, options) => openOn(place, index, program, options, compute),
    ...(index === 0 && {
      wake,
      furtherDevices: () => furtherDevices(place).map((further) => cudaTarget(described, place, further)),
    }),
  }
}

/** The plan of a program whose state is not there yet. */
export function planFor(program: Program, compute: Compute, sharedBytes = LEAST_SHARED): ProgramPlan {
  const options = { compute, claims: claimsIn(compute), sharedBytes: () => sharedBytes, decomposeAll: false }
  const { plan } = planProgram(program, { ...options, isState: () => false, fits: () => true })
  return { bytes: neededBytes(plan, () => false), limit: launchLimit(plan), text: () => printSchedule(plan) }
}

/** Opens a program on the first device, with what the benchmark needs beside the Session. */
export const openCuda = async (program: Program, options: OpenOptions, compute: Compute): Promise<CudaSession> =>
  openOn(thisMachine, 0, program, options, compute)

async function openOn(
  place: CudaPlace,
  index: number,
  program: Program,
  options: OpenOptions,
  compute: Compute,
): Promise<CudaSession> {
  // a validation is phase train too, but nothing is bound in it
  if (compute === 'f16' && program.phase === 'train' && program.bindings.length > 0)
    throw new HeddleError('target-failed', 'training in f16 needs loss scaling, which this program does not do', {
      hint: 'train with target cuda (bf16)',
    })
  // a device whose context another thread is opening is asked for when the program is planned
  const coming: ComingMachine = {
    sharedBytes: () => (place.opened(index) ?? describeDevice(place.driver(), index)).sharedBytes,
    open: () => place.open(index),
  }
  return openOnMachine(coming, program, options, { compute, claims: claimsIn(compute) })
}

export const cuda = cudaTarget({
  kind: 'cuda',
  compute: 'bf16',
  title: 'CUDA, bf16',
  doc: 'Native: generated kernels and cuBLASLt in one CUDA graph per run; activations in bf16, weights, states and sums in f32.',
})

export const cudaF16 = cudaTarget({
  kind: 'cuda-f16',
  compute: 'f16',
  title: 'CUDA, f16',
  doc: 'Native: as bf16, with activations and weights in f16, which keeps 11 bits instead of 8 and ends at 65504. Not for training.',
})

export const cudaTf32 = cudaTarget({
  kind: 'cuda-tf32',
  compute: 'tf32',
  title: 'CUDA, TF32',
  doc: 'Native: as f32, with products on tensor cores whose operands keep 10 bits.',
})

export const cudaExact = cudaTarget({
  kind: 'cuda-f32',
  compute: 'f32',
  title: 'CUDA, f32',
  doc: 'Native: generated kernels and cuBLASLt in one CUDA graph per run; everything in f32, as the golden vectors want it.',
})
