// One SELECT of a user on a project: in a process of its own, read-only, bounded in time, memory, rows and text.

import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'

export const QUERY_LIMITS = {
  ms: 5000,
  memoryBytes: 256 << 20,
  /** Of all rows together. */
  characters: 2_000_000,
  textCharacters: 2000,
  atOnce: 2,
} as const

export type QueryValue = number | string | null

/** Rows as lists, in the order of the columns. Blobs are told by their size. */
export interface QueryPage {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly QueryValue[])[]
  readonly isCut: boolean
}

export interface QueryRequest {
  readonly path: string
  readonly sql: string
  readonly rows: number
}

export type QueryReply = { readonly value: QueryPage } | { readonly error: ErrorRecord }

let running = 0
const waiting: (() => void)[] = []

/**
 * Runs a SELECT on a project file.
 * @throws HeddleError `usage` for what is no SELECT, fails, or takes too long
 */
export async function runQuery(request: QueryRequest, ms: number = QUERY_LIMITS.ms): Promise<QueryPage> {
  if (running >= QUERY_LIMITS.atOnce) await new Promise<void>((enter) => waiting.push(enter))
  running++
  try {
    return await runChild(request, ms)
  } finally {
    running--
    waiting.shift()?.()
  }
}

function runChild(request: QueryRequest, ms: number): Promise<QueryPage> {
  const script = fileURLToPath(new URL(`./child${extname(import.meta.filename)}`, import.meta.url))
  const child = fork(script, [], {
    execArgv: [`--max-old-space-size=${QUERY_LIMITS.memoryBytes >> 20}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: process.versions['electron'] ? { ...process.env, ELECTRON_RUN_AS_NODE: '1' } : process.env,
  })
  const fail = (message: string): HeddleError =>
    new HeddleError('usage', message, { path: 'sql', hint: 'read fewer rows, or add a condition' })
  return new Promise<QueryPage>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(fail(`the SELECT took longer than ${ms / 1000} s and was stopped`))
      child.kill('SIGKILL')
    }, ms)
    child.on('message', (reply: QueryReply) => {
      if ('value' in reply) return resolve(reply.value)
      const { code, message, path, hint } = reply.error
      reject(new HeddleError(code, message, { path, hint }))
    })
    child.on('error', (error) => reject(fail(`the SELECT could not be run: ${error.message}`)))
    child.on('exit', () => {
      clearTimeout(timer)
      reject(fail('the SELECT used too much memory'))
    })
    child.send(request)
  })
}
