// The messages between the parent and the runner process, and their validation on both sides. Payloads are plain data:
// what JSON knows, and typed arrays. The parent must stay responsive, so that bytes and values per message are bounded.

import { ERROR_CODES, type ErrorCode, type ErrorRecord, HeddleError } from '#core/errors.ts'

/** The most bytes of one payload, result or progress value. */
export const MESSAGE_LIMIT_BYTES = 64 * 2 ** 20

const VALUE_LIMIT = 200_000
const DEPTH_LIMIT = 100
const TEXT_LIMIT = 20_000

export type Request =
  | { readonly type: 'run'; readonly id: number; readonly kind: string; readonly payload: unknown }
  | { readonly type: 'cancel'; readonly id: number }

export type Reply =
  | { readonly type: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly type: 'event'; readonly id: number; readonly value: unknown }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorRecord }

/**
 * The approximate size of plain data in bytes.
 * Throws `param-invalid` for anything else (functions, class instances, cycles), for more than 64 MiB and for more than
 * 200 000 values. `name` is what the message calls the data.
 */
export function checkPlain(value: unknown, name: string): number {
  let bytes = 0
  let values = 0
  const refuse = (reason: string): never => {
    throw new HeddleError('param-invalid', `${name} ${reason}`)
  }
  const visit = (item: unknown, depth: number): void => {
    if (++values > VALUE_LIMIT) refuse(`has more than ${VALUE_LIMIT} values`)
    if (depth > DEPTH_LIMIT) refuse(`is nested deeper than ${DEPTH_LIMIT} levels`)
    if (typeof item === 'string') bytes += item.length * 2
    else if (typeof item === 'function' || typeof item === 'symbol') refuse(`contains a ${typeof item}`)
    else if (typeof item !== 'object' || item === null) bytes += 8
    else if (ArrayBuffer.isView(item)) bytes += item.byteLength
    else if (Array.isArray(item)) for (const element of item) visit(element, depth + 1)
    else {
      const prototype: unknown = Object.getPrototypeOf(item)
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
        refuse(`contains a ${item.constructor?.name ?? 'class'} object, not plain data`)
      }
      for (const [key, field] of Object.entries(item)) {
        bytes += key.length * 2
        visit(field, depth + 1)
      }
    }
    if (bytes > MESSAGE_LIMIT_BYTES) refuse(`is larger than ${MESSAGE_LIMIT_BYTES / 2 ** 20} MiB`)
  }
  visit(value, 0)
  return bytes
}

/** A request out of what arrived, or a sentence that says why it is none. */
export function parseRequest(raw: unknown): Request | string {
  if (!isRecord(raw) || !isId(raw['id'])) return `not a request: ${excerpt(raw)}`
  const { type, id, kind, payload } = raw
  if (type === 'cancel') return { type, id }
  if (type === 'run' && isJobKind(kind)) return { type, id, kind, payload }
  return `unknown request: ${excerpt(raw)}`
}

/** A reply out of what arrived, or a sentence that says why it is none. */
export function parseReply(raw: unknown): Reply | string {
  if (!isRecord(raw) || !isId(raw['id'])) return `not a reply: ${excerpt(raw)}`
  const { type, id, value, error } = raw
  if (type === 'error')
    return isRecord(error) ? { type, id, error: parseErrorRecord(error) } : `an error without record`
  if (type !== 'progress' && type !== 'event' && type !== 'result') return `unknown reply: ${excerpt(raw)}`
  try {
    checkPlain(value, type)
  } catch (refusal) {
    return (refusal as Error).message
  }
  return { type, id, value }
}

/** Whether a word may name a job. */
export function isJobKind(kind: unknown): kind is string {
  return typeof kind === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(kind)
}

function parseErrorRecord(record: Record<string, unknown>): ErrorRecord {
  const { code, message, path, hint } = record
  const text = (field: unknown): string | undefined =>
    typeof field === 'string' ? field.slice(0, TEXT_LIMIT) : undefined
  return {
    code: typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'target-failed',
    message: text(message) ?? 'the job failed without a message',
    path: text(path),
    hint: text(hint),
  }
}

function isRecord(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}

function isId(id: unknown): id is number {
  return Number.isSafeInteger(id)
}

/** What a foreign message looks like, in a few words: its own text may be huge. */
function excerpt(raw: unknown): string {
  if (!isRecord(raw)) return Array.isArray(raw) ? 'a list' : String(raw).slice(0, 80)
  return `an object with ${Object.keys(raw).slice(0, 6).join(', ').slice(0, 80) || 'no fields'}`
}
