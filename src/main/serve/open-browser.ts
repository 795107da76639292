// Opens an address in the user's browser, where there is a desktop.

import { spawn } from 'node:child_process'

/** Whether this machine shows windows to somebody. */
export function hasDesktop(platform: string = process.platform, env: NodeJS.ProcessEnv = process.env): boolean {
  if (platform === 'win32' || platform === 'darwin') return env['SSH_CONNECTION'] === undefined
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}

/** Opens the address; false where that cannot be done. */
export function openBrowser(url: string): Promise<boolean> {
  const [command, ...args] =
    process.platform === 'win32'
      ? ['rundll32', 'url.dll,FileProtocolHandler', url]
      : [process.platform === 'darwin' ? 'open' : 'xdg-open', url]
  return new Promise((done) => {
    const child = spawn(command!, args, { stdio: 'ignore', detached: true })
    child.on('error', () => done(false))
    child.on('spawn', () => {
      child.unref()
      done(true)
    })
  })
}
