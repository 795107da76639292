// Sessions of ONNX Runtime over its C API. Unlike the Node binding this copies no outputs, leaves the event loop free
// during runs, can cancel them, and takes 16-bit floats. Native memory is never exposed as an ArrayBuffer (Electron
// forbids it): tensors lie in typed arrays of the caller, which ONNX Runtime reads and writes in place.

import { HeddleError } from '#core/errors.ts'
import { Binding } from './ort-binding.ts'
import type { BindingHost, BoundValue } from './ort-binding.ts'
import { findOrtLibrary } from './ort-library.ts'
import { loadOrt } from './ort-native.ts'
import type { OrtNative, Pointer } from './ort-native.ts'
import { appendProvider, cString, listProviders, PROVIDERS } from './ort-providers.ts'
import type { Provider, ProviderName, ProviderStatus } from './ort-providers.ts'
import { dtypeOfCode } from './ort-tensor.ts'
import type { OrtTensor, OrtValueInfo } from './ort-tensor.ts'

export type { Binding } from './ort-binding.ts'
export type { Provider, ProviderName, ProviderStatus } from './ort-providers.ts'
export type { OrtArray, OrtDtype, OrtTensor, OrtValueInfo } from './ort-tensor.ts'

const LOG_SEVERITY = { verbose: 0, info: 1, warning: 2, error: 3, fatal: 4 } as const
const OPTIMIZATION = { disabled: 0, basic: 1, extended: 2, all: 99 } as const

export interface OrtOptions {
  /** The library; by default the one that onnxruntime-node brings. */
  readonly path?: string
  /** What ONNX Runtime prints to standard error; errors are thrown anyway, so the default is `fatal`. */
  readonly log?: keyof typeof LOG_SEVERITY
}

export interface SessionOptions {
  /** Threads that share one operator. */
  readonly threads: number
  /** Threads for independent operators; only used when `execution` is `parallel`. */
  readonly interThreads?: number
  readonly execution?: 'sequential' | 'parallel'
  readonly optimization: keyof typeof OPTIMIZATION
  /** In order of preference; the CPU is always last and need not be named. */
  readonly providers?: readonly Provider[]
  /** Entries such as `session.intra_op.allow_spinning`. */
  readonly config?: Readonly<Record<string, string>>
  /** Plans the memory of intermediate values once per shape; on by default. */
  readonly memoryPattern?: boolean
  /** Keeps freed memory for the next run; on by default. */
  readonly memoryArena?: boolean
  /** Writes a trace of each run to a file whose name starts with this path; see `endProfiling`. */
  readonly profile?: string
}

let opened: OrtRuntime | undefined

/**
 * Opens ONNX Runtime; there is one per process, so later calls return the first with its options.
 * @throws HeddleError `target-missing` when the library cannot be found or loaded
 */
export function openOrt(options: OrtOptions = {}): OrtRuntime {
  opened ??= new OrtRuntime(loadOrt(options.path ?? findOrtLibrary()), LOG_SEVERITY[options.log ?? 'fatal'])
  return opened
}

/** The library with its environment; made by `openOrt` and kept until the process ends. */
export class OrtRuntime {
  readonly #native: OrtNative
  readonly #environment: Pointer
  readonly #logSeverity: number

  constructor(native: OrtNative, logSeverity: number) {
    this.#native = native
    this.#logSeverity = logSeverity
    this.#environment = native.create('CreateEnv', logSeverity, 'heddle')
  }

  get version(): string {
    return this.#native.version
  }

  /** Commit and build flags of the library, for fingerprints. */
  get build(): string {
    return this.#native.build
  }

  /** Tells for each execution provider whether it works here, and if not, why. */
  listProviders(names: readonly ProviderName[] = PROVIDERS): readonly ProviderStatus[] {
    return listProviders(this.#native, names)
  }

  /**
   * Compiles a model, given as bytes or as the path of a file (needed for external data). Blocks while it does.
   * @throws HeddleError `target-failed` with ONNX Runtime's message, `target-missing` for a provider that does not work
   */
  createSession(model: Uint8Array | string, options: SessionOptions): OrtSession {
    const native = this.#native
    const sessionOptions = this.#sessionOptions(options)
    try {
      const session =
        typeof model === 'string'
          ? native.create('CreateSession', this.#environment, model, sessionOptions)
          : native.create('CreateSessionFromArray', this.#environment, model, model.byteLength, sessionOptions)
      return new OrtSession(native, session, this.#logSeverity, options.profile !== undefined)
    } finally {
      native.release('ReleaseSessionOptions', sessionOptions)
    }
  }

  #sessionOptions(options: SessionOptions): Pointer {
    const native = this.#native
    const pointer = native.create('CreateSessionOptions')
    const {
      threads,
      interThreads = 1,
      execution = 'sequential',
      optimization,
      providers = [],
      config = {},
      profile,
    } = options
    try {
      native.call('SetSessionLogSeverityLevel', pointer, this.#logSeverity)
      native.call('SetIntraOpNumThreads', pointer, checkThreads(threads))
      native.call('SetInterOpNumThreads', pointer, checkThreads(interThreads))
      native.call('SetSessionExecutionMode', pointer, execution === 'parallel' ? 1 : 0)
      native.call('SetSessionGraphOptimizationLevel', pointer, OPTIMIZATION[optimization])
      if (options.memoryPattern === false) native.call('DisableMemPattern', pointer)
      if (options.memoryArena === false) native.call('DisableCpuMemArena', pointer)
      if (profile !== undefined) native.call('EnableProfiling', pointer, profile)
      for (const [key, value] of Object.entries(config)) native.call('AddSessionConfigEntry', pointer, key, value)
      for (const provider of providers) appendProvider(native, pointer, provider)
      return pointer
    } catch (error) {
      native.release('ReleaseSessionOptions', pointer)
      throw error
    }
  }
}

/** A compiled model; made by `OrtRuntime.createSession`. */
export class OrtSession {
  readonly inputs: readonly OrtValueInfo[]
  readonly outputs: readonly OrtValueInfo[]
  readonly #native: OrtNative
  readonly #session: Pointer
  readonly #host: BindingHost
  readonly #bindings = new Set<Binding>()
  #isProfiling: boolean
  #isReleased = false

  constructor(native: OrtNative, session: Pointer, logSeverity: number, isProfiling: boolean) {
    this.#native = native
    this.#session = session
    this.#isProfiling = isProfiling
    try {
      this.inputs = readValues(native, session, 'Input')
      this.outputs = readValues(native, session, 'Output')
    } catch (error) {
      native.release('ReleaseSession', session)
      throw error
    }
    const names = new Map([...this.inputs, ...this.outputs].map((info) => [info, cString(info.name)]))
    this.#host = {
      native,
      session,
      logSeverity,
      memoryInfo: cpuMemory(native),
      nameOf: (info) => native.address(names.get(info)!),
      freed: (binding) => this.#freed(binding),
    }
  }

  /**
   * Prepares runs on the given arrays: every input in `feeds`, any outputs in `fetches`. ONNX Runtime uses the memory of
   * the arrays until the binding is released, so they must not be transferred. `'allocate'` leaves an output of unknown
   * shape to ONNX Runtime; `Binding.read` copies it out.
   * @throws HeddleError `target-failed` for unknown or missing names, types and shapes that do not fit, shared memory
   */
  bind(feeds: Readonly<Record<string, OrtTensor>>, fetches: Readonly<Record<string, OrtTensor | 'allocate'>>): Binding {
    if (this.#isReleased) throw new Error('the session has been released')
    const missing = this.inputs.find(({ name }) => !Object.hasOwn(feeds, name))
    if (missing !== undefined)
      throw new HeddleError('target-failed', `onnx runtime: input "${missing.name}" is not fed`)
    const inputs = select(this.inputs, feeds, 'input')
    const outputs = select(this.outputs, fetches, 'output')
    if (outputs.length === 0) throw new HeddleError('target-failed', 'onnx runtime: no output is fetched')
    const binding = new Binding(this.#host, inputs, outputs)
    this.#bindings.add(binding)
    return binding
  }

  /** Asks every run under way to stop; each rejects with HeddleError `job-cancelled`. */
  cancel(): void {
    for (const binding of this.#bindings) binding.cancel()
  }

  /** Ends the trace of a session with `profile` and returns the path of the file. */
  endProfiling(): string {
    if (this.#isReleased) throw new Error('the session has been released')
    if (!this.#isProfiling) throw new Error('the session is not being profiled')
    this.#isProfiling = false
    const native = this.#native
    const allocator = native.create('GetAllocatorWithDefaultOptions')
    return takeString(native, allocator, native.create('SessionEndProfiling', this.#session, allocator))
  }

  /** Releases the session and its bindings; runs under way end first. A second call does nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (this.#bindings.size === 0) this.#native.release('ReleaseSession', this.#session)
    for (const binding of [...this.#bindings]) binding.release()
  }

  #freed(binding: Binding): void {
    if (!this.#bindings.delete(binding)) return
    if (this.#isReleased && this.#bindings.size === 0) this.#native.release('ReleaseSession', this.#session)
  }
}

const memories = new WeakMap<OrtNative, Pointer>()

/** The description of plain memory that tensors over arrays carry; one per process, never released. */
function cpuMemory(native: OrtNative): Pointer {
  const known = memories.get(native)
  if (known !== undefined) return known
  const [deviceAllocator, defaultMemory] = [0, 0]
  const memory = native.create('CreateCpuMemoryInfo', deviceAllocator, defaultMemory)
  memories.set(native, memory)
  return memory
}

function readValues(native: OrtNative, session: Pointer, side: 'Input' | 'Output'): readonly OrtValueInfo[] {
  const allocator = native.create('GetAllocatorWithDefaultOptions')
  const count = native.count(`SessionGet${side}Count`, session)
  return Array.from({ length: count }, (_, i) => {
    const name = takeString(native, allocator, native.create(`SessionGet${side}Name`, session, i, allocator))
    const typeInfo = native.create(`SessionGet${side}TypeInfo`, session, i)
    try {
      return { name, ...readType(native, typeInfo, name) }
    } finally {
      native.release('ReleaseTypeInfo', typeInfo)
    }
  })
}

function readType(native: OrtNative, typeInfo: Pointer, name: string): Omit<OrtValueInfo, 'name'> {
  const tensorInfo = native.create('CastTypeInfoToTensorInfo', typeInfo)
  if (tensorInfo === 0n) throw new HeddleError('target-failed', `onnx runtime: value "${name}" is not a tensor`)
  const code = native.count('GetTensorElementType', tensorInfo)
  const dtype = dtypeOfCode(code)
  if (dtype === undefined)
    throw new HeddleError('target-failed', `onnx runtime: value "${name}" has the element type ${code}`)
  const rank = native.count('GetDimensionsCount', tensorInfo)
  if (rank === 0) return { dtype, shape: [] }
  const dims = new BigInt64Array(rank)
  const symbols = new BigUint64Array(rank)
  native.call('GetDimensions', tensorInfo, dims, rank)
  native.call('GetSymbolicDimensions', tensorInfo, symbols, rank)
  return { dtype, shape: Array.from(dims, (dim, i) => (dim >= 0n ? Number(dim) : native.stringAt(symbols[i]!))) }
}

function takeString(native: OrtNative, allocator: Pointer, pointer: Pointer): string {
  const text = native.stringAt(pointer)
  native.call('AllocatorFree', allocator, pointer)
  return text
}

function select<T extends OrtTensor | 'allocate'>(
  values: readonly OrtValueInfo[],
  given: Readonly<Record<string, T>>,
  side: 'input' | 'output',
): readonly BoundValue[] {
  const infos = new Map(values.map((value) => [value.name, value]))
  return Object.entries(given).map(([name, tensor]) => {
    const info = infos.get(name)
    if (info === undefined) {
      throw new HeddleError('target-failed', `onnx runtime: the model has no ${side} "${name}"`, {
        hint: `it has ${values
          .slice(0, 8)
          .map((value) => value.name)
          .join(', ')}`,
      })
    }
    return { info, tensor }
  })
}

function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= 1024) return threads
  throw new HeddleError(
    'target-failed',
    `onnx runtime: the number of threads (${threads}) must be an integer from 1 to 1024`,
  )
}
