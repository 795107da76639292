// A stand-in for Electron: emitters and recorders in the shape of the parts that the desktop host uses.

import { EventEmitter } from 'node:events'
import { vi } from 'vitest'
import type { Electron } from '#main/electron.ts'

type Handler = (...args: never[]) => unknown

export class Contents extends EventEmitter {
  readonly mainFrame = { url: 'app://heddle/index.html' }
  readonly sent: string[] = []
  isGone = false
  openWindow: (details: { url: string }) => { action: string } = () => ({ action: 'allow' })
  isDestroyed = (): boolean => this.isGone
  send = (channel: string, text: string): void => void this.sent.push(`${channel} ${text}`)
  setWindowOpenHandler = (handler: (details: { url: string }) => { action: string }): void => {
    this.openWindow = handler
  }
}

export class Window extends EventEmitter {
  static readonly all: Window[] = []
  readonly webContents = new Contents()
  readonly show = vi.fn()
  readonly focus = vi.fn()
  readonly reload = vi.fn()
  readonly restore = vi.fn()
  readonly destroy = vi.fn()
  readonly options: Readonly<Record<string, unknown>>
  url = ''
  constructor(options: Readonly<Record<string, unknown>>) {
    super()
    this.options = options
    Window.all.push(this)
  }
  isMinimized = (): boolean => true
  loadURL = async (url: string): Promise<void> => void (this.url = url)
}

/** Everything that the host asked for, and the parts to pass to it. */
export function standIn({ documents, isFirst = true }: { readonly documents: string; readonly isFirst?: boolean }) {
  Window.all.length = 0
  const asked = {
    schemes: [] as unknown[],
    permission: [] as Handler[],
    pages: undefined as ((request: { url: string; method: string }) => Response) | undefined,
    menu: [] as { role: string }[],
    outside: [] as string[],
    answer: { response: 0, filePaths: [] as string[] },
    quit: vi.fn(),
    exit: vi.fn(),
    questions: [] as { message: string }[],
  }
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => isFirst,
    quit: asked.quit,
    exit: asked.exit,
    whenReady: async () => {},
    getPath: () => documents,
  })
  const ipcMain = new EventEmitter()
  const parts = {
    app,
    BrowserWindow: Window,
    dialog: {
      showOpenDialog: async () => asked.answer,
      showMessageBox: async (_: unknown, question: { message: string }) => {
        asked.questions.push(question)
        return asked.answer
      },
    },
    ipcMain,
    Menu: {
      buildFromTemplate: (template: { role: string }[]) => template,
      setApplicationMenu: (menu: { role: string }[]) => void (asked.menu = menu),
    },
    nativeTheme: { shouldUseDarkColors: true },
    protocol: {
      registerSchemesAsPrivileged: (schemes: unknown[]) => void asked.schemes.push(...schemes),
      handle: (_: string, handler: typeof asked.pages) => void (asked.pages = handler),
    },
    session: {
      defaultSession: {
        setPermissionRequestHandler: (handler: Handler) => void (asked.permission[0] = handler),
        setPermissionCheckHandler: (handler: Handler) => void (asked.permission[1] = handler),
      },
    },
    shell: { openExternal: async (url: string) => void asked.outside.push(url) },
  }
  return { electron: parts as unknown as Electron, app, ipcMain, asked }
}
