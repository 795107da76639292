// A server with a stand-in for the workbench, and screens that talk to it without a browser.

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { WebSocket } from 'ws'
import { HeddleError } from '#core/errors.ts'
import { decodeWire, encodeWire } from '#core/wire.ts'
import type { NumberedEvent } from '#main/api/workbench/events.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import type { Pages } from '#main/serve/pages.ts'
import type { ServeOptions, Serving } from '#main/serve/server.ts'
import { serve } from '#main/serve/server.ts'

export const pages: Pages = new Map([
  ['/index.html', { type: 'text/html; charset=utf-8', body: Buffer.from('<title>Heddle</title>') }],
  ['/assets/a-1.js', { type: 'text/javascript; charset=utf-8', body: Buffer.from('void 0') }],
])

/** A workbench that counts what reached it. */
export interface StandIn extends Workbench {
  readonly calls: unknown[]
  readonly listeners: number
  emit(padding?: string): void
  /** Lets the calls of `slow` end. */
  release(): void
}

/** Knows `echo` (its arguments), `refuse`, `fail` and `slow`. */
export function standIn(): StandIn {
  const listeners = new Set<(event: NumberedEvent) => void>()
  const held: (() => void)[] = []
  const calls: unknown[] = []
  let seq = 0
  return {
    calls,
    get listeners() {
      return listeners.size
    },
    get seq() {
      return seq
    },
    async call(name, args) {
      if (name === 'echo') {
        calls.push(args)
        return args
      }
      if (name === 'fail') throw new TypeError('a fault of the program')
      if (name === 'slow') return await new Promise<void>((done) => held.push(done))
      throw new HeddleError('usage', `there is no call ${String(name)}`, { path: 'name', hint: 'look' })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    emit(padding = '') {
      seq += 1
      const event = { type: 'changed', table: 'lut', padding, seq } as unknown as NumberedEvent
      for (const listener of listeners) listener(event)
    },
    release() {
      for (const done of held.splice(0)) done()
    },
    close: () => Promise.resolve(),
  }
}

/** A server on a free port with a stand-in. */
export async function start(
  options: Partial<ServeOptions> = {},
): Promise<{ readonly server: Serving; readonly workbench: StandIn }> {
  const workbench = standIn()
  const server = await serve({ workbench, pages, port: 0, readonly: false, ...options })
  return { server, workbench }
}

export type Frame = Readonly<Record<string, unknown>>

export interface Screen {
  readonly socket: WebSocket
  readonly frames: Frame[]
  /** Resolves with the close code and reason. */
  readonly closed: Promise<readonly [number, string]>
  /** The first frame that fits, also one that came before. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>
  call(name: string, args?: unknown): Promise<Frame>
}

export interface Knock {
  readonly origin?: string | undefined
  readonly host?: string | undefined
  readonly path?: string
  readonly protocols?: readonly string[]
}

/** Opens a WebSocket as a browser's page would, or as a page of somebody else. */
export function open(server: Serving, knock: Knock = {}): Screen {
  const authority = `127.0.0.1:${server.port}`
  const { path = '/socket', protocols = ['heddle.1', `token.${server.token}`] } = knock
  const origin = 'origin' in knock ? knock.origin : `http://${authority}`
  const socket = new WebSocket(`ws://${authority}${path}`, [...protocols], {
    ...(origin !== undefined && { origin }),
    headers: { host: knock.host ?? authority },
  })
  // every wait listens for the end
  socket.setMaxListeners(0)
  const frames: Frame[] = []
  const watchers = new Set<() => void>()
  socket.on('message', (content) => {
    frames.push(decodeWire(String(content)) as Frame)
    for (const watch of watchers) watch()
  })
  socket.on('error', () => {
    // the tests look at how the socket closes
  })
  let lastId = 0
  const next = (fits: (frame: Frame) => boolean): Promise<Frame> =>
    new Promise((done, fail) => {
      const watch = (): void => {
        const found = frames.find(fits)
        if (found === undefined) return
        watchers.delete(watch)
        done(found)
      }
      watchers.add(watch)
      socket.on('close', () => fail(new Error('the socket was closed')))
      watch()
    })
  return {
    socket,
    frames,
    closed: new Promise((done) => socket.on('close', (code, reason) => done([code, String(reason)]))),
    next,
    async call(name, args) {
      const id = ++lastId
      if (socket.readyState === WebSocket.CONNECTING) await once(socket, 'open')
      socket.send(encodeWire({ id, call: name, args }))
      return await next((frame) => frame['id'] === id)
    },
  }
}

/** The HTTP status of a refused upgrade. */
export const refusal = ({ socket }: Screen): Promise<number> =>
  new Promise((done, fail) => {
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      done(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.on('open', () => fail(new Error('the upgrade was accepted')))
  })

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A plain HTTP request; the path goes out as it is written. */
export function get(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on('error', fail)
    sent.end()
  })
}
