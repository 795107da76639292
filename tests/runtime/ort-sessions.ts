// Shared by the tests of the ONNX Runtime binding.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { openOrt } from '#main/runtime/targets/ort-api.ts'
import type { OrtSession, OrtTensor, SessionOptions } from '#main/runtime/targets/ort-api.ts'

/** The library under test. */
export const ort = openOrt()
/** One thread, everything optimised. */
export const OPTIONS: SessionOptions = { threads: 1, optimization: 'all' }

/** A f32 tensor of zeros or of the given values. */
export const f32 = (shape: readonly number[], values?: readonly number[]): OrtTensor<Float32Array> => ({
  shape,
  data: values === undefined ? new Float32Array(shape.reduce((a, b) => a * b, 1)) : Float32Array.from(values),
})

/** Runs an action on a session that is released afterwards. */
export function usingSession<T>(model: Uint8Array | string, action: (session: OrtSession) => T, options = OPTIONS): T {
  const session = ort.createSession(model, options)
  let result: T
  try {
    result = action(session)
  } catch (error) {
    session.release()
    throw error
  }
  if (!(result instanceof Promise)) session.release()
  return result instanceof Promise ? (result.finally(() => session.release()) as T) : result
}

/** The HeddleError that an action throws. */
export function errorOf(action: () => unknown): HeddleError {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(HeddleError)
    return error as HeddleError
  }
  throw new Error('expected an error')
}

/** Makes the engine collect all garbage now. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
