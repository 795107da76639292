// Execution providers: what the library was built with, and whether each works on this machine.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { OrtNative, Pointer } from './ort-native.ts'

/** Execution providers that a session may ask for; nodes that it does not take run on the CPU. */
export type ProviderName = 'CPU' | 'WebGPU' | 'CUDA'

export interface Provider {
  readonly name: ProviderName
  /** Options of the provider, as ONNX Runtime documents them for it. */
  readonly options?: Readonly<Record<string, string>>
}

/** Whether an execution provider can be used here; `reason` says why not. */
export type ProviderStatus =
  | { readonly name: ProviderName; readonly isAvailable: true }
  | { readonly name: ProviderName; readonly isAvailable: false; readonly reason: string }

const ORT_NAMES: Readonly<Record<ProviderName, string>> = {
  CPU: 'CPUExecutionProvider',
  WebGPU: 'WebGpuExecutionProvider',
  CUDA: 'CUDAExecutionProvider',
}

const PREFIX = /^execution provider \w+: /

/** What a failed check inside ONNX Runtime puts before its message: file, line, function and condition. */
const SOURCE_LOCATION = /^\S+\.cc:\d+ .* was false\. /s

export const PROVIDERS = Object.keys(ORT_NAMES) as readonly ProviderName[]

/** Tries each provider: a listed one may still lack its adapter, driver or library. The first WebGPU try takes up to half a second. */
export function listProviders(native: OrtNative, names: readonly ProviderName[]): readonly ProviderStatus[] {
  const built = builtProviders(native)
  return names.map((name) => {
    if (!built.includes(ORT_NAMES[name]))
      return { name, isAvailable: false, reason: 'this build of onnx runtime does not contain it' }
    const sessionOptions = native.create('CreateSessionOptions')
    try {
      appendProvider(native, sessionOptions, { name })
      return { name, isAvailable: true }
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      return { name, isAvailable: false, reason: error.message.replace(PREFIX, '') }
    } finally {
      native.release('ReleaseSessionOptions', sessionOptions)
    }
  })
}

/**
 * Adds a provider to session options; the order of calls is the order of preference.
 * @throws HeddleError `target-missing` when the provider does not work on this machine
 */
export function appendProvider(native: OrtNative, sessionOptions: Pointer, provider: Provider): void {
  const { name, options = {} } = provider
  const pairs = keyValues(native, options)
  try {
    if (name === 'WebGPU') {
      native.call('SessionOptionsAppendExecutionProvider', sessionOptions, name, pairs.keys, pairs.values, pairs.count)
    } else if (name === 'CUDA') {
      appendCuda(native, sessionOptions, pairs)
    }
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    const reason = error.message.replace(/^onnx runtime: /, '').replace(SOURCE_LOCATION, '')
    throw new HeddleError('target-missing', `execution provider ${name}: ${reason}`, { hint: error.hint })
  }
}

function appendCuda(native: OrtNative, sessionOptions: Pointer, pairs: KeyValues): void {
  const file = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so'
  if (!existsSync(join(dirname(native.path), file))) {
    throw new HeddleError('target-missing', `${file} does not lie beside the library`, {
      hint: 'the npm package leaves it out; its install script fetches it on machines with CUDA',
    })
  }
  const cuda = native.create('CreateCUDAProviderOptions')
  try {
    if (pairs.count > 0) native.call('UpdateCUDAProviderOptions', cuda, pairs.keys, pairs.values, pairs.count)
    native.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, cuda)
  } finally {
    native.release('ReleaseCUDAProviderOptions', cuda)
  }
}

function builtProviders(native: OrtNative): readonly string[] {
  const list: (Pointer | null)[] = [null]
  const count: number[] = [0]
  native.call('GetAvailableProviders', list, count)
  const names = native.pointersAt(list[0]!, count[0]!).map((pointer) => native.stringAt(pointer))
  native.call('ReleaseAvailableProviders', list[0], count[0])
  return names
}

interface KeyValues {
  /** Lists of addresses of C strings; null when there are none. */
  readonly keys: BigUint64Array | null
  readonly values: BigUint64Array | null
  readonly count: number
  /** Keeps the strings alive. */
  readonly texts: readonly Uint8Array[]
}

function keyValues(native: OrtNative, options: Readonly<Record<string, string>>): KeyValues {
  const texts = Object.entries(options).flat().map(cString)
  const count = texts.length / 2
  if (count === 0) return { keys: null, values: null, count, texts }
  const addresses = texts.map((text) => native.address(text))
  const keys = BigUint64Array.from(addresses.filter((_, i) => i % 2 === 0))
  const values = BigUint64Array.from(addresses.filter((_, i) => i % 2 === 1))
  return { keys, values, count, texts }
}

/** The text as UTF-8 with a NUL at its end. */
export function cString(text: string): Uint8Array {
  if (text.includes('\0'))
    throw new HeddleError('target-failed', `onnx runtime: the name ${JSON.stringify(text)} contains a NUL`)
  return Buffer.from(`${text}\0`, 'utf8')
}
