// ONNX Runtime's C API through koffi. The library exports one function, OrtGetApiBase; everything else stands in a table
// of function pointers whose order never changes. Indices counted from onnxruntime_c_api.h, release 1.17, and checked
// against the static assertions on version sizes in onnxruntime_c_api.cc: https://github.com/microsoft/onnxruntime

import { createRequire } from 'node:module'
import type koffiModule from 'koffi'
import type { KoffiFunc } from 'koffi'
import { HeddleError } from '#core/errors.ts'

type Koffi = typeof koffiModule

/** An address in native memory. */
export type Pointer = bigint

/** The version of the table that this binding is written against; later libraries still serve it. */
const API_VERSION = 17

/**
 * Position and parameters of functions that return a status, one letter per parameter: `p` pointer, `s` UTF-8 string,
 * `w` file path, `i` int, `z` size_t, and for results `P` pointer, `Z` size_t, `I` int.
 */
const STATUS_FUNCTIONS = {
  CreateEnv: [3, 'isP'],
  CreateSession: [7, 'pwpP'],
  CreateSessionFromArray: [8, 'ppzpP'],
  CreateSessionOptions: [10, 'P'],
  SetSessionExecutionMode: [13, 'pi'],
  EnableProfiling: [14, 'pw'],
  DisableMemPattern: [17, 'p'],
  DisableCpuMemArena: [19, 'p'],
  SetSessionLogSeverityLevel: [22, 'pi'],
  SetSessionGraphOptimizationLevel: [23, 'pi'],
  SetIntraOpNumThreads: [24, 'pi'],
  SetInterOpNumThreads: [25, 'pi'],
  SessionGetInputCount: [30, 'pZ'],
  SessionGetOutputCount: [31, 'pZ'],
  SessionGetInputTypeInfo: [33, 'pzP'],
  SessionGetOutputTypeInfo: [34, 'pzP'],
  SessionGetInputName: [36, 'pzpP'],
  SessionGetOutputName: [37, 'pzpP'],
  CreateRunOptions: [39, 'P'],
  RunOptionsSetRunLogSeverityLevel: [41, 'pi'],
  RunOptionsSetTerminate: [46, 'p'],
  RunOptionsUnsetTerminate: [47, 'p'],
  CreateTensorWithDataAsOrtValue: [49, 'ppzpziP'],
  GetTensorMutableData: [51, 'pP'],
  CastTypeInfoToTensorInfo: [55, 'pP'],
  GetTensorElementType: [60, 'pI'],
  GetDimensionsCount: [61, 'pZ'],
  GetDimensions: [62, 'ppz'],
  GetSymbolicDimensions: [63, 'ppz'],
  GetTensorTypeAndShape: [65, 'pP'],
  CreateCpuMemoryInfo: [69, 'iiP'],
  AllocatorFree: [76, 'pp'],
  GetAllocatorWithDefaultOptions: [78, 'P'],
  SessionEndProfiling: [110, 'ppP'],
  GetAvailableProviders: [125, 'PI'],
  ReleaseAvailableProviders: [126, 'pi'],
  AddSessionConfigEntry: [130, 'pss'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'pp'],
  CreateCUDAProviderOptions: [205, 'P'],
  UpdateCUDAProviderOptions: [206, 'pppz'],
  SessionOptionsAppendExecutionProvider: [216, 'psppz'],
} as const

/** Position of functions that take one pointer and return nothing. */
const RELEASE_FUNCTIONS = {
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseTypeInfo: 98,
  ReleaseTensorTypeAndShapeInfo: 99,
  ReleaseSessionOptions: 100,
  ReleaseCUDAProviderOptions: 208,
} as const

type StatusFunction = keyof typeof STATUS_FUNCTIONS
type ReleaseFunction = keyof typeof RELEASE_FUNCTIONS

/** The signature of Run: session, run options, input names, inputs, count, output names, count, outputs -> status. */
type Run = KoffiFunc<
  (
    session: Pointer,
    options: Pointer,
    inputNames: Pointer,
    inputs: Pointer,
    inputCount: number,
    outputNames: Pointer,
    outputCount: number,
    outputs: Pointer,
  ) => Pointer | null
>

/** The loaded library. */
export interface OrtNative {
  readonly path: string
  readonly version: string
  readonly build: string
  /** Calls a function; throws HeddleError `target-failed` with the library's message. */
  call(name: StatusFunction, ...args: readonly unknown[]): void
  /** Calls a function whose last parameter is a result and returns that result: a pointer, or 0n. */
  create(name: StatusFunction, ...args: readonly unknown[]): Pointer
  /** As `create`, for a result that is a number. */
  count(name: StatusFunction, ...args: readonly unknown[]): number
  /** Releases an object; the null pointer is allowed. */
  release(name: ReleaseFunction, pointer: Pointer): void
  readonly run: Run
  /** Throws the error that a status stands for, and releases it; null is success. */
  check(status: Pointer | null): void
  /** The address of the memory of a typed array, valid as long as the caller keeps the array. */
  address(array: ArrayBufferView): Pointer
  /** Reads `count` consecutive pointers. */
  pointersAt(pointer: Pointer, count: number): readonly Pointer[]
  /** Reads a NUL-terminated UTF-8 string. */
  stringAt(pointer: Pointer): string
  /** Fills an array with the bytes at an address. */
  copy(from: Pointer, to: ArrayBufferView): void
}

// NOTE: koffi unloads a library once its handle is collected, and functions made from raw addresses do not keep it
const handles: unknown[] = []

/**
 * Loads the library and resolves its functions.
 * @throws HeddleError `target-missing` when koffi or the library cannot be loaded
 */
export function loadOrt(path: string): OrtNative {
  const koffi = loadKoffi()
  let library, memory
  try {
    library = koffi.load(path)
    memory = koffi.load(process.platform === 'win32' ? 'msvcrt.dll' : null)
  } catch (error) {
    throw new HeddleError('target-missing', `onnx runtime cannot be loaded: ${message(error)}`, { path })
  }
  handles.push(library, memory)
  const getApiBase = library.func('OrtGetApiBase', 'void *', [])
  const base = koffi.decode(getApiBase(), 'void *', 2) as [Pointer, Pointer]
  const version = koffi.decode(base[1], koffi.proto('str', []))() as string
  const table = koffi.decode(base[0], koffi.proto('void *', ['uint32_t']))(API_VERSION) as Pointer | null
  if (table === null)
    throw new HeddleError('target-missing', `onnx runtime ${version} does not serve api version ${API_VERSION}`, {
      path,
    })

  const types = {
    p: 'void *',
    s: 'str',
    w: process.platform === 'win32' ? 'str16' : 'str',
    i: 'int',
    z: 'size_t',
    P: koffi.out(koffi.pointer('void *')),
    Z: koffi.out(koffi.pointer('size_t')),
    I: koffi.out(koffi.pointer('int')),
  } as const
  const bind = (
    index: number,
    result: string,
    letters: string,
  ): KoffiFunc<(...args: readonly unknown[]) => unknown> => {
    const address = koffi.decode(table, index * koffi.sizeof('void *'), 'void *') as Pointer
    return koffi.decode(
      address,
      koffi.proto(
        result,
        [...letters].map((letter) => types[letter as keyof typeof types]),
      ),
    )
  }
  const getMessage = bind(2, 'str', 'p')
  const releaseStatus = bind(93, 'void', 'p')
  const functions = mapValues(STATUS_FUNCTIONS, ([index, letters]) => bind(index, 'void *', letters))
  const releases = mapValues(RELEASE_FUNCTIONS, (index) => bind(index, 'void', 'p'))
  const memcpy = memory.func('memcpy', 'void *', ['void *', 'void *', 'size_t'])

  const check = (status: Pointer | null): void => {
    if (status === null) return
    const text = getMessage(status) as string
    releaseStatus(status)
    throw new HeddleError('target-failed', `onnx runtime: ${text.trim()}`)
  }
  const result = (name: StatusFunction, args: readonly unknown[]): unknown => {
    const slot: unknown[] = [null]
    check(functions[name](...args, slot) as Pointer | null)
    return slot[0]
  }
  return {
    path,
    version,
    build: bind(254, 'str', '')() as string,
    call: (name, ...args) => check(functions[name](...args) as Pointer | null),
    create: (name, ...args) => (result(name, args) as Pointer | null) ?? 0n,
    count: (name, ...args) => Number(result(name, args)),
    release: (name, pointer) => void releases[name](pointer),
    run: bind(9, 'void *', 'ppppzpzp') as unknown as Run,
    check,
    address: (array) => koffi.address(array),
    pointersAt: (pointer, count) => (count === 0 ? [] : (koffi.decode(pointer, 'void *', count) as Pointer[])),
    stringAt: (pointer) => koffi.decode.string(pointer),
    copy: (from, to) => void memcpy(to, from, to.byteLength),
  }
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (error) {
    throw new HeddleError('target-missing', `the package koffi cannot be loaded: ${message(error)}`, {
      hint: 'run npm install',
    })
  }
}

function mapValues<K extends string, A, B>(record: Readonly<Record<K, A>>, f: (value: A) => B): Readonly<Record<K, B>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value as A)])) as Record<K, B>
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
