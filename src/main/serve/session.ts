// One screen at the other end of a carrier: takes its call frames, answers each, and passes events on. The carriers
// (WebSocket, Electron's IPC) only move text. What comes in is bounded in rate and number; what goes out waits for a slow
// reader: events are left out first (the screen hears of the gap and lists again), then no more calls are read.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { CallFrame, ServerFrame } from '#core/wire.ts'
import { decodeWire, encodeWire } from '#core/wire.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import { HEDDLE_VERSION } from '../version.ts'

export interface Limits {
  /** The longest message of a screen. */
  readonly messageBytes: number
  /** Calls that run at once; more are refused. */
  readonly concurrentCalls: number
  /** Above this rate the screen's messages are read later. */
  readonly callsPerSecond: number
  /** Events are left out while this much waits to be sent. */
  readonly eventBacklogBytes: number
  /** No message is read while this much waits to be sent. */
  readonly backlogBytes: number
}

export const LIMITS: Limits = {
  messageBytes: 8 * 2 ** 20,
  concurrentCalls: 64,
  callsPerSecond: 500,
  eventBacklogBytes: 8 * 2 ** 20,
  backlogBytes: 64 * 2 ** 20,
}

/** What a session needs of its carrier. */
export interface Peer {
  send(text: string): void
  /** Bytes that were sent and are still here. */
  waiting(): number
  /** Stops and resumes reading; a carrier that cannot leaves both out. */
  pause?(): void
  resume?(): void
}

export interface Session {
  receive(text: string): void
  close(): void
}

export interface SessionOptions {
  readonly readonly: boolean
  readonly limits?: Limits | undefined
}

const CHECK_MS = 50

/** Greets a screen and serves it until `close`. */
export function openSession(workbench: Workbench, peer: Peer, { readonly, limits = LIMITS }: SessionOptions): Session {
  const { callsPerSecond, concurrentCalls } = limits
  let running = 0
  let budget = callsPerSecond
  let countedAt = performance.now()
  let missed: number | undefined
  let isPaused = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  // what had arrived before the carrier stopped reading
  const held: string[] = []

  const send = (frame: ServerFrame): void => {
    if (!isClosed) peer.send(encodeWire(frame))
  }
  const refill = (): void => {
    const now = performance.now()
    budget = Math.min(callsPerSecond, budget + ((now - countedAt) / 1000) * callsPerSecond)
    countedAt = now
  }
  /** Looks again soon, while something is held back. */
  const check = (): void => {
    timer = undefined
    if (isClosed) return
    refill()
    while (held.length > 0 && budget >= 1) take(held.shift()!)
    if (missed !== undefined && peer.waiting() < limits.eventBacklogBytes / 2) {
      send({ gap: missed })
      missed = undefined
    }
    const mustPause = budget < 1 || held.length > 0 || peer.waiting() > limits.backlogBytes
    if (mustPause !== isPaused) {
      isPaused = mustPause
      if (mustPause) peer.pause?.()
      else peer.resume?.()
    }
    if (isPaused || missed !== undefined) timer = setTimeout(check, CHECK_MS)
  }
  const answer = async ({ id, call, args }: CallFrame): Promise<void> => {
    if (running >= concurrentCalls)
      return send({ id, ok: false, error: new HeddleError('usage', `${concurrentCalls} calls are running`).toJSON() })
    running += 1
    try {
      send({ id, ok: true, value: await workbench.call(call, args) })
    } catch (error) {
      if (!(error instanceof HeddleError))
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      send({ id, ok: false, error: errorRecord(error) })
    } finally {
      running -= 1
      if (peer.waiting() > limits.backlogBytes) check()
    }
  }

  const take = (text: string): void => {
    budget -= 1
    const frame = readFrame(text, limits.messageBytes)
    if ('message' in frame) send({ id: 0, ok: false, error: { code: 'usage', message: frame.message } })
    else void answer(frame)
  }

  const unsubscribe = workbench.subscribe((event) => {
    if (isClosed) return
    if (missed === undefined && peer.waiting() < limits.eventBacklogBytes) return send({ event })
    missed = event.seq
    timer ??= setTimeout(check, CHECK_MS)
  })
  send({ hello: { version: HEDDLE_VERSION, readonly, seq: workbench.seq } })
  return {
    receive(text) {
      if (isClosed) return
      refill()
      if (budget >= 1 && held.length === 0) take(text)
      else held.push(text)
      if (budget < 1 && timer === undefined) check()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      unsubscribe()
    },
  }
}

/** A call out of what arrived, or a sentence that says why it is none. */
function readFrame(text: string, longest: number): CallFrame | { readonly message: string } {
  if (text.length > longest) return { message: `a message has more than ${longest} characters` }
  try {
    const frame = decodeWire(text)
    if (typeof frame !== 'object' || frame === null) return { message: 'a message is no object' }
    const { id, call, args } = frame as Readonly<Record<string, unknown>>
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1 || typeof call !== 'string')
      return { message: 'a message needs an id (1, 2 ...) and the name of a call' }
    return { id, call, args }
  } catch (error) {
    return { message: `a message could not be read: ${(error as Error).message}` }
  }
}
