// The loopback server: the built screens over HTTP, and the workbench over one WebSocket path. It listens on this machine
// only unless told, gives pages to anybody who names this machine, and the workbench to who brings the token.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import { HeddleError } from '#core/errors.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import { hasToken, isLoopback, isOwnHost, isOwnOrigin, newToken, PROTOCOL } from './guard.ts'
import type { Pages } from './pages.ts'
import { pageHeaders, pageOf } from './pages.ts'
import type { Limits } from './session.ts'
import { LIMITS, openSession } from './session.ts'

export interface ServeOptions {
  readonly workbench: Workbench
  readonly pages: Pages
  /** Address to listen on; 127.0.0.1 without one. */
  readonly host?: string | undefined
  /** 0 takes any free port. */
  readonly port: number
  readonly readonly: boolean
  readonly limits?: Partial<Limits & ServerLimits> | undefined
}

interface ServerLimits {
  /** Open connections of all kinds. */
  readonly connections: number
  /** Screens at once. */
  readonly screens: number
  /** Time for a connection to say what it wants. */
  readonly requestMs: number
  /** A screen that does not answer a ping for this long is given up. */
  readonly pingMs: number
}

export interface Serving {
  /** Where the screens are, with the token in the fragment, which browsers keep to themselves. */
  readonly url: string
  readonly port: number
  readonly token: string
  /** Says goodbye to every screen and stops listening; the workbench stays open. */
  close(): Promise<void>
}

const SERVER_LIMITS: ServerLimits = { connections: 128, screens: 16, requestMs: 5000, pingMs: 20_000 }
const SOCKET_PATH = '/socket'
/** Close codes of the application: 4401 is a wrong token, 1013 too many screens, 1001 the end of the server. */
export const CLOSE = { refused: 4401, full: 1013, goingAway: 1001 } as const

/**
 * Serves a workbench.
 * Throws `usage` where the port or the address cannot be had.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { host = '127.0.0.1', workbench, readonly } = options
  const limits = { ...LIMITS, ...SERVER_LIMITS, ...options.limits }
  const token = newToken()
  const http = createServer({ connectionsCheckingInterval: Math.min(1000, limits.requestMs) }, (request, response) =>
    answerPage(options.pages, host, request, response),
  )
  http.maxConnections = limits.connections
  http.headersTimeout = limits.requestMs
  http.requestTimeout = limits.requestMs
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  })
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (request.url !== SOCKET_PATH) return refuse(socket, '404 Not Found')
    if (!isOwnHost(request, host) || !isOwnOrigin(request)) return refuse(socket, '403 Forbidden')
    sockets.handleUpgrade(request, socket, head, (screen) => {
      screen.on('error', () => screen.terminate())
      if (!hasToken(request, token)) return screen.close(CLOSE.refused, 'the token is not that of this server')
      if (sockets.clients.size > limits.screens) return screen.close(CLOSE.full, `${limits.screens} screens are open`)
      attach(screen, workbench, { readonly, limits })
    })
  })
  await listen(http, host, options.port)
  const { port } = http.address() as AddressInfo
  const name =
    isLoopback(host) && !host.includes(':') ? host : host.includes(':') ? `[${host.replace(/[[\]]/g, '')}]` : host
  return {
    url: `http://${name}:${port}/#token=${token}`,
    port,
    token,
    async close() {
      for (const screen of sockets.clients) screen.close(CLOSE.goingAway, 'heddle was closed')
      const ended = new Promise((done) => http.close(done))
      http.closeIdleConnections()
      const timer = setTimeout(() => {
        for (const screen of sockets.clients) screen.terminate()
        http.closeAllConnections()
      }, 1000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Serves one screen until it goes. */
function attach(
  screen: WebSocket,
  workbench: Workbench,
  options: { readonly readonly: boolean; readonly limits: Limits & ServerLimits },
): void {
  let isAlive = true
  const session = openSession(
    workbench,
    {
      send: (text) => screen.send(text),
      waiting: () => screen.bufferedAmount,
      pause: () => screen.pause(),
      resume: () => screen.resume(),
    },
    options,
  )
  const timer = setInterval(() => {
    // one that is not read from cannot answer
    if (!isAlive && !screen.isPaused) return screen.terminate()
    isAlive = false
    screen.ping()
  }, options.limits.pingMs)
  screen.on('pong', () => (isAlive = true))
  screen.on('message', (content, isBinary) => {
    isAlive = true
    if (isBinary) screen.close(1003, 'messages are text')
    else session.receive((content as Buffer).toString('utf8'))
  })
  screen.on('close', () => {
    clearInterval(timer)
    session.close()
  })
}

function answerPage(pages: Pages, host: string, request: IncomingMessage, response: ServerResponse): void {
  const { method = '', headers } = request
  const path = (request.url ?? '').split('?', 1)[0]!
  const socket = `ws://${headers.host}`
  const fail = (status: number, text: string): void => {
    response.writeHead(status, {
      ...pageHeaders('', ''),
      'Content-Type': 'text/plain; charset=utf-8',
      Connection: 'close',
    })
    response.end(method === 'HEAD' ? undefined : `${text}\n`)
  }
  if (!isOwnHost(request, host)) return fail(403, 'this server does not go by that name')
  if (method !== 'GET' && method !== 'HEAD') return fail(405, 'only GET and HEAD')
  const page = pageOf(pages, path)
  if (page === undefined) return fail(404, 'there is no such page')
  response.writeHead(200, {
    ...pageHeaders(path, socket),
    'Content-Type': page.type,
    'Content-Length': page.body.length,
  })
  response.end(method === 'HEAD' ? undefined : page.body)
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `port ${port} is in use`
          : error.code === 'EACCES'
            ? `port ${port} may not be used by this user`
            : `cannot listen on ${host} port ${port} (${error.message})`
      reject(
        new HeddleError('usage', reason, {
          path: error.code === 'EADDRNOTAVAIL' ? '--host' : '--port',
          hint: '--port 0 takes any free port',
        }),
      )
    })
    http.listen({ host: host.replace(/[[\]]/g, ''), port, exclusive: true }, resolve)
  })
}
