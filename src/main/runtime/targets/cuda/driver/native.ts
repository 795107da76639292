// Loading of native libraries through koffi.

import { createRequire } from 'node:module'
import type koffiModule from 'koffi'
import { HeddleError } from '#core/errors.ts'

export type Koffi = typeof koffiModule
/** A native function; results that are pointers or 64-bit numbers may come as number or bigint. */
export type NativeFunction = ((...args: readonly unknown[]) => unknown) & {
  async(...args: readonly unknown[]): void
}

let loaded: Koffi | undefined

/** A compiler needs more than the 128 KiB of stack that koffi gives to calls on other threads. */
const STACK_BYTES = 16 << 20

/** The binding itself; throws HeddleError `target-missing` when the package does not load here. */
export function loadKoffi(): Koffi {
  try {
    if (loaded === undefined) {
      loaded = createRequire(import.meta.url)('koffi') as Koffi
      deepenStacks(loaded)
    }
    return loaded
  } catch (error) {
    throw new HeddleError('target-missing', `the package koffi cannot be loaded: ${(error as Error).message}`, {
      hint: 'run npm install',
    })
  }
}

/** The size can only be set before koffi's first call, which another target may have made. */
function deepenStacks(koffi: Koffi): void {
  try {
    koffi.config({ ...koffi.config(), async_stack_size: STACK_BYTES, sync_stack_size: STACK_BYTES })
  } catch {
    // callers ask hasDeepStacks
  }
}

/** Whether deep native code may run on other threads. */
export const hasDeepStacks = (): boolean => Number(loadKoffi().config().async_stack_size) >= STACK_BYTES

// NOTE: koffi unloads a library once its handle is collected, while functions of it may still be called
const handles: unknown[] = []

/**
 * Loads a library and resolves functions by their C prototypes, under the names that the keys give.
 * @throws HeddleError `target-missing` when the library or one of its functions cannot be found
 */
export function loadFunctions<K extends string>(
  path: string,
  prototypes: Readonly<Record<K, string>>,
): Readonly<Record<K, NativeFunction>> {
  const koffi = loadKoffi()
  try {
    const library = koffi.load(path)
    handles.push(library)
    return Object.fromEntries(
      Object.entries<string>(prototypes).map(([name, prototype]) => [name, library.func(prototype)]),
    ) as unknown as Record<K, NativeFunction>
  } catch (error) {
    throw new HeddleError('target-missing', `a CUDA library cannot be loaded: ${(error as Error).message}`, { path })
  }
}

/** Loads a library that others look for by name; one that does not load will be missed by them. */
export function keepLoaded(path: string): void {
  try {
    handles.push(loadKoffi().load(path))
  } catch {
    // the library that needs it says so
  }
}

/** The address of the memory of a typed array, valid as long as the caller keeps the array. */
export const addressOf = (array: ArrayBufferView): bigint => BigInt(loadKoffi().address(array))
