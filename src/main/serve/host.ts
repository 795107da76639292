// The browser host: builds the screens if need be, opens the workbench, serves it until told to stop.

import { dirname, resolve } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import { openWorkbench } from '#main/api/workbench/index.ts'
import { buildPart, screensFolder } from './build.ts'
import { isLoopback } from './guard.ts'
import { hasDesktop, openBrowser } from './open-browser.ts'
import { readPages } from './pages.ts'
import type { Serving } from './server.ts'
import { serve } from './server.ts'

export interface HostOptions {
  /** Project file to open; made when it is missing, unless reading only. */
  readonly project?: string | undefined
  /** Folder of projects; that of the project, or ./projects. */
  readonly library?: string | undefined
  readonly host?: string | undefined
  readonly port: number
  /** Take any free port where that one is in use. */
  readonly isPortFree?: boolean | undefined
  readonly readonly: boolean
  /** Open the browser where there is a desktop. */
  readonly open: boolean
  /** Hears the address. */
  print(url: string): void
  note(line: string): void
}

/** Serves the workbench until the signal; then cancels its jobs and closes the project. */
export async function serveUntil(signal: AbortSignal, options: HostOptions): Promise<void> {
  const { project, host, readonly, note } = options
  if (host !== undefined && !isLoopback(host))
    note(`warning: everybody who can reach ${host} can see this page, unencrypted; prefer an SSH tunnel`)
  await buildPart('screens', note)
  if (signal.aborted) return
  const pages = readPages(screensFolder)
  const workbench = openWorkbench({
    root: options.library ?? (project === undefined ? resolve('projects') : dirname(project)),
    ...(project !== undefined && { project }),
    readonly,
  })
  try {
    const serving = await listen(workbench, options, pages)
    options.print(serving.url)
    if (options.open && !(hasDesktop() && (await openBrowser(serving.url))))
      note('there is no desktop here to open a browser on: open the address yourself')
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }))
    await serving.close()
  } finally {
    await workbench.close()
  }
}

async function listen(
  workbench: Workbench,
  options: HostOptions,
  pages: ReturnType<typeof readPages>,
): Promise<Serving> {
  const { host, port, readonly } = options
  const start = (at: number): Promise<Serving> => serve({ workbench, pages, host, port: at, readonly })
  try {
    return await start(port)
  } catch (error) {
    if (options.isPortFree !== true || !(error instanceof HeddleError)) throw error
    return await start(0)
  }
}
