// The built files of the screens, read once at the start: a request can only name an entry of this table, so that no path
// leads anywhere else. The headers are the same for both hosts.

import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { HeddleError } from '#core/errors.ts'

export interface Page {
  readonly type: string
  readonly body: Buffer<ArrayBuffer>
}

/** Files by the path of their address: `/index.html`, `/assets/index-abc.js`. */
export type Pages = ReadonlyMap<string, Page>

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
}

/** Reads a folder of built files. Throws `file-missing` where there is none; files of unknown types are left out. */
export function readPages(folder: string): Pages {
  const pages = new Map<string, Page>()
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const type = TYPES[extname(entry.name)]
      if (!entry.isFile() || type === undefined) continue
      const file = join(entry.parentPath, entry.name)
      pages.set(`/${relative(folder, file).split(sep).join('/')}`, { type, body: readFileSync(file) as Page['body'] })
    }
  } catch (error) {
    throw new HeddleError('file-missing', `the built screens cannot be read (${(error as Error).message})`, {
      hint: 'npm run build makes them',
    })
  }
  if (!pages.has('/index.html'))
    throw new HeddleError('file-missing', `${folder} holds no index.html`, { hint: 'npm run build makes it' })
  return pages
}

/** The file of an address without query, or undefined. */
export const pageOf = (pages: Pages, path: string): Page | undefined => pages.get(path === '/' ? '/index.html' : path)

/** The content security policy; `socket` is the origin of the WebSocket, where there is one. */
export const policy = (socket = ''): string =>
  [
    "default-src 'self'",
    "script-src 'self'",
    // components position things with style attributes
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    // older browsers do not count ws: of the same host as 'self'
    `connect-src 'self' ${socket}`.trimEnd(),
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** The page that code of notebooks runs in; only pages of this program hold it, in a frame without an origin. */
const FRAME = '/frame.html'

/** Its policy: its own script and workers that it makes itself; no network, and an origin that nobody shares. */
const FRAME_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-scripts',
].join('; ')

/** The headers of a page, beside its type. */
export const pageHeaders = (path: string, socket?: string): Record<string, string> => ({
  'Content-Security-Policy': path === FRAME ? FRAME_POLICY : policy(socket),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': path === FRAME ? 'SAMEORIGIN' : 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
  // names of assets hold a hash of their content
  'Cache-Control': path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-store',
})
