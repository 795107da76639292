// `npm run build`: the screens, and the desktop program around them, into out/. The browser host and the command line run as
// they are. `build.ts screens` or `build.ts desktop` makes one of the two.

import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { resolveConfig } from 'electron-vite'
import { build } from 'vite'
import { root } from './commands.ts'

const PARTS = ['screens', 'desktop'] as const
const out = join(root, 'out')
const { config } = await resolveConfig({ root, logLevel: 'warn' }, 'build', 'production')

/** Builds into a folder of its own and takes it over when it is whole: a server may be reading the other. */
async function buildScreens(): Promise<void> {
  const fresh = join(out, `renderer-${process.pid}`)
  const target = join(out, 'renderer')
  const { renderer } = config!
  try {
    await build({ ...renderer, configFile: false, build: { ...renderer!.build, outDir: fresh, emptyOutDir: true } })
    rmSync(target, { recursive: true, force: true })
    renameSync(fresh, target)
  } catch (error) {
    // another build may have been faster
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || !existsSync(join(target, 'index.html'))) throw error
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

async function buildDesktop(): Promise<void> {
  for (const folder of ['main', 'core', 'preload']) rmSync(join(out, folder), { recursive: true, force: true })
  await build({ ...config!.main, configFile: false })
  await build({ ...config!.preload, configFile: false })
}

const wanted = process.argv.slice(2)
const unknown = wanted.find((part) => !PARTS.some((name) => name === part))
if (unknown !== undefined) throw new Error(`there is no part ${unknown}, only ${PARTS.join(', ')}`)
if (wanted.length === 0 || wanted.includes('screens')) await buildScreens()
if (wanted.length === 0 || wanted.includes('desktop')) await buildDesktop()
