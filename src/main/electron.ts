// The desktop host: one window on the same screens and the same workbench as the browser host. Electron itself is passed in,
// so that a test can stand in for it.

import { dirname, join, resolve } from 'node:path'
import type * as electron from 'electron'
import type { BrowserWindow, IpcMainEvent, WebContents } from 'electron'
import { openWorkbench } from '#main/api/workbench/index.ts'
import type { Workbench } from '#main/api/workbench/index.ts'
import { pageHeaders, pageOf } from './serve/pages.ts'
import type { Pages } from './serve/pages.ts'
import { openSession } from './serve/session.ts'
import type { Session } from './serve/session.ts'

/** What the desktop host needs of Electron. */
export type Electron = Pick<
  typeof electron,
  'app' | 'BrowserWindow' | 'dialog' | 'ipcMain' | 'Menu' | 'nativeTheme' | 'protocol' | 'session' | 'shell'
>

export interface DesktopOptions {
  readonly pages: Pages
  readonly preload: string
  /** Command line after the program: a project file may stand there. */
  readonly args: readonly string[]
}

const ORIGIN = 'app://heddle'
const MENUS = ['fileMenu', 'editMenu', 'viewMenu', 'windowMenu'] as const
/** Papers and licences are read in the user's own browser; nothing else leaves the window. */
const READABLE = ['https://arxiv.org', 'https://doi.org']

/** Runs the desktop application until its last window is closed. Must be called before Electron is ready. */
export async function runDesktop(
  { app, BrowserWindow, dialog, ipcMain, Menu, nativeTheme, protocol, session, shell }: Electron,
  { pages, preload, args }: DesktopOptions,
): Promise<void> {
  if (!app.requestSingleInstanceLock()) return app.quit()
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  await app.whenReady()

  protocol.handle('app', ({ url, method }) => {
    const { protocol: scheme, host, pathname } = new URL(url)
    const page = method === 'GET' && `${scheme}//${host}` === ORIGIN ? pageOf(pages, pathname) : undefined
    if (page === undefined) return new Response('there is no such page', { status: 404 })
    return new Response(page.body, { headers: { 'Content-Type': page.type, ...pageHeaders(pathname) } })
  })
  // what a screen may do beyond showing itself: put text on the clipboard
  const isAllowed = (permission: string): boolean => permission === 'clipboard-sanitized-write'
  session.defaultSession.setPermissionRequestHandler((_, permission, answer) => answer(isAllowed(permission)))
  session.defaultSession.setPermissionCheckHandler((_, permission) => isAllowed(permission))
  app.on('web-contents-created', (_, contents) => confine(contents, (url) => void shell.openExternal(url)))
  const menus = [...(process.platform === 'darwin' ? (['appMenu'] as const) : []), ...MENUS]
  Menu.setApplicationMenu(Menu.buildFromTemplate(menus.map((role) => ({ role }))))

  const project = args.find((arg) => arg.endsWith('.heddle'))
  const workbench = openWorkbench({
    root: project === undefined ? join(app.getPath('documents'), 'Heddle') : dirname(resolve(project)),
    ...(project !== undefined && { project: resolve(project) }),
    async pickFile() {
      const filters = [{ name: 'Heddle project', extensions: ['heddle'] }]
      return (await dialog.showOpenDialog(window, { properties: ['openFile'], filters })).filePaths[0]
    },
  })
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1024,
    minHeight: 700,
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#0F1318' : '#FBFAF7',
    webPreferences: { preload, contextIsolation: true, sandbox: true, nodeIntegration: false, spellcheck: false },
  })
  window.once('ready-to-show', () => window.show())
  window.on('close', (event) => {
    event.preventDefault()
    void mayClose(workbench, dialog, window).then((yes) => yes && window.destroy())
  })
  window.webContents.on('render-process-gone', () => window.reload())
  carry(workbench, ipcMain, window.webContents)
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  app.on('window-all-closed', () => void workbench.close().finally(() => app.exit(0)))
  await window.loadURL(`${ORIGIN}/index.html`)
}

/** Frames of the screens' own: the one that code of notebooks runs in, and drawings without an address. */
const OWN_FRAMES = [`${ORIGIN}/frame.html`, 'about:srcdoc', 'about:blank']

/** No page leaves the application, opens a window or embeds a web view. */
function confine(contents: WebContents, openOutside: (url: string) => void): void {
  const refuse = (event: { preventDefault(): void }): void => event.preventDefault()
  contents.on('will-navigate', refuse)
  contents.on('will-frame-navigate', (event) => {
    if (event.isMainFrame || !OWN_FRAMES.includes(event.url)) refuse(event)
  })
  contents.on('will-redirect', refuse)
  contents.on('will-attach-webview', refuse)
  contents.setWindowOpenHandler(({ url }) => {
    if (URL.canParse(url) && READABLE.includes(new URL(url).origin)) openOutside(url)
    return { action: 'deny' }
  })
}

/** Frames between the window's own page and the workbench; nobody else is heard. */
function carry(workbench: Workbench, ipcMain: Electron['ipcMain'], contents: WebContents): void {
  let open: Session | undefined
  const isOwn = ({ sender, senderFrame }: IpcMainEvent): boolean =>
    sender === contents && senderFrame === contents.mainFrame && senderFrame.url.startsWith(`${ORIGIN}/`)
  const end = (): void => {
    open?.close()
    open = undefined
  }
  ipcMain.on('heddle.open', (event) => {
    if (!isOwn(event)) return
    end()
    const send = (text: string): void => {
      if (!contents.isDestroyed()) contents.send('heddle.frame', text)
    }
    // IPC tells nothing of what the page has read: it takes what it gets
    open = openSession(workbench, { send, waiting: () => 0 }, { readonly: false })
  })
  ipcMain.on('heddle.send', (event, text: unknown) => {
    if (isOwn(event) && typeof text === 'string') open?.receive(text)
  })
  contents.on('destroyed', end)
}

async function mayClose(workbench: Workbench, dialog: Electron['dialog'], window: BrowserWindow): Promise<boolean> {
  const jobs = (await workbench.call('jobs.list', {})) as readonly { readonly state: string; readonly title: string }[]
  const running = jobs.filter((job) => job.state === 'running').map((job) => job.title)
  if (running.length === 0) return true
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: `Stop ${running.length === 1 ? running[0] : `${running.length} jobs`} and quit?`,
    detail: 'What is finished is stored. Searches and training runs can be resumed.',
    buttons: ['Keep running', 'Stop and quit'],
    defaultId: 0,
    cancelId: 0,
  })
  return response === 1
}
