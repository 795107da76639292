// Which notebooks this user trusts, by the hash of their text. The list lies with the user's own settings: nothing that comes
// with a project can put itself on it.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const MOST = 5000

export interface Trusted {
  has(text: string): boolean
  /** Trusts a text; `instead` is the earlier text of the same notebook. */
  add(text: string, instead?: string): void
}

/** The user's settings folder for this program, by the custom of the system. */
export function settingsFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const xdg = environment['XDG_CONFIG_HOME']
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'heddle')
  if (platform === 'win32' && environment['APPDATA']) return join(environment['APPDATA'], 'heddle')
  return platform === 'darwin'
    ? join(homedir(), 'Library', 'Application Support', 'heddle')
    : join(homedir(), '.config', 'heddle')
}

/** The list in a file, which is read at once and written at each change. */
export function openTrusted(path = join(settingsFolder(), 'trusted-notebooks.json')): Trusted {
  const hashes = new Set(readHashes(path))
  return {
    has: (text) => hashes.has(hashOf(text)),
    add(text, instead) {
      const hash = hashOf(text)
      if (hashes.has(hash)) return
      if (instead !== undefined) hashes.delete(hashOf(instead))
      hashes.add(hash)
      for (const oldest of hashes) {
        if (hashes.size <= MOST) break
        hashes.delete(oldest)
      }
      try {
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(`${path}.partial`, JSON.stringify([...hashes]))
        renameSync(`${path}.partial`, path)
      } catch {
        // without a place for settings, trust lasts as long as the program runs
      }
    },
  }
}

function readHashes(path: string): string[] {
  try {
    const rows: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(rows) ? rows.filter((row) => typeof row === 'string' && /^[0-9a-f]{64}$/.test(row)) : []
  } catch {
    return []
  }
}
