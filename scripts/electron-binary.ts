// Where Electron's program is. Its package brings none: it is fetched once, from GitHub or a mirror, when there is a way.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const REACH_MS = 4000

/** The file of Electron's program, or undefined while it was not fetched. */
export function electronBinary(folder = electronFolder(), env: NodeJS.ProcessEnv = process.env): string | undefined {
  try {
    const name = readFileSync(join(folder, 'path.txt'), 'utf8')
    const file = join(env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(folder, 'dist'), name)
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/**
 * Fetches Electron's program if the place it comes from answers within seconds; returns why not, if so.
 * The download itself (about 120 MB) takes its time and shows its progress.
 */
export async function fetchElectron(note: (line: string) => void): Promise<string | undefined> {
  const mirror = process.env['ELECTRON_MIRROR'] ?? process.env['npm_config_electron_mirror'] ?? 'https://github.com/'
  try {
    await fetch(mirror, { method: 'HEAD', signal: AbortSignal.timeout(REACH_MS) })
  } catch {
    return `${new URL(mirror).host} cannot be reached`
  }
  note(`fetching Electron from ${new URL(mirror).host}, once ...`)
  const child = spawn(process.execPath, [join(electronFolder(), 'install.js')], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((done) => child.on('error', done).on('close', done))
  if (code === 0 && electronBinary() !== undefined) return undefined
  return output.trim().split('\n')[0] || 'its installer failed'
}

function electronFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('electron/package.json'))
}
