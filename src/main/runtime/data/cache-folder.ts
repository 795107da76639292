// Where token caches lie and how one gets there: written to a folder of its own, then renamed, so that a cache is whole or
// absent. Leftovers of a crash are removed by the next one who comes by.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileError } from './sources/files.ts'

const LEFTOVER = /^tokens-[0-9a-f]+\.[0-9a-f]+\.tmp$/
// a folder's time is that of its first files, and the largest corpora take hours
const LEFTOVER_AGE_MS = 7 * 24 * 60 * 60 * 1000

/** The user's cache folder for this program, by the custom of the system. */
export function defaultCacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const xdg = environment.XDG_CACHE_HOME
  // the XDG specification has relative paths ignored
  if (xdg && isAbsolute(xdg)) return join(xdg, 'heddle')
  if (platform === 'win32' && environment.LOCALAPPDATA) return join(environment.LOCALAPPDATA, 'heddle', 'Cache')
  return platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 'heddle') : join(homedir(), '.cache', 'heddle')
}

/**
 * Fills a folder by calling `fill` with a temporary one and renaming that; gives the final path. Where another process was
 * faster and `isWhole` accepts its folder, that one stays. Nothing is left behind when `fill` throws.
 */
export async function fillFolder(
  parent: string,
  name: string,
  fill: (folder: string) => Promise<void>,
  isWhole: (folder: string) => Promise<boolean>,
): Promise<string> {
  const target = join(parent, name)
  const temporary = join(parent, `${name}.${randomBytes(6).toString('hex')}.tmp`)
  const damaged = join(parent, `${name}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(parent, { recursive: true })
    await removeLeftovers(parent)
    await mkdir(temporary)
    await fill(temporary)
    if (await isWhole(target)) return target
    // a folder cannot be renamed over another, so a damaged one is moved away first
    if (existsSync(target)) await rename(target, damaged)
    await rename(temporary, target).catch(async (error: unknown) => {
      if (!(await isWhole(target))) throw error
    })
    return target
  } catch (error) {
    throw fileError(error, parent)
  } finally {
    for (const path of [temporary, damaged]) {
      // what cannot be removed now is a leftover for later, and must not hide the reason why `fill` failed
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!LEFTOVER.test(name)) continue
    const path = join(parent, name)
    const status = await stat(path).catch(() => undefined)
    if (status && Date.now() - status.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true })
  }
}
