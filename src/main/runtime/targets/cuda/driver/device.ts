// A GPU as a Machine: one context, one stream, kernels compiled by NVRTC, commands captured in a CUDA graph.

import { HeddleError } from '#core/errors.ts'
import type { CublasLt } from './cublaslt.ts'
import { WORKSPACE_BYTES } from './cublaslt.ts'
import { DEVICE_ATTRIBUTE, inContext, NOT_READY, OUT_OF_MEMORY, SUCCESS } from './cuda.ts'
import type { ContextDriver, CudaDriver } from './cuda.ts'
import { compileKernels } from './kernel-library.ts'
import { lanesOf } from '../schedule/launches/lanes.ts'
import type { Command, Kernel, Machine, Point, PrepareOptions, PrepareTimes, Replay } from './machine.ts'
import { addressOf } from './native.ts'
import { architectureOf } from './nvrtc.ts'
import type { Nvrtc } from './nvrtc.ts'
import { ProductChoices } from './product-choice.ts'
import type { Choice } from './product-choice.ts'

const NON_BLOCKING = 1
/** Of an event that only orders. */
const NO_TIMING = 2
/** Captures only this thread's calls. */
const CAPTURE_THREAD_LOCAL = 1
/** Shared memory of a block beyond which a function must ask for it, and the attribute that does. */
const PLAIN_SHARED = 48 * 1024
const MAX_SHARED = 8
/** Commands that wait for different things run side by side on so many streams. */
const LANES = 4

/** A stream of the device, with scratch memory for the products on it. */
interface Lane {
  readonly stream: unknown
  readonly workspace: bigint
}

type LaneStep = (lane: Lane) => void

export interface DeviceSummary {
  readonly name: string
  /** As `9.0`. */
  readonly capability: string
  /** Bytes of shared memory that a block may have. */
  readonly sharedBytes: number
}

export class Device implements Machine {
  readonly title: string
  readonly capability: string
  readonly sharedBytes: number
  readonly #driver: ContextDriver
  readonly #nvrtc: Nvrtc
  readonly #products: ProductChoices
  readonly #stream: unknown
  /** Streams of a capture, the most urgent first, each with scratch memory for its products. */
  readonly #lanes: Lane[] = []
  readonly #modules = new Map<string, unknown>()

  constructor(driver: CudaDriver, nvrtc: Nvrtc, lt: CublasLt, index: number) {
    this.#nvrtc = nvrtc
    const { name, capability, sharedBytes } = describeDevice(driver, index)
    this.title = name
    this.capability = capability
    this.#products = new ProductChoices(lt, `${name} ${capability}`)
    this.sharedBytes = sharedBytes
    const device = driver.get('choosing a device', 'cuDeviceGet', 0, index)
    this.#driver = inContext(driver, driver.get(`opening ${name}`, 'cuDevicePrimaryCtxRetain', 0, device))
    this.#stream = this.#newStream(true)
    this.#lanes.push({ stream: this.#stream, workspace: this.allocate(WORKSPACE_BYTES) })
  }

  freeBytes(): number {
    const free: unknown[] = [0],
      total: unknown[] = [0]
    this.#driver.call('asking for free memory', 'cuMemGetInfo', free, total)
    return Number(free[0])
  }

  allocate(bytes: number): bigint {
    const slot: unknown[] = [0]
    const code = this.#driver.status('cuMemAlloc', slot, Math.max(bytes, 256))
    if (code === SUCCESS) return BigInt(slot[0] as number)
    const hint = 'use a smaller batch or sequence, or close other programs that use the device'
    if (code === OUT_OF_MEMORY)
      throw new HeddleError(
        'target-failed',
        `${mib(bytes)} do not fit in device memory, of which ${mib(this.freeBytes())} are free`,
        { hint },
      )
    this.#driver.call(`allocating ${mib(bytes)}`, 'cuMemAlloc', slot, Math.max(bytes, 256))
    return BigInt(slot[0] as number)
  }

  release(address: bigint): void {
    this.#driver.call('freeing memory', 'cuMemFree', address)
  }

  upload(address: bigint, data: ArrayBufferView): void {
    if (data.byteLength === 0) return
    this.#driver.call('copying to the device', 'cuMemcpyHtoDAsync', address, data, data.byteLength, this.#stream)
  }

  download(address: bigint, into: ArrayBufferView): void {
    if (into.byteLength === 0) return
    this.#driver.call('copying from the device', 'cuMemcpyDtoHAsync', into, address, into.byteLength, this.#stream)
    this.finishSync()
  }

  clear(address: bigint, bytes: number): void {
    this.#driver.call('clearing memory', 'cuMemsetD8Async', address, 0, bytes, this.#stream)
  }

  pin(memory: Uint8Array): () => void {
    // copies of memory that is not pinned are as right, only later
    if (memory.byteLength === 0 || this.#driver.status('cuMemHostRegister', memory, memory.byteLength, 0) !== SUCCESS)
      return () => undefined
    return () => this.#driver.call('giving back host memory', 'cuMemHostUnregister', memory)
  }

  fetch(address: bigint, into: ArrayBufferView): void {
    this.#driver.call('copying from the device', 'cuMemcpyDtoHAsync', into, address, into.byteLength, this.#stream)
  }

  point(): Point {
    const driver = this.#driver
    const event = driver.get('creating an event', 'cuEventCreate', 0, NO_TIMING)
    const finishSync = (): void => driver.call('running kernels', 'cuEventSynchronize', event)
    return {
      set: () => driver.call('running kernels', 'cuEventRecord', event, this.#stream),
      finish: () => reached(() => driver.status('cuEventQuery', event), finishSync),
      finishSync,
      release: () => driver.call('releasing an event', 'cuEventDestroy', event),
    }
  }

  finishSync(): void {
    this.#driver.call('running kernels', 'cuStreamSynchronize', this.#stream)
  }

  finish(): Promise<void> {
    return reached(
      () => this.#driver.status('cuStreamQuery', this.#stream),
      () => this.finishSync(),
    )
  }

  async prepare(
    kernels: readonly Kernel[],
    commands: readonly Command[],
    { isFast, after }: PrepareOptions,
  ): Promise<Replay & { readonly prepared: PrepareTimes }> {
    const started = performance.now()
    const architecture = architectureOf(this.capability)
    const compiled = await compileKernels(this.#nvrtc, kernels, { architecture, isFast })
    const functions = new Map<string, unknown>()
    for (const { name } of kernels) {
      const { key, cubin } = compiled.place(name)
      let module = this.#modules.get(key)
      if (module === undefined) {
        module = this.#driver.get('loading kernels', 'cuModuleLoadData', 0, cubin)
        this.#modules.set(key, module)
      }
      functions.set(name, this.#driver.get(`finding kernel ${name}`, 'cuModuleGetFunction', 0, module, name))
    }
    const middle = performance.now()
    const keep: unknown[] = []
    // cuBLASLt works for the device whose context is current, which another one may have changed while kernels compiled
    this.#driver.enter()
    const steps = commands.map((command) => this.#step(command, functions, keep))
    const graph = this.#capture(steps, after ?? steps.map((_, i) => (i === 0 ? [] : [i - 1])))
    const executable = this.#driver.get('instantiating a graph', 'cuGraphInstantiate', 0, graph, 0)
    this.#driver.call('capturing', 'cuGraphDestroy', graph)
    return {
      prepared: {
        compileS: (middle - started) / 1000,
        captureS: (performance.now() - middle) / 1000,
        compiled: compiled.compiled,
        cached: compiled.cached,
      },
      start: () => this.#driver.call('starting kernels', 'cuGraphLaunch', executable, this.#stream),
      times: (repeats) => steps.map((step) => this.#time(step, repeats)),
      runTimes: (runs, repeats) =>
        Array.from({ length: repeats }, () => {
          const launch = (): void => {
            for (let i = 0; i < runs; i++)
              this.#driver.call('starting kernels', 'cuGraphLaunch', executable, this.#stream)
          }
          return this.#time(launch, 1) / runs
        }),
      release: () => this.#driver.call('releasing a graph', 'cuGraphExecDestroy', executable),
    }
  }

  #newStream(isUrgent: boolean): unknown {
    const [least, greatest]: [unknown[], unknown[]] = [[0], [0]]
    this.#driver.call('asking for priorities', 'cuCtxGetStreamPriorityRange', least, greatest)
    const [priority] = isUrgent ? greatest : least
    return this.#driver.get('creating a stream', 'cuStreamCreateWithPriority', 0, NON_BLOCKING, priority)
  }

  #lane(index: number): Lane {
    for (let i = this.#lanes.length; i <= index; i++) {
      const stream = this.#newStream(false)
      this.#lanes.push({ stream, workspace: this.allocate(WORKSPACE_BYTES) })
    }
    return this.#lanes[index]!
  }

  /** A graph of commands, in which each waits for those that it must come after. */
  #capture(steps: readonly LaneStep[], after: readonly (readonly number[])[]): unknown {
    const driver = this.#driver
    const laneOf = lanesOf(after, LANES)
    const lanes = Array.from({ length: Math.max(1, ...laneOf.map((lane) => lane + 1)) }, (_, i) => this.#lane(i))
    const awaited = new Set(after.flatMap((before, i) => before.filter((other) => laneOf[other] !== laneOf[i])))
    const events: unknown[] = []
    const record = (stream: unknown): unknown => {
      const event = driver.get('capturing', 'cuEventCreate', 0, NO_TIMING)
      events.push(event)
      driver.call('capturing', 'cuEventRecord', event, stream)
      return event
    }
    const wait = (stream: unknown, event: unknown): void =>
      driver.call('capturing', 'cuStreamWaitEvent', stream, event, 0)
    driver.call('capturing', 'cuStreamBeginCapture', this.#stream, CAPTURE_THREAD_LOCAL)
    let graph: unknown
    try {
      const start = record(this.#stream)
      for (const { stream } of lanes.slice(1)) wait(stream, start)
      const done = new Map<number, unknown>()
      steps.forEach((step, i) => {
        const lane = lanes[laneOf[i]!]!
        for (const other of after[i]!) if (laneOf[other] !== laneOf[i]) wait(lane.stream, done.get(other))
        step(lane)
        if (awaited.has(i)) done.set(i, record(lane.stream))
      })
      for (const { stream } of lanes.slice(1)) wait(this.#stream, record(stream))
    } finally {
      // a capture that has begun must end
      graph = driver.get('capturing', 'cuStreamEndCapture', 1, this.#stream)
      for (const event of events) driver.call('capturing', 'cuEventDestroy', event)
    }
    return graph
  }

  /** A command as a call; what it points to is kept in `keep`. */
  #step(command: Command, functions: ReadonlyMap<string, unknown>, keep: unknown[]): LaneStep {
    const driver = this.#driver
    switch (command.kind) {
      case 'copy':
        return ({ stream }) =>
          driver.call('copying', 'cuMemcpyDtoDAsync', command.to, command.from, command.bytes, stream)
      case 'clear':
        return ({ stream }) => driver.call('clearing', 'cuMemsetD8Async', command.at, 0, command.bytes, stream)
      case 'matmul': {
        const { shape, a, b, c } = command
        const run = ({ product, algorithm }: Choice, { workspace, stream }: Lane): void =>
          product.run(algorithm, a, b, c, workspace, stream)
        const choice = this.#products.of(shape, (candidate) => this.#time((lane) => run(candidate, lane), 3))
        return (lane) => run(choice, lane)
      }
      case 'kernel': {
        const values = BigUint64Array.from(command.args)
        const base = addressOf(values)
        const pointers = BigUint64Array.from(command.args, (_, i) => base + BigInt(8 * i))
        const [x, y, z = 1] = command.grid
        const { block, shared } = command
        const handle = functions.get(command.name)
        if (shared > PLAIN_SHARED)
          driver.call(`asking for ${shared} bytes of shared memory`, 'cuFuncSetAttribute', handle, MAX_SHARED, shared)
        keep.push(values, pointers)
        const doing = `starting ${command.name}`
        return ({ stream }) => {
          if (values.length !== pointers.length) return
          driver.call(doing, 'cuLaunchKernel', handle, x, y, z, block, 1, 1, shared, stream, pointers, null)
        }
      }
    }
  }

  /** Milliseconds of the fastest of some runs, by device events. */
  #time(step: LaneStep, repeats: number): number {
    const driver = this.#driver
    const event = (): unknown => driver.get('timing', 'cuEventCreate', 0, 0)
    const from = event(),
      to = event()
    let best = Infinity
    for (let i = 0; i < repeats; i++) {
      driver.call('timing', 'cuEventRecord', from, this.#stream)
      step(this.#lane(0))
      driver.call('timing', 'cuEventRecord', to, this.#stream)
      driver.call('timing', 'cuEventSynchronize', to)
      best = Math.min(best, Number(driver.get('timing', 'cuEventElapsedTime', 0, from, to)))
    }
    for (const made of [from, to]) driver.call('timing', 'cuEventDestroy', made)
    return best
  }
}

/** Asks again and again, between other work of this process; `fail` says what is wrong. */
async function reached(query: () => number, fail: () => void): Promise<void> {
  for (;;) {
    const code = query()
    if (code === SUCCESS) return
    if (code !== NOT_READY) return fail()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** Name and compute capability of a device, without opening it. */
export function describeDevice(driver: CudaDriver, index: number): DeviceSummary {
  const device = driver.get('choosing a device', 'cuDeviceGet', 0, index)
  const name = Buffer.alloc(256)
  driver.call('reading its name', 'cuDeviceGetName', name, name.length, device)
  const attribute = (code: number): number =>
    Number(driver.get('reading its properties', 'cuDeviceGetAttribute', 0, code, device))
  return {
    name: name.toString('utf8').replace(/\0.*$/s, ''),
    capability: `${attribute(DEVICE_ATTRIBUTE.capabilityMajor)}.${attribute(DEVICE_ATTRIBUTE.capabilityMinor)}`,
    sharedBytes: attribute(DEVICE_ATTRIBUTE.sharedPerBlock),
  }
}
