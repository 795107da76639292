// Who may talk to the server: the browser that was given the token, on a page of this server, under a name that is this
// machine's. The checks of Host and Origin are what stops other web pages, also those whose name is bound to this address
// (DNS rebinding).

import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Name of the frames' protocol, offered by the browser beside the token. */
export const PROTOCOL = 'heddle.1'
const TOKEN_PREFIX = 'token.'
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/** A token of 256 random bits, in letters that a subprotocol may have. */
export const newToken = (): string => randomBytes(32).toString('base64url')

/** Whether an address can only be reached from this machine. */
export const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/.test(host)

/** Whether the request names this machine: a loopback name, or the host that the user gave. Any port: it may be a tunnel's. */
export function isOwnHost(request: IncomingMessage, host: string): boolean {
  const { hostname } = parseHost(request.headers.host) ?? {}
  return hostname !== undefined && [...LOOPBACK, host.toLowerCase(), `[${host.toLowerCase()}]`].includes(hostname)
}

/** Whether the request comes from a page of this server. */
export function isOwnOrigin({ headers }: IncomingMessage): boolean {
  const { host } = parseHost(headers.host) ?? {}
  return host !== undefined && headers.origin === `http://${host}`
}

/** Whether the request brings the token, compared in constant time. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const given = Buffer.from(offered.find((name) => name.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length) ?? '')
  const wanted = Buffer.from(token)
  return offered[0] === PROTOCOL && given.length === wanted.length && timingSafeEqual(given, wanted)
}

function parseHost(header: string | undefined): { readonly host: string; readonly hostname: string } | undefined {
  const match = /^(\[[\da-f:]+\]|[\w.-]+)(:\d{1,5})?$/i.exec(header ?? '')
  return match === null ? undefined : { host: match[0].toLowerCase(), hostname: match[1]!.toLowerCase() }
}
