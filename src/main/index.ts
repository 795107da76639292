// Entry of the desktop application.

import { join } from 'node:path'
import * as electron from 'electron'
import { runDesktop } from './electron.ts'
import { programFolder, screensFolder } from './serve/build.ts'
import { readPages } from './serve/pages.ts'

runDesktop(electron, {
  pages: readPages(screensFolder),
  preload: join(programFolder, 'out/preload/index.cjs'),
  args: process.argv.slice(electron.app.isPackaged ? 1 : 2),
}).catch((error: unknown) => {
  electron.dialog.showErrorBox('Heddle cannot start', error instanceof Error ? error.message : String(error))
  electron.app.exit(1)
})
