// `npm run build`: the screens, the main process and the preload script into out/. With `screens`, only these: the browser
// mode needs nothing else.

import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { root, run } from './commands.ts'
import config from '../electron.vite.config.ts'

const target = join(root, 'out/renderer')

/** Builds into a folder of its own and takes it over when it is whole: a server may be reading the other. */
async function buildScreens(): Promise<void> {
  const fresh = join(root, `out/renderer-${process.pid}`)
  try {
    await build({
      ...config.renderer!,
      configFile: false,
      logLevel: 'warn',
      build: { ...config.renderer!.build, outDir: fresh, emptyOutDir: true },
    })
    rmSync(target, { recursive: true, force: true })
    renameSync(fresh, target)
  } catch (error) {
    // another build may have been faster
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || !existsSync(join(target, 'index.html'))) throw error
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

const only = process.argv[2]
if (only === undefined) process.exitCode = (await run(['--bin', 'electron-vite', 'build'], 'inherit')).ok ? 0 : 1
else if (only === 'screens') await buildScreens()
else {
  console.error(`unknown part ${only}: screens, or nothing for all`)
  process.exitCode = 2
}
