import { readFileSync, rmSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import type { TraceEvent } from './target.ts'

interface ChromeEvent {
  readonly cat?: string
  readonly name?: string
  readonly dur?: number
  readonly args?: { readonly op_name?: string; readonly provider?: string }
}

const SUFFIX = '_kernel_time'

/** Kernel events of an ONNX Runtime profile (a Chrome trace); the file is removed. */
export function readTrace(path: string): TraceEvent[] {
  let events: unknown
  try {
    events = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new HeddleError('file-invalid', `the profile of onnx runtime cannot be read: ${(error as Error).message}`, {
      path,
    })
  }
  rmSync(path, { force: true })
  if (!Array.isArray(events))
    throw new HeddleError('file-invalid', 'the profile of onnx runtime is not a list', { path })
  return (events as ChromeEvent[]).flatMap(({ cat, name, dur, args }) =>
    cat === 'Node' && name?.endsWith(SUFFIX) === true && dur !== undefined
      ? [
          {
            node: name.slice(0, -SUFFIX.length),
            opType: args?.op_name ?? '',
            provider: args?.provider ?? '',
            microseconds: dur,
          },
        ]
      : [],
  )
}
