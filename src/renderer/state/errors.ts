import type { ErrorRecord } from '#core/errors.ts'
import { errorRecord } from '#core/errors.ts'

/** Anything thrown by a call or by core, as screens show it. */
export const problemOf = (error: unknown): ErrorRecord => {
  const { code, path, hint } = error as Partial<ErrorRecord>
  const record = errorRecord(error)
  return {
    ...record,
    ...(code !== undefined && { code }),
    ...(path !== undefined && { path }),
    ...(hint !== undefined && { hint }),
  }
}
