// The browser of the end-to-end tests: Chromium, Chrome or Edge where there is one, else installed once.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { root } from '../../scripts/commands.ts'

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
  'chrome',
]
const PLACES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => {
    const folder = process.env[name]
    return folder === undefined
      ? []
      : [join(folder, 'Google/Chrome/Application/chrome.exe'), join(folder, 'Microsoft/Edge/Application/msedge.exe')]
  }),
}
const HOW = 'install Chromium, Chrome or Edge, or name one in HEDDLE_CHROMIUM'

/** The file of a browser on this machine, or undefined. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['HEDDLE_CHROMIUM']
  if (named !== undefined) return named
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return [
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, `${name}${suffix}`))),
    ...(PLACES[process.platform] ?? []),
    ...downloaded(),
  ].find(isProgram)
}

/**
 * The file of a browser, installed where there is none: by apt as root on Debian or Ubuntu, else by playwright's installer.
 * Throws an Error that says how to get one.
 */
export function ensureChromium(note: (line: string) => void): string {
  const found = findChromium()
  if (found !== undefined) return found
  const isDebian = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (isDebian) {
    note('installing chromium with apt, once ...')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const isUpdated = spawnSync('apt-get', ['update', '-q'], { env }).status === 0
    if (isUpdated) spawnSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'chromium'], { env })
  }
  if (findChromium() === undefined) {
    note('fetching a browser with the installer of playwright, once ...')
    const cli = join(root, 'node_modules/playwright-core/cli.js')
    spawnSync(process.execPath, [cli, 'install', 'chromium'], { stdio: 'inherit' })
  }
  const installed = findChromium()
  if (installed === undefined) throw new Error(`no browser was found, and none could be installed: ${HOW}`)
  return installed
}

/** What playwright's installer left in its usual place. */
function downloaded(): string[] {
  const cache = {
    linux: join(homedir(), '.cache/ms-playwright'),
    darwin: join(homedir(), 'Library/Caches/ms-playwright'),
    win32: join(process.env['LOCALAPPDATA'] ?? homedir(), 'ms-playwright'),
  }[process.platform as string]
  if (cache === undefined || !existsSync(cache)) return []
  const programs = ['chrome-linux64/chrome', 'chrome-linux/chrome', 'chrome-win64/chrome.exe', 'chrome-win/chrome.exe']
  const bundle = 'Chromium.app/Contents/MacOS/Chromium'
  return readdirSync(cache)
    .filter((name) => name.startsWith('chromium-'))
    .sort()
    .reverse()
    .flatMap((name) =>
      [...programs, `chrome-mac/${bundle}`, `chrome-mac-arm64/${bundle}`].map((file) => join(cache, name, file)),
    )
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
