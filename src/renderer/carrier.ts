// The carrier of this screen: Electron's bridge where the preload script put one, else a WebSocket to the server of the page.

import type { NumberedEvent } from '#main/api/workbench/events.ts'
import type { Channel, ChannelListener, Connect } from './line.ts'
import { openLine } from './line.ts'

/** What the preload script exposes. */
interface Bridge {
  open(listener: (frame: string) => void): void
  send(frame: string): void
}

const PROTOCOL = 'heddle.1'
const TOKEN_KEY = 'heddle.token'
/** The server's close code for a wrong token. */
const REFUSED = 4401

/** The token of the address's fragment, which is taken out of the address and kept for a reload of this tab. */
function takeToken(): string | null {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (given !== undefined) {
    sessionStorage.setItem(TOKEN_KEY, given)
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem(TOKEN_KEY)
}

const overBridge =
  (bridge: Bridge): Connect =>
  ({ frame }) => {
    bridge.open(frame)
    return { send: (text) => bridge.send(text), close: () => {} }
  }

const overSocket =
  (token: string | null): Connect =>
  (listener: ChannelListener): Channel => {
    if (token === null) {
      queueMicrotask(() => listener.end('refused'))
      return { send: () => {}, close: () => {} }
    }
    // the token goes as a subprotocol: it stands in no address and no log
    const socket = new WebSocket(`ws://${location.host}/socket`, [PROTOCOL, `token.${token}`])
    socket.onmessage = ({ data }) => listener.frame(String(data))
    socket.onclose = ({ code }) => listener.end(code === REFUSED ? 'refused' : 'lost')
    return { send: (text) => socket.send(text), close: () => socket.close() }
  }

const { heddle: bridge } = globalThis as { heddle?: Bridge }

/** The line to the workbench. */
export const carrier = openLine<NumberedEvent>(bridge === undefined ? overSocket(takeToken()) : overBridge(bridge))
