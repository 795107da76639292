import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { runDesktop } from '#main/electron.ts'
import type { Pages } from '#main/serve/pages.ts'
import { Contents, standIn, Window } from './stand-in.ts'

const pages: Pages = new Map([['/index.html', { type: 'text/html', body: Buffer.from('<p>heddle') }]])
const folders: string[] = []
const running: ReturnType<typeof standIn>[] = []

async function start({ args = [] as string[], isFirst = true } = {}) {
  const documents = mkdtempSync(join(tmpdir(), 'heddle-desktop-'))
  folders.push(documents)
  const stand = standIn({ documents, isFirst })
  await runDesktop(stand.electron, { pages, preload: '/preload/index.cjs', args })
  if (isFirst) running.push(stand)
  return { ...stand, documents, window: Window.all[0]! }
}

afterEach(async () => {
  for (const { app, asked } of running.splice(0)) {
    asked.exit.mockClear()
    app.emit('window-all-closed')
    await vi.waitFor(() => expect(asked.exit).toHaveBeenCalledWith(0))
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

type Running = Awaited<ReturnType<typeof start>>

/** A frame as the preload script sends it, or one from elsewhere. */
function receive({ ipcMain, window }: Running, channel: string, text?: unknown, from: object = {}): void {
  const sender = window.webContents
  ipcMain.emit(channel, { sender, senderFrame: sender.mainFrame, ...from }, text)
}
const frames = ({ window }: Running): unknown[] =>
  window.webContents.sent.map((line) => JSON.parse(line.replace('heddle.frame ', '')) as unknown)

it('opens one sandboxed window on its own pages', async () => {
  const { window, asked } = await start()
  expect(Window.all).toHaveLength(1)
  expect(window.url).toBe('app://heddle/index.html')
  expect(window.options['webPreferences']).toMatchObject({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    preload: '/preload/index.cjs',
  })
  expect(window.show).not.toHaveBeenCalled()
  window.emit('ready-to-show')
  expect(window.show).toHaveBeenCalledOnce()
  expect(asked.schemes).toEqual([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  expect(asked.menu.map(({ role }) => role)).toContain('editMenu')
})

it('gives out built pages only, with the policy', async () => {
  const { asked } = await start()
  const get = (url: string, method = 'GET'): Response => asked.pages!({ url, method })
  const page = get('app://heddle/index.html')
  expect(await page.text()).toBe('<p>heddle')
  expect(page.headers.get('Content-Security-Policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/)
  for (const url of [
    'app://heddle/../package.json',
    'app://heddle/%2e%2e/x',
    'app://other/index.html',
    'app://heddle/x',
  ])
    expect(get(url).status, url).toBe(404)
  expect(get('app://heddle/index.html', 'POST').status).toBe(404)
})

it('refuses navigation, windows, web views and permissions', async () => {
  const { app, asked } = await start()
  const contents = new Contents()
  app.emit('web-contents-created', {}, contents)
  for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview']) {
    const preventDefault = vi.fn()
    contents.emit(name, { preventDefault })
    expect(preventDefault, name).toHaveBeenCalledOnce()
  }
  for (const [url, isMainFrame, isRefused] of [
    ['app://heddle/frame.html', false, false],
    ['about:srcdoc', false, false],
    ['app://heddle/frame.html', true, true],
    ['app://heddle/index.html', false, true],
    ['https://example.com/', false, true],
  ] as const) {
    const preventDefault = vi.fn()
    contents.emit('will-frame-navigate', { preventDefault, url, isMainFrame })
    expect(preventDefault, url).toHaveBeenCalledTimes(isRefused ? 1 : 0)
  }
  for (const url of ['https://example.com', 'file:///etc/passwd', 'javascript:alert(1)', 'https://arxiv.org.evil.com'])
    expect(contents.openWindow({ url })).toEqual({ action: 'deny' })
  expect(asked.outside).toEqual([])
  expect(contents.openWindow({ url: 'https://arxiv.org/abs/2511.18890' })).toEqual({ action: 'deny' })
  expect(asked.outside).toEqual(['https://arxiv.org/abs/2511.18890'])

  const [request, check] = asked.permission as unknown as [
    (contents: unknown, permission: string, answer: (isAllowed: boolean) => void) => void,
    (contents: unknown, permission: string) => boolean,
  ]
  for (const permission of ['media', 'geolocation', 'notifications', 'openExternal', 'clipboard-read', 'usb']) {
    const answer = vi.fn()
    request({}, permission, answer)
    expect(answer).toHaveBeenCalledWith(false)
    expect(check({}, permission)).toBe(false)
  }
})

it('answers frames of its own page and hears nobody else', async () => {
  const it = await start()
  receive(it, 'heddle.open')
  expect(frames(it)).toEqual([{ hello: { version: expect.any(String), readonly: false, seq: 0 } }])
  receive(it, 'heddle.send', JSON.stringify({ id: 1, call: 'projects.current' }))
  await vi.waitFor(() => expect(frames(it)).toContainEqual({ id: 1, ok: true, value: null }))

  const call = JSON.stringify({ id: 2, call: 'projects.current' })
  receive(it, 'heddle.send', call, { sender: new Contents() })
  receive(it, 'heddle.send', call, { senderFrame: { url: 'app://heddle/index.html' } })
  receive(it, 'heddle.send', call, { senderFrame: null })
  receive(it, 'heddle.send', { id: 2 })
  it.window.webContents.mainFrame.url = 'https://example.com/'
  receive(it, 'heddle.send', call)
  receive(it, 'heddle.open')
  it.window.webContents.mainFrame.url = 'app://heddle/index.html'
  receive(it, 'heddle.send', 'no json')
  receive(it, 'heddle.send', JSON.stringify({ id: 3, call: 'projects.library' }))
  await vi.waitFor(() => expect(frames(it)).toContainEqual(expect.objectContaining({ id: 3 })))
  expect(frames(it)).toHaveLength(4)
  expect(frames(it)).not.toContainEqual(expect.objectContaining({ id: 2 }))
})

it('starts a new session when its page is loaded again', async () => {
  const it = await start()
  receive(it, 'heddle.open')
  receive(it, 'heddle.open')
  receive(it, 'heddle.send', JSON.stringify({ id: 1, call: 'projects.create', args: { name: 'one' } }))
  await vi.waitFor(() => expect(frames(it)).toContainEqual(expect.objectContaining({ id: 1, ok: true })))
  const events = frames(it).filter((frame) => Object.hasOwn(frame as object, 'event'))
  expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(events.length)
})

it('opens the project of its command line, and what a dialog picks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-desktop-project-'))
  folders.push(folder)
  const it = await start({ args: ['--flag', join(folder, 'mine.heddle')] })
  receive(it, 'heddle.open')
  receive(it, 'heddle.send', JSON.stringify({ id: 1, call: 'projects.current' }))
  const path = join(folder, 'mine.heddle')
  await vi.waitFor(() =>
    expect(frames(it)).toContainEqual({ id: 1, ok: true, value: expect.objectContaining({ path }) }),
  )
  it.asked.answer.filePaths = []
  receive(it, 'heddle.send', JSON.stringify({ id: 2, call: 'projects.pick' }))
  await vi.waitFor(() => expect(frames(it)).toContainEqual({ id: 2, ok: true, value: null }))
})

it('asks before it stops work, and closes at once without any', async () => {
  const it = await start()
  const preventDefault = vi.fn()
  it.window.emit('close', { preventDefault })
  await vi.waitFor(() => expect(it.window.destroy).toHaveBeenCalledOnce())
  expect(preventDefault).toHaveBeenCalledOnce()
  expect(it.asked.questions).toEqual([])

  receive(it, 'heddle.open')
  const call = async (id: number, name: string, args?: object): Promise<void> => {
    receive(it, 'heddle.send', JSON.stringify({ id, call: name, args }))
    await vi.waitFor(() => expect(frames(it)).toContainEqual(expect.objectContaining({ id, ok: true })))
  }
  await call(1, 'projects.create', { name: 'busy' })
  const config = {
    spec: { heddle: 1, model: { dModel: 32, vocabSize: 257 }, blocks: [{ kind: 'ffn' }] },
    data: { kind: 'corpus', path: null, tokenizer: 'bytes' },
    run: { steps: 100_000, batchSize: 2, seqLen: 16 },
    threads: 1,
  }
  await call(2, 'training.start', { config, name: 'long' })
  it.asked.answer.response = 0
  it.window.emit('close', { preventDefault })
  await vi.waitFor(() => expect(it.asked.questions).toHaveLength(1))
  expect(it.asked.questions[0]!.message).toContain('Train long')
  expect(it.window.destroy).toHaveBeenCalledOnce()
  it.asked.answer.response = 1
  it.window.emit('close', { preventDefault })
  await vi.waitFor(() => expect(it.window.destroy).toHaveBeenCalledTimes(2))
})

it('leaves the window to the first program of its kind', async () => {
  const second = await start({ isFirst: false })
  expect(second.asked.quit).toHaveBeenCalledOnce()
  expect(Window.all).toHaveLength(0)
  const { app, window } = await start()
  app.emit('second-instance')
  expect(window.restore).toHaveBeenCalledOnce()
  expect(window.focus).toHaveBeenCalledOnce()
})

it('comes back after its page crashed', async () => {
  const { window } = await start()
  window.webContents.emit('render-process-gone')
  expect(window.reload).toHaveBeenCalledOnce()
})
