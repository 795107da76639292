// A Binding fixes which arrays a session reads and writes. Everything that ONNX Runtime needs for a run is prepared once:
// OrtValues over the memory of the arrays, and the pointer lists that Run takes. A run is then one native call.

import { HeddleError } from '#core/errors.ts'
import type { OrtNative, Pointer } from './ort-native.ts'
import { checkTensor, dtypeOfCode, elementCode, newArray } from './ort-tensor.ts'
import type { OrtArray, OrtTensor, OrtValueInfo } from './ort-tensor.ts'

/** What a binding needs of its session. */
export interface BindingHost {
  readonly native: OrtNative
  readonly session: Pointer
  readonly memoryInfo: Pointer
  readonly logSeverity: number
  /** Addresses of the names of inputs and outputs as C strings. */
  nameOf(value: OrtValueInfo): Pointer
  /** Called when the native values of a binding are gone, so that the session can follow. */
  freed(binding: Binding): void
}

/** One value of a binding: over the caller's array, or, for outputs only, allocated by ONNX Runtime in each run. */
export interface BoundValue {
  readonly info: OrtValueInfo
  readonly tensor: OrtTensor | 'allocate'
}

/** Stands in for the address of an array without elements. */
const EMPTY = new Uint8Array(64)

/** Prepared inputs and outputs of a session; made by `OrtSession.bind`. */
export class Binding {
  readonly #host: BindingHost
  readonly #runOptions: Pointer
  // the arrays are kept here because native memory refers to them for the life of the binding
  readonly #arrays: OrtArray[] = []
  readonly #lengths: number[] = []
  readonly #inputs: BigUint64Array
  readonly #outputs: BigUint64Array
  readonly #names: BigUint64Array
  readonly #owned: Pointer[] = []
  readonly #allocated: readonly { readonly name: string; readonly slot: number }[]
  readonly #args: readonly [Pointer, Pointer, Pointer, number, Pointer, number, Pointer]
  #isRunning = false
  #isCancelled = false
  #isReleased = false

  constructor(host: BindingHost, inputs: readonly BoundValue[], outputs: readonly BoundValue[]) {
    this.#host = host
    const { native } = host
    this.#inputs = new BigUint64Array(inputs.length)
    this.#outputs = new BigUint64Array(outputs.length)
    this.#names = BigUint64Array.from([...inputs, ...outputs], ({ info }) => host.nameOf(info))
    this.#allocated = outputs.flatMap(({ info, tensor }, slot) =>
      tensor === 'allocate' ? [{ name: info.name, slot }] : [],
    )
    this.#runOptions = native.create('CreateRunOptions')
    try {
      native.call('RunOptionsSetRunLogSeverityLevel', this.#runOptions, host.logSeverity)
      for (const [i, value] of inputs.entries()) this.#inputs[i] = this.#wrap(value)
      for (const [i, value] of outputs.entries()) this.#outputs[i] = this.#wrap(value)
      refuseOverlap(inputs, outputs)
    } catch (error) {
      this.#free()
      throw error
    }
    const names = native.address(this.#names)
    this.#args = [
      this.#runOptions,
      names,
      native.address(this.#inputs),
      inputs.length,
      names + BigInt(8 * inputs.length),
      outputs.length,
      native.address(this.#outputs),
    ]
  }

  /** Whether an asynchronous run is under way. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /**
   * Runs the model on the bound arrays and waits for it.
   * @throws HeddleError `target-failed` with ONNX Runtime's message
   */
  run(): void {
    this.#prepare()
    const [options, names, inputs, inputCount, outputNames, outputCount, outputs] = this.#args
    const { native, session } = this.#host
    native.check(native.run(session, options, names, inputs, inputCount, outputNames, outputCount, outputs))
  }

  /**
   * Runs the model on a thread of the pool; the event loop stays free. The bound arrays must not be touched meanwhile.
   * Rejects with HeddleError `target-failed`, or `job-cancelled` after `cancel`.
   */
  runAsync(): Promise<void> {
    this.#prepare()
    const [options, names, inputs, inputCount, outputNames, outputCount, outputs] = this.#args
    const { native, session } = this.#host
    return new Promise((resolve, reject) => {
      native.run.async(
        session,
        options,
        names,
        inputs,
        inputCount,
        outputNames,
        outputCount,
        outputs,
        (failure, status) => {
          try {
            this.#finish(failure, status)
            resolve()
          } catch (error) {
            reject(error)
          }
        },
      )
      this.#isRunning = true
    })
  }

  /** Asks the run under way to stop before its next node; without one it does nothing. */
  cancel(): void {
    if (!this.#isRunning || this.#isCancelled) return
    this.#isCancelled = true
    this.#host.native.call('RunOptionsSetTerminate', this.#runOptions)
  }

  /** Copies an output that ONNX Runtime allocated in the last run. */
  read(name: string): OrtTensor {
    this.#checkIdle()
    const slot = this.#allocated.find((output) => output.name === name)?.slot
    if (slot === undefined)
      throw new Error(`output ${JSON.stringify(name)} is not allocated by onnx runtime in this binding`)
    const value = this.#outputs[slot]!
    if (value === 0n) throw new Error(`output ${JSON.stringify(name)} has no value before the first run`)
    return copyTensor(this.#host.native, value)
  }

  /** Frees the native values; during a run this happens when the run ends. A second call does nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (!this.#isRunning) this.#free()
  }

  #checkIdle(): void {
    if (this.#isReleased) throw new Error('the binding has been released')
    if (this.#isRunning) throw new Error('a run of the binding is under way')
  }

  #prepare(): void {
    this.#checkIdle()
    for (let i = 0; i < this.#arrays.length; i++) {
      if (this.#arrays[i]!.length !== this.#lengths[i]) throw new Error('a bound array was transferred away')
    }
    if (this.#allocated.length > 0) this.#dropAllocated()
  }

  #finish(failure: unknown, status: Pointer | null): void {
    const { native } = this.#host
    const wasCancelled = this.#isCancelled
    this.#isRunning = false
    this.#isCancelled = false
    try {
      if (failure !== null && failure !== undefined) throw failure
      native.check(status)
    } catch (error) {
      if (wasCancelled) throw new HeddleError('job-cancelled', 'the run was cancelled')
      throw error
    } finally {
      if (wasCancelled) native.call('RunOptionsUnsetTerminate', this.#runOptions)
      if (this.#isReleased) this.#free()
    }
  }

  #wrap({ info, tensor }: BoundValue): Pointer {
    if (tensor === 'allocate') return 0n
    checkTensor(info, tensor)
    const { data, shape } = tensor
    const { native, memoryInfo } = this.#host
    const dims = BigInt64Array.from(shape, BigInt)
    const address = native.address(data.length > 0 ? data : EMPTY)
    const code = elementCode(info.dtype)
    const value = native.create(
      'CreateTensorWithDataAsOrtValue',
      memoryInfo,
      address,
      data.byteLength,
      dims,
      dims.length,
      code,
    )
    this.#owned.push(value)
    this.#arrays.push(data)
    this.#lengths.push(data.length)
    return value
  }

  #dropAllocated(): void {
    for (const { slot } of this.#allocated) {
      this.#host.native.release('ReleaseValue', this.#outputs[slot]!)
      this.#outputs[slot] = 0n
    }
  }

  #free(): void {
    const { native } = this.#host
    this.#dropAllocated()
    for (const value of this.#owned) native.release('ReleaseValue', value)
    native.release('ReleaseRunOptions', this.#runOptions)
    this.#isReleased = true
    this.#host.freed(this)
  }
}

function copyTensor(native: OrtNative, value: Pointer): OrtTensor {
  const info = native.create('GetTensorTypeAndShape', value)
  try {
    const dtype = dtypeOfCode(native.count('GetTensorElementType', info))
    if (dtype === undefined)
      throw new HeddleError('target-failed', 'onnx runtime: an output has an element type that cannot be read')
    const dims = new BigInt64Array(native.count('GetDimensionsCount', info))
    native.call('GetDimensions', info, dims.length > 0 ? dims : EMPTY, dims.length)
    const shape = Array.from(dims, Number)
    const data = newArray(
      dtype,
      shape.reduce((product, dim) => product * dim, 1),
    )
    if (data.length > 0) native.copy(native.create('GetTensorMutableData', value), data)
    return { data, shape }
  } finally {
    native.release('ReleaseTensorTypeAndShapeInfo', info)
  }
}

/** ONNX Runtime writes outputs while it still reads inputs, so an output may share memory with no other value. */
function refuseOverlap(inputs: readonly BoundValue[], outputs: readonly BoundValue[]): void {
  const ranges = new Map<ArrayBufferLike, { start: number; end: number; name: string; isOutput: boolean }[]>()
  const add = ({ info, tensor }: BoundValue, isOutput: boolean): void => {
    if (tensor === 'allocate' || tensor.data.length === 0) return
    const { buffer, byteOffset, byteLength } = tensor.data
    const list = ranges.get(buffer) ?? []
    list.push({ start: byteOffset, end: byteOffset + byteLength, name: info.name, isOutput })
    ranges.set(buffer, list)
  }
  for (const value of inputs) add(value, false)
  for (const value of outputs) add(value, true)
  for (const list of ranges.values()) {
    list.sort((a, b) => a.start - b.start)
    // the furthest ends so far, of any value and of outputs
    let last = list[0]!
    let lastOutput: typeof last | undefined
    for (const range of list) {
      const other = range.isOutput && range !== last && range.start < last.end ? last : lastOutput
      if (other !== undefined && other !== range && range.start < other.end) {
        throw new HeddleError(
          'target-failed',
          `onnx runtime: values "${other.name}" and "${range.name}" share memory, and one is an output`,
        )
      }
      if (range.end > last.end) last = range
      if (range.isOutput && (lastOutput === undefined || range.end > lastOutput.end)) lastOutput = range
    }
  }
}
