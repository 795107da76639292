// `npm start`: the desktop window where Electron can show one, else the same program in a browser. It says which.
// Arguments: a project file, --browser to have no window.

import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { buildPart } from '#main/serve/build.ts'
import { serveUntil } from '#main/serve/host.ts'
import { hasDesktop } from '#main/serve/open-browser.ts'
import { root } from './commands.ts'
import { electronBinary, fetchElectron } from './electron-binary.ts'

const note = (line: string): void => console.log(line)
/** A window that is gone so soon was none. */
const STARTED_MS = 5000

/** Why there is no window here, or its program. */
async function findElectron(): Promise<{ readonly reason: string } | { readonly file: string }> {
  if (process.argv.includes('--browser')) return { reason: 'a browser was asked for' }
  if (!hasDesktop()) return { reason: 'this machine shows no desktop' }
  const reason = electronBinary() === undefined ? await fetchElectron(note) : undefined
  return reason === undefined ? { file: electronBinary()! } : { reason: `Electron is not installed, and ${reason}` }
}

/** Opens the window and waits for its end; returns why there was none. */
async function openWindow(file: string, args: readonly string[]): Promise<string | undefined> {
  const start = performance.now()
  const child = spawn(file, [root, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const end = (): void => void child.kill()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const code = await new Promise<unknown>((done) => child.on('error', (error) => done(error.message)).on('exit', done))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  if (code === 0 || code === null || performance.now() - start > STARTED_MS) return undefined
  const hint = process.getuid?.() === 0 ? '; as root Chromium needs a --no-sandbox that Heddle does not set' : ''
  return `Electron could not show a window (${String(code)})${hint}`
}

const project = process.argv.slice(2).find((arg) => !arg.startsWith('-'))
const found = await findElectron()
let reason = 'reason' in found ? found.reason : undefined
if ('file' in found) {
  await buildPart('screens', note)
  await buildPart('desktop', note)
  note('opening the desktop window')
  reason = await openWindow(found.file, project === undefined ? [] : [resolve(project)])
}
if (reason !== undefined) {
  note(`serving for a browser instead: ${reason}`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  await serveUntil(stop.signal, {
    ...(project !== undefined && { project: resolve(project) }),
    port: 7340,
    isPortFree: true,
    readonly: false,
    open: true,
    print: note,
    note,
  })
}
