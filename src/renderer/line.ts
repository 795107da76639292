// The line to the workbench, whatever carries it: numbers calls, matches answers, comes back after a drop, and notices
// events that were missed. Calls are never repeated by themselves: a call that was under way when the line dropped may
// have happened, so it fails and says so.

import type { ErrorCode, ErrorRecord } from '#core/errors.ts'
import { HeddleError } from '#core/errors.ts'
import type { Hello, ServerFrame } from '#core/wire.ts'
import { decodeWire, encodeWire } from '#core/wire.ts'

/** One connection; both ends may end it. */
export interface Channel {
  send(text: string): void
  close(): void
}

/** What a connection tells: frames, and once how it ended. */
export interface ChannelListener {
  frame(text: string): void
  end(how: 'lost' | 'refused'): void
}

export type Connect = (listener: ChannelListener) => Channel

/** `refused` is final: another address is needed. */
export type LineState = 'connecting' | 'open' | 'lost' | 'refused'

export interface Line<Event extends { readonly seq: number }> {
  readonly state: LineState
  /** What the workbench said when the line was opened last. */
  readonly hello: Hello | undefined
  /**
   * Makes a call of the workbench's api. Rejects with a HeddleError: that of the call, or `connection-lost`. A call that is
   * made before the line is open for the first time waits for it.
   */
  call(name: string, args?: object): Promise<unknown>
  /** Hears every event in order; after a gap first `onGap`. */
  onEvent(listener: (event: Event) => void): void
  /** Hears that events were missed: list again. */
  onGap(listener: () => void): void
  /** Hears the state now and whenever it changes. */
  onState(listener: (state: LineState) => void): void
  close(): void
}

interface Pending {
  readonly name: string
  resolve(value: unknown): void
  reject(error: Error): void
}

const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 5000
const HELLO_MS = 10_000

const lost = (message: string, hint: string): HeddleError => new HeddleError(LOST, message, { hint })
const LOST: ErrorCode = 'connection-lost'

/** Opens a line and keeps it open. */
export function openLine<Event extends { readonly seq: number }>(connect: Connect): Line<Event> {
  const pending = new Map<number, Pending>()
  const waiting: (() => void)[] = []
  const heard = {
    event: [] as ((event: Event) => void)[],
    gap: [] as (() => void)[],
    state: [] as ((state: LineState) => void)[],
  }
  let state: LineState = 'connecting'
  let hello: Hello | undefined
  let channel: Channel | undefined
  let seq: number | undefined
  let nextId = 1
  let retryMs = FIRST_RETRY_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let isClosed = false

  const become = (next: LineState): void => {
    if (state === next) return
    state = next
    for (const listener of heard.state) listener(next)
  }
  /** Events up to this number are known, or their loss is told. */
  const reach = (next: number, isGap: boolean): void => {
    seq = next
    if (isGap) for (const listener of heard.gap) listener()
  }
  const receive = (frame: ServerFrame<Event>): void => {
    if ('event' in frame) {
      const { event } = frame
      reach(event.seq, seq !== undefined && event.seq !== seq + 1)
      for (const listener of heard.event) listener(event)
    } else if ('gap' in frame) {
      // what came after the gap was left out, too
      reach(Math.max(frame.gap, seq ?? 0), true)
    } else if ('hello' in frame) {
      clearTimeout(timer)
      hello = frame.hello
      retryMs = FIRST_RETRY_MS
      reach(hello.seq, seq !== undefined && seq !== hello.seq)
      become('open')
      for (const send of waiting.splice(0)) send()
    } else settle(frame)
  }
  const settle = (
    frame: { readonly id: number } & (
      { readonly ok: true; readonly value?: unknown } | { readonly ok: false; readonly error: ErrorRecord }
    ),
  ): void => {
    const call = pending.get(frame.id)
    pending.delete(frame.id)
    if (frame.ok) return call?.resolve(frame.value)
    const { code, message, path, hint } = frame.error
    call?.reject(new HeddleError(code, message, { path, hint }))
  }
  const end = (how: 'lost' | 'refused'): void => {
    clearTimeout(timer)
    channel = undefined
    for (const [id, { name, reject }] of pending) {
      pending.delete(id)
      reject(
        lost(`the connection dropped while ${name} was under way`, 'it may have happened: look before you repeat it'),
      )
    }
    if (how === 'refused' || isClosed) {
      become(how === 'refused' ? 'refused' : 'lost')
      for (const send of waiting.splice(0)) send()
      return
    }
    become('lost')
    // not all screens at the same moment
    timer = setTimeout(open, retryMs * (0.75 + Math.random() / 2))
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)
  }
  const open = (): void => {
    let isOver = false
    const finish = (how: 'lost' | 'refused'): void => {
      if (isOver) return
      isOver = true
      end(how)
    }
    const opened = connect({
      frame(text) {
        if (isOver) return
        receive(decodeWire(text) as ServerFrame<Event>)
      },
      end: finish,
    })
    if (isOver) return
    channel = opened
    timer = setTimeout(() => {
      opened.close()
      finish('lost')
    }, HELLO_MS)
  }
  const call = (name: string, args?: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const send = (): void => {
        if (state !== 'open' || channel === undefined)
          return reject(lost(`${name} could not be sent: there is no connection`, 'try again when it is back'))
        const id = nextId++
        const text = encodeWire({ id, call: name, ...(args !== undefined && { args }) })
        pending.set(id, { name, resolve, reject })
        channel.send(text)
      }
      if (state === 'connecting') waiting.push(send)
      else send()
    })

  open()
  return {
    get state() {
      return state
    },
    get hello() {
      return hello
    },
    call,
    onEvent: (listener) => void heard.event.push(listener),
    onGap: (listener) => void heard.gap.push(listener),
    onState(listener) {
      heard.state.push(listener)
      listener(state)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      channel?.close()
      if (channel !== undefined) end('lost')
    },
  }
}
