// `npm run build`: the screens into out/renderer. The rest of the program runs as it is.

import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { root } from './commands.ts'
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

await buildScreens()
